package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// childrenFile is the kernel's list of the children of our first thread, which is
// given the orphans: that one list has them all.
func childrenFile() string {
	self := strconv.Itoa(os.Getpid())
	return "/proc/" + self + "/task/" + self + "/children"
}

// watch keeps the list of our children open: it is looked at after every event,
// and to open it each time was a quarter of what an event cost in a worker.
type watch struct{ fd int }

func newWatch() watch {
	fd, err := unix.Open(childrenFile(), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		fd = -1
	}
	return watch{fd}
}

// empty tells whether there is certainly no orphan.
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
	for pid, stat := range stats {
		if stat.parent == self && stat.state != "Z" {
			pids = append(pids, pid)
		}
	}
	return pids
}

// groupLives tells whether a process of the group is more than a zombie. It is
// slow, and true where there is no telling.
func groupLives(group int) bool {
	known := false
	for _, stat := range stats {
		known = true
		if stat.group == strconv.Itoa(group) && stat.state != "Z" && stat.state != "X" {
			return true
		}
	}
	return !known
}

// stat is what we need of a process's line in /proc.
type stat struct{ state, parent, group, flags string }

// stats goes through all processes that can be seen.
func stats(yield func(pid int, s stat) bool) {
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		if s, ok := readStat(path); ok && !yield(pid, s) {
			return
		}
	}
}

func readStat(path string) (s stat, ok bool) {
	text, err := os.ReadFile(path)
	// pid (name) state ppid pgrp session tty tpgid flags …; the name may hold anything, also ") ".
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if err != nil || len(fields) < 7 {
		return stat{}, false
	}
	return stat{state: fields[0], parent: fields[1], group: fields[2], flags: fields[6]}, true
}
