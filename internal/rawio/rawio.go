// Package rawio reads and writes descriptors that do not block by system calls of
// which Go's scheduler is not told.
//
// It is told of others because they may take long. One that does not block takes
// microseconds, unless the kernel runs whoever is at the other end first. On one CPU
// that is the rule, and the scheduler gives our processor to another thread
// meanwhile: coming back costs a wake-up. Measured with a worker on one CPU and
// pauses between events: 75 us an event instead of 95, where a C program takes 51.
package rawio

import (
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// most is how much is moved at a time: it bounds how long a call takes.
const most = 64 << 10

// Descriptor is one that does not block, of a file or connection whose own deadlines
// and Close go for it too. One goroutine at a time may use it; one may read while
// another writes only if each has its own.
type Descriptor struct {
	raw    syscall.RawConn
	fd     int32       // for as long as the file is open
	atWork atomic.Bool // whoever reads is at work on what Read has given it

	// Of the call under way; kept here because a closure a call would be garbage.
	p             []byte
	n             int
	errno         syscall.Errno
	wait          bool
	read1, write1 func(fd uintptr) bool
}

// New makes a Descriptor of c, which stays the caller's.
func New(c syscall.Conn) (*Descriptor, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	d := &Descriptor{raw: raw}
	if err := raw.Control(func(fd uintptr) { d.fd = int32(fd) }); err != nil {
		return nil, err
	}
	d.read1, d.write1 = d.readOnce, d.writeOnce
	return d, nil
}

// Read implements io.Reader: it waits until there is something.
func (d *Descriptor) Read(p []byte) (int, error) {
	return d.transfer(p, true)
}

// ReadNow does not wait: without an error, 0 bytes are nothing yet.
func (d *Descriptor) ReadNow(p []byte) (int, error) {
	return d.transfer(p, false)
}

func (d *Descriptor) transfer(p []byte, wait bool) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	d.p, d.n, d.errno, d.wait = p, 0, 0, wait
	n, err = d.result("read", d.raw.Read(d.read1))
	if n == 0 && err == nil && d.errno == 0 {
		err = io.EOF
	}
	return n, err
}

// result is that of a call; err is of the wait for it.
func (d *Descriptor) result(call string, err error) (int, error) {
	d.p = nil
	if err == nil && d.errno != 0 && d.errno != syscall.EAGAIN {
		err = os.NewSyscallError(call, d.errno)
	}
	return d.n, err
}

func (d *Descriptor) readOnce(fd uintptr) (done bool) {
	d.atWork.Store(true) // before: what is gone from the pipe must be somewhere
	for n := most; n == most && d.n < len(d.p); d.n += n {
		n, d.errno = call(syscall.SYS_READ, fd, d.p[d.n:min(d.n+most, len(d.p))])
	}
	d.atWork.Store(d.n > 0)
	return d.n > 0 || d.errno != syscall.EAGAIN || !d.wait
}

// Busy tells whether whoever reads is at work on what it has got, or about to be. It
// may be asked at any time.
func (d *Descriptor) Busy() bool { return d.atWork.Load() }

// WriteNow writes what is taken without waiting, which may be nothing.
func (d *Descriptor) WriteNow(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	d.p, d.n, d.errno = p[:min(len(p), most)], 0, 0
	return d.result("write", d.raw.Write(d.write1))
}

func (d *Descriptor) writeOnce(fd uintptr) (done bool) {
	d.n, d.errno = call(syscall.SYS_WRITE, fd, d.p)
	return true
}

// Waiting is how many bytes are in a pipe, of which this is either end. Unlike the
// others it may be asked at any time.
func (d *Descriptor) Waiting() int {
	var n int32
	_ = d.raw.Control(func(fd uintptr) { // a closed one holds nothing
		_, _, _ = syscall.RawSyscall(syscall.SYS_IOCTL, fd, unix.TIOCINQ, uintptr(unsafe.Pointer(&n)))
	})
	return int(n)
}

// call reads or writes p, which is not empty.
func call(number, fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(number, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		if errno == syscall.EINTR {
			continue
		}
		if errno != 0 {
			return 0, errno
		}
		return int(n), 0
	}
}
