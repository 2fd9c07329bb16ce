// Package rawio reads and writes non-blocking descriptors, with raw system calls that bypass Go's
// scheduler.
//
// Other system calls inform the scheduler because they may take long. A non-blocking one takes
// microseconds, unless the kernel first runs the process at the other end. On one CPU that is the
// rule; the scheduler meanwhile gives our processor to another thread, and coming back costs a
// wake-up. Measured with a worker on one CPU and pauses between events: 75 us an event instead of
// 95, where a C program takes 51.
package rawio

import (
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// most is how many bytes are moved at a time. It limits how long a call takes.
const most = 64 << 10

// Descriptor is a non-blocking descriptor of a file or connection, whose deadlines and Close
// apply to it too. One goroutine at a time may use it. To read and write at the same time, each
// side needs its own Descriptor.
type Descriptor struct {
	raw    syscall.RawConn
	fd     int32       // for as long as the file is open
	atWork atomic.Bool // the reader is processing what Read returned

	// State of the call under way. It is kept here because a closure for each call would be
	// garbage.
	p             []byte
	n             int
	errno         syscall.Errno
	wait          bool
	read1, write1 func(fd uintptr) bool
}

// New makes a Descriptor of c. The caller keeps ownership of c.
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

// Read implements io.Reader. It waits until there is something to read.
func (d *Descriptor) Read(p []byte) (int, error) {
	return d.transfer(p, true)
}

// ReadNow does not wait: 0 bytes without an error mean that nothing has come yet.
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

// result returns the result of a call; err is the error of the wait for it.
func (d *Descriptor) result(call string, err error) (int, error) {
	d.p = nil
	if err == nil && d.errno != 0 && d.errno != syscall.EAGAIN {
		err = os.NewSyscallError(call, d.errno)
	}
	return d.n, err
}

func (d *Descriptor) readOnce(fd uintptr) (done bool) {
	d.atWork.Store(true) // before the call: what has left the pipe must show here
	for n := most; n == most && d.n < len(d.p); d.n += n {
		n, d.errno = call(syscall.SYS_READ, fd, d.p[d.n:min(d.n+most, len(d.p))])
	}
	d.atWork.Store(d.n > 0)
	return d.n > 0 || d.errno != syscall.EAGAIN || !d.wait
}

// Busy reports whether the reader is processing what it has read, or is about to. It may be
// called at any time.
func (d *Descriptor) Busy() bool { return d.atWork.Load() }

// WriteNow writes as much as it can without waiting, which may be nothing.
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

// Waiting returns how many bytes are in a pipe; d may be either end. Unlike the others it may be
// called at any time.
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
