// Package limits says, in words that a person can act on, which limit of the system a start of a
// program has met: of open files, of processes, of memory. It knows what the limits of this process
// really are, by getrlimit(2) and cgroups(7), and nothing of what is started.
package limits

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// Met is a sentence about the limit that cause has met and what to do about it; "" if cause is no
// such error.
func Met(cause error) string {
	var errno syscall.Errno
	if !errors.As(cause, &errno) {
		return ""
	}
	switch errno {
	case syscall.EMFILE:
		return fmt.Sprintf("Too many files are open (EMFILE): this process may have %s. Each event in flight needs about six for its "+
			"program. Set BOOTSTRAP_CONCURRENCY or BOOTSTRAP_PIPE_SPARES lower, or raise the limit where bootstrap is started (ulimit -n).",
			known(openFiles(), "only so many at once"))
	case syscall.ENFILE:
		return fmt.Sprintf("The system has too many open files (ENFILE): all processes together may have %s. Close what other programs "+
			"hold open, or set BOOTSTRAP_CONCURRENCY lower.", known(systemFiles(), "only so many"))
	case syscall.EAGAIN:
		return fmt.Sprintf("There are too many processes (EAGAIN): with their threads there may be %s. Set BOOTSTRAP_CONCURRENCY or "+
			"BOOTSTRAP_PIPE_SPARES lower, or let the program start fewer processes and threads.", known(processes(), "only so many"))
	case syscall.ENOMEM:
		return fmt.Sprintf("There is no memory left (ENOMEM)%s. Raise the function's memory, or set BOOTSTRAP_CONCURRENCY lower.",
			before(": this process may have ", addressSpace()))
	}
	return ""
}

// known is limits as a list, or else, where none can be read, unknown.
func known(limits []string, unknown string) string {
	if len(limits) == 0 {
		return unknown
	}
	return strings.Join(limits, " and ")
}

// before puts a text before limits, if there are any.
func before(text string, limits []string) string {
	if len(limits) == 0 {
		return ""
	}
	return text + strings.Join(limits, " and ")
}
