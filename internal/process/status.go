package process

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Status is how a program ended.
type Status struct{ unix.WaitStatus }

// Success is exit code 0.
func (s Status) Success() bool { return s.Exited() && s.ExitStatus() == 0 }

// String completes the sentence "The program …".
func (s Status) String() string {
	switch {
	case s.Signaled():
		if name := unix.SignalName(s.Signal()); name != "" {
			return "was killed by " + name
		}
		return fmt.Sprintf("was killed by signal %d", s.Signal()) // a real-time signal has no name
	case s.ExitStatus() > 128 && unix.SignalName(unix.Signal(s.ExitStatus()-128)) != "":
		// Shells and env report a killed child like this.
		return fmt.Sprintf("exited with code %d, which is how a shell says that a program it ran was killed by %s",
			s.ExitStatus(), unix.SignalName(unix.Signal(s.ExitStatus()-128)))
	default:
		return fmt.Sprintf("exited with code %d", s.ExitStatus())
	}
}

// Killed reports whether the program, or for a shell the program in it, ended by SIGKILL, as the
// kernel does when memory runs out.
func (s Status) Killed() bool {
	return s.Signaled() && s.Signal() == unix.SIGKILL || s.Exited() && s.ExitStatus() == 128+int(unix.SIGKILL)
}
