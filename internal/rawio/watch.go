package rawio

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Watch looks at several descriptors in one system call.
type Watch struct{ fds []unix.PollFd }

// NewWatch makes a Watch. The files must be open whenever Ready is called.
func NewWatch(all ...*Descriptor) *Watch {
	w := &Watch{}
	for _, d := range all {
		w.fds = append(w.fds, unix.PollFd{Fd: d.fd, Events: unix.POLLIN})
	}
	return w
}

// Ready returns bit n set if descriptor n can be read or has ended. It does not wait. If the
// system can't tell, all bits are set.
func (w *Watch) Ready() (bits int) {
	var now unix.Timespec
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&w.fds[0])), uintptr(len(w.fds)),
		uintptr(unsafe.Pointer(&now)), 0, 0, 0)
	if errno != 0 {
		return 1<<len(w.fds) - 1
	}
	for i := range w.fds {
		if w.fds[i].Revents != 0 {
			bits |= 1 << i
		}
	}
	return bits
}
