package procfs

import (
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Sample says what a program and its descendants use and do at one moment.
type Sample struct {
	// Own is the memory, in bytes, that no other process shares: each further start needs as much
	// again. Shared is the memory of files, mostly code, which exists once for all starts. Both
	// are 0 if unknown.
	Own, Shared int64

	// PIDs are the processes in order, CPU is the time that they have used so far. Busy says that
	// one of them runs, is ready to run, or waits for a disk.
	PIDs []int
	CPU  time.Duration
	Busy bool
}

// leastOfCPU is the CPU time that a waiting program may use between two samples.
const leastOfCPU = time.Millisecond

// Idle reports whether the program has only waited since an earlier sample. A script also waits
// for the programs that it runs, so a change in its processes counts as activity.
func (l Sample) Idle(before Sample) bool {
	return !l.Busy && !before.Busy && slices.Equal(l.PIDs, before.PIDs) && l.CPU-before.CPU < leastOfCPU
}

// Measure samples the process leader and its descendants. It looks at all visible processes,
// which takes about a millisecond.
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

// cpuTime returns the CPU time that all threads of a process have used.
func cpuTime(pid int) time.Duration {
	const schedulersClock = 2 // as in clock_getcpuclockid: stat knows only hundredths of a second
	var used unix.Timespec
	_ = unix.ClockGettime(int32(^pid<<3|schedulersClock), &used) // 0, if it has ended
	return time.Duration(used.Nano())
}
