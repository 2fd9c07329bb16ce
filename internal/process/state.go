package process

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// states are the letters of proc(5) for a program that lives.
var states = map[string]string{
	"R": "is at work", "S": "sleeps", "D": "waits for a disk", "T": "is stopped", "t": "is stopped by a debugger", "Z": "has ended",
}

// State completes the sentence "The program …": what it does at the moment, as far
// as the kernel tells.
func (p *Process) State() string {
	for pid, stat := range stats {
		if pid != p.PID || states[stat.state] == "" {
			continue
		}
		text := states[stat.state]
		// The number of the system call that it waits in, and its arguments.
		call, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid))
		if err == nil && strings.HasPrefix(string(call), fmt.Sprintf("%d 0x0 ", unix.SYS_READ)) {
			text += ", waiting for more on its stdin"
		}
		return text
	}
	return "can't be looked at"
}

// exiting is the flag of proc(5), PF_EXITING, of a program that is not run any more.
const exiting = 0x4

// exitPatience bounds how long the kernel may take to end a program.
const exitPatience = 10 * time.Second

// EndsSoon waits for the program to end, as long as patience: it has just closed what it
// should not. One that the kernel is ending, which closes that first, is waited for longer:
// on a share of a processor it takes long to give back much memory. It is false at ctx's end.
func (p *Process) EndsSoon(ctx context.Context, patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-ctx.Done():
		return false
	case <-timer.C:
	}
	stat, _ := readStat(fmt.Sprintf("/proc/%d/stat", p.PID))
	if flags, _ := strconv.Atoi(stat.flags); flags&exiting == 0 {
		return false
	}
	timer.Reset(exitPatience)
	select {
	case <-p.done:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}

// Bypassed is the command line of a process that the program has started and that
// does not have the program's descriptor 3: if that is who should write to it, it
// can't. "" where there is none.
func (p *Process) Bypassed() string {
	link := func(pid int) string {
		name, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/3", pid))
		return name
	}
	channel := link(p.PID)
	if !strings.HasPrefix(channel, "pipe:") {
		return ""
	}
	for pid, stat := range stats {
		if pid == p.PID || stat.group != strconv.Itoa(p.PID) || link(pid) == channel {
			continue
		}
		if words := CommandLine(pid); words != "" {
			return words
		}
	}
	return ""
}
