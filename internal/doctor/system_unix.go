//go:build unix

package doctor

import (
	"syscall"

	"golang.org/x/sys/unix"
)

func (machine) access(path string) error { return unix.Access(path, unix.X_OK) }

// errnoName is the name of an error's number, such as ENOENT.
func errnoName(errno syscall.Errno) string { return unix.ErrnoName(errno) }
