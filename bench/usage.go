package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The CPU time of a candidate is the user and system time of its poller and of every process that
// the poller started, from the end of the warm-up to the end of the poller. It is the total of
// the reaped poller, which includes the children that it waited for, and of the children that it
// did not wait for, less cpuTime at the end of the warm-up. Work that the kernel does for sockets
// outside any process is not included.

// adoptOrphans makes orphaned descendants our children.
func adoptOrphans() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the parent of orphans: %w", err)
	}
	return nil
}

// reapOrphans waits for what was killed of a group and returns its CPU time.
func reapOrphans(group int) (cpu time.Duration) {
	for {
		var u unix.Rusage
		_, err := unix.Wait4(-group, nil, 0, &u)
		switch {
		case err == nil:
			cpu += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		case !errors.Is(err, unix.EINTR): // ECHILD: there are no more
			return cpu
		}
	}
}

// cpuTime is the CPU time of a process and of those that it started. A process that ends
// meanwhile may be missing.
func cpuTime(pid int) time.Duration {
	const schedulersClock = 2 // as in clock_getcpuclockid: stat knows only hundredths of a second
	var own unix.Timespec
	_ = unix.ClockGettime(int32(^pid<<3|schedulersClock), &own) // 0, if it has ended
	all := time.Duration(own.Nano()) + waitedFor(pid)
	children, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is right
	for _, file := range children {
		text, _ := os.ReadFile(file)
		for _, child := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(child); err == nil {
				all += cpuTime(pid)
			}
		}
	}
	return all
}

// waitedFor is the CPU time of a process's reaped children, from cutime and cstime in its stat.
func waitedFor(pid int) time.Duration {
	const tick = time.Second / 100
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // none, if it has ended
	var user, system int64
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) > 14 {
		user, _ = strconv.ParseInt(fields[13], 10, 64)
		system, _ = strconv.ParseInt(fields[14], 10, 64)
	}
	return time.Duration(user+system) * tick
}

// memory is the peak and the current resident set of a running process, in MB. The peak of a
// reaped process would be that of its largest child, if that was larger.
func memory(pid int) (peak, rss float64, err error) {
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = status.Close() }()
	lines := bufio.NewScanner(status)
	for lines.Scan() {
		_, _ = fmt.Sscanf(lines.Text(), "VmHWM: %f kB", &peak) // most lines have other names
		_, _ = fmt.Sscanf(lines.Text(), "VmRSS: %f kB", &rss)
	}
	if peak == 0 || rss == 0 {
		return 0, 0, errors.New("the poller ended before its memory was measured")
	}
	return peak / 1024, rss / 1024, nil
}
