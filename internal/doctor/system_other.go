//go:build !unix

package doctor

import (
	"errors"
	"syscall"
)

// access has no meaning on a system where no program of a function can start: a Command there
// is In a World that is described.
func (machine) access(string) error { return errors.ErrUnsupported }

func errnoName(syscall.Errno) string { return "" }
