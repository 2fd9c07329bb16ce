// Package procfs reads what the kernel tells of processes, their sockets, memory and control
// groups, by proc(5), sock_diag(7) and cgroups(7). It starts and ends nothing, and where the kernel tells
// nothing it says so.
package procfs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// GroupLives reports whether a process of the group is more than a zombie. It is slow, and
// returns true if it can't tell.
func GroupLives(group int) bool {
	known := false
	for _, stat := range All {
		known = true
		if stat.Group == strconv.Itoa(group) && stat.State != "Z" && stat.State != "X" {
			return true
		}
	}
	return !known
}

// Stat is what we need of a process's line in /proc (proc(5)), as it stands there.
type Stat struct{ State, Parent, Group, Flags string }

// All iterates over all visible processes.
func All(yield func(pid int, s Stat) bool) {
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

func readStat(path string) (s Stat, ok bool) {
	text, err := os.ReadFile(path)
	// pid (name) state ppid pgrp session tty tpgid flags …; the name may hold anything, also ") ".
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if err != nil || len(fields) < 7 {
		return Stat{}, false
	}
	return Stat{State: fields[0], Parent: fields[1], Group: fields[2], Flags: fields[6]}, true
}

// exiting is PF_EXITING, the flag in proc(5) of a process that no longer runs.
const exiting = 0x4

// Exiting reports whether the kernel is ending a process: its memory and open files have been
// released or are being released.
func Exiting(pid int) bool {
	stat, _ := readStat(fmt.Sprintf("/proc/%d/stat", pid))
	flags, _ := strconv.Atoi(stat.Flags)
	return flags&exiting != 0
}
