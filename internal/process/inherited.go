package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// inherited lists the living children of this process; the kernel gives
// orphans to the first thread, so that one list has them all.
func inherited() []int {
	self := strconv.Itoa(os.Getpid())
	list, err := os.ReadFile("/proc/" + self + "/task/" + self + "/children")
	if err != nil {
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
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var pids []int
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// pid (name) state ppid …; the name may hold anything, also ") ".
		_, rest, _ := bytes.Cut(text[bytes.LastIndexByte(text, ')')+1:], []byte(" "))
		fields := bytes.Fields(rest)
		if len(fields) < 2 || string(fields[1]) != self || string(fields[0]) == "Z" {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
