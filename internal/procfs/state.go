package procfs

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// states are the letters of proc(5) for a program that lives.
var states = map[string]string{
	"R": "is at work", "S": "sleeps", "D": "waits for a disk", "T": "is stopped", "t": "is stopped by a debugger", "Z": "has ended",
}

// State completes the sentence "The program …" with what process pid is doing, as far as the
// kernel tells.
func State(pid int) string {
	for each, stat := range All {
		if each != pid || states[stat.State] == "" {
			continue
		}
		text := states[stat.State]
		// The number of the system call that it waits in, and its arguments.
		call, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid))
		if err == nil && strings.HasPrefix(string(call), fmt.Sprintf("%d 0x0 ", unix.SYS_READ)) {
			text += ", waiting for more on its stdin"
		}
		return text
	}
	return "can't be looked at"
}

// Sleeps reports whether the first thread of a process sleeps for a set time, as far as the kernel
// tells.
func Sleeps(pid int) bool {
	call, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid))
	number, _, _ := strings.Cut(string(call), " ")
	return err == nil && (number == strconv.Itoa(unix.SYS_NANOSLEEP) || number == strconv.Itoa(unix.SYS_CLOCK_NANOSLEEP))
}

// Bypassed returns the command line of a process in the group of leader that does not have
// leader's descriptor 3, and so can't write to it; "" if there is none.
func Bypassed(leader int) string {
	link := func(pid int) string {
		name, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/3", pid))
		return name
	}
	channel := link(leader)
	if !strings.HasPrefix(channel, "pipe:") {
		return ""
	}
	for pid, stat := range All {
		if pid == leader || stat.Group != strconv.Itoa(leader) || link(pid) == channel {
			continue
		}
		if words := CommandLine(pid); words != "" {
			return words
		}
	}
	return ""
}
