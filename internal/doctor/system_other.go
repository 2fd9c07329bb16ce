//go:build !unix

package doctor

import (
	"errors"
	"syscall"
)

// access has no meaning on a system where a function's program can't start: there Command.In is
// always a described World.
func (machine) access(string) error { return errors.ErrUnsupported }

func errnoName(syscall.Errno) string { return "" }
