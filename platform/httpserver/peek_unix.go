//go:build unix

package httpserver

import (
	"errors"
	"syscall"
)

// peek looks at the socket without waiting: ready if there is data, an end or an error; gone for
// the latter two.
func peek(fd uintptr) (ready, gone bool) {
	var b [1]byte
	for {
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return false, false
		default:
			return true, err != nil || n == 0
		}
	}
}
