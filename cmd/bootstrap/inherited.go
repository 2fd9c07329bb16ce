package main

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// firstOwn is the first descriptor that is no standard one.
const firstOwn = 3

// closeToPrograms lets no program that we start inherit a descriptor that we were started with:
// it may be a socket that is held open, or a file that is nobody else's business. What we open
// ourselves is closed to programs anyway.
func closeToPrograms() {
	if unix.CloseRange(firstOwn, ^uint(0)>>32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	closeEach() // before Linux 5.11, or in a sandbox that does not know the call
}

func closeEach() {
	entries, _ := os.ReadDir("/proc/self/fd") // without /proc there is no way to find them
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd >= firstOwn {
			unix.CloseOnExec(fd)
		}
	}
}
