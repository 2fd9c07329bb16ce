package procfs

import (
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Sample is what a program, and what it has started, was found to have and to do.
type Sample struct {
	// Own is what no other process has in memory, in bytes: as much again for each
	// further start. Shared is in files, above all its code: there once, however many have
	// them. Both are 0 where there is no telling.
	Own, Shared int64

	// PIDs are the processes, in order, CPU what they have used so far. Busy says that one of
	// them runs, would like to, or waits for a disk.
	PIDs []int
	CPU  time.Duration
	Busy bool
}

// leastOfCPU is what who waits may use between two looks.
const leastOfCPU = time.Millisecond

// Idle tells whether it has only waited since a look before. A script waits, too, for what
// it runs: other processes are a sign of life.
func (l Sample) Idle(before Sample) bool {
	return !l.Busy && !before.Busy && slices.Equal(l.PIDs, before.PIDs) && l.CPU-before.CPU < leastOfCPU
}

// Measure looks at the process leader and its descendants. It goes through all processes
// that can be seen, which takes a millisecond or so.
func Measure(leader int) (l Sample) {
	busy := map[int]bool{}
	for pid, stat := range All {
		busy[pid] = stat.State == "R" || stat.State == "D" // of its first thread
	}
	page := int64(os.Getpagesize())
	l.PIDs = Processes().Under(leader)
	slices.Sort(l.PIDs)
	for _, pid := range l.PIDs {
		l.Busy = l.Busy || busy[pid]
		l.CPU += cpuTime(pid)
		var size, resident, shared int64
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)) // none, if it has ended
		if n, _ := fmt.Sscan(string(text), &size, &resident, &shared); n == 3 {
			l.Own += (resident - shared) * page
			l.Shared = max(l.Shared, shared*page)
		}
	}
	return l
}

// cpuTime is what all threads of a process have used.
func cpuTime(pid int) time.Duration {
	const schedulersClock = 2 // as in clock_getcpuclockid: stat knows only hundredths of a second
	var used unix.Timespec
	_ = unix.ClockGettime(int32(^pid<<3|schedulersClock), &used) // 0, if it has ended
	return time.Duration(used.Nano())
}
