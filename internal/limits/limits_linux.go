package limits

import (
	"fmt"
	"os"
	"strings"

	"fgbootstrap/internal/procfs"

	"golang.org/x/sys/unix"
)

func openFiles() []string { return resource(unix.RLIMIT_NOFILE, "%d at once (RLIMIT_NOFILE)") }

func addressSpace() []string { return resource(unix.RLIMIT_AS, "%d bytes of addresses (RLIMIT_AS)") }

// processes are all limits that hold: which one was met, the system does not say.
func processes() []string {
	var limits []string
	if unix.Getuid() != 0 { // root may have more
		limits = resource(unix.RLIMIT_NPROC, "%d of this user (RLIMIT_NPROC)")
	}
	group := procfs.CGroup{Root: "/sys/fs/cgroup", Groups: "/proc/self/cgroup"}
	if most, ok := group.Processes(); ok {
		limits = append(limits, fmt.Sprintf("%d in this instance (pids.max)", most))
	}
	return limits
}

func resource(which int, text string) []string {
	var limit unix.Rlimit
	if unix.Getrlimit(which, &limit) != nil || limit.Cur == unix.RLIM_INFINITY {
		return nil
	}
	return []string{fmt.Sprintf(text, limit.Cur)}
}

func systemFiles() []string {
	text, err := os.ReadFile("/proc/sys/fs/file-max")
	if err != nil { // it needs a file itself
		return nil
	}
	return []string{strings.TrimSpace(string(text)) + " (fs.file-max)"}
}
