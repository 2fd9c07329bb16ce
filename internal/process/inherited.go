package process

import (
	"bytes"
	"os"
	"strconv"

	"fgbootstrap/internal/procfs"

	"golang.org/x/sys/unix"
)

// childrenFile is the kernel's list of the children of our first thread. Orphans go to that
// thread, so the list has all of them.
func childrenFile() string {
	self := strconv.Itoa(os.Getpid())
	return "/proc/" + self + "/task/" + self + "/children"
}

// watch keeps the list of our children open: it is read after every event, and opening it each
// time was a quarter of the cost of an event in a worker.
type watch struct{ fd int }

func newWatch() watch {
	fd, err := unix.Open(childrenFile(), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		fd = -1
	}
	return watch{fd}
}

// empty reports whether there is certainly no child.
func (w watch) empty() bool {
	var first [1]byte
	n, err := unix.Pread(w.fd, first[:], 0)
	return err == nil && n == 0
}

func (w watch) close() {
	if w.fd >= 0 {
		_ = unix.Close(w.fd)
	}
}

// inherited lists the living children of this process.
func inherited() []int {
	list, err := os.ReadFile(childrenFile())
	if err != nil {
		self := strconv.Itoa(os.Getpid())
		return childrenByScan(self) // a kernel without CONFIG_PROC_CHILDREN
	}
	var pids []int
	for _, field := range bytes.Fields(list) {
		if pid, err := strconv.Atoi(string(field)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// childrenByScan looks for our pid as the parent in every process's stat.
func childrenByScan(self string) []int {
	var pids []int
	for pid, stat := range procfs.All {
		if stat.Parent == self && stat.State != "Z" {
			pids = append(pids, pid)
		}
	}
	return pids
}
