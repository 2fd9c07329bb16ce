package main

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Each of the two ways does it: which one a kernel takes is not the test's choice.
func TestDescriptorsAreClosedToPrograms(t *testing.T) {
	for name, closeAll := range map[string]func(){"in one call": closeToPrograms, "one by one": closeEach} {
		t.Run(name, func(t *testing.T) {
			fd, err := unix.Dup(int(os.Stdin.Fd()))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = unix.Close(fd) }()
			closeAll()
			if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("descriptor %d is open to programs: flags %x, %v", fd, flags, err)
			}
			if flags, err := unix.FcntlInt(2, unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC != 0 {
				t.Errorf("stderr is not: flags %x, %v", flags, err)
			}
		})
	}
}
