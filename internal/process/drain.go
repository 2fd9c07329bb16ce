package process

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Drained reads f and, when its deadline has passed, what was in the pipe by then:
// a deadline ends the wait for somebody who may still write, but what was written is
// written, even if we were too slow to read it.
type Drained struct {
	file *os.File
	late bool
	left int
}

// NewDrained makes one. The file stays the caller's.
func NewDrained(file *os.File) *Drained { return &Drained{file: file} }

// Read implements io.Reader.
func (d *Drained) Read(p []byte) (int, error) {
	if !d.late {
		n, err := d.file.Read(p)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		d.late = true
		d.left = d.waiting()
	}
	if d.left == 0 {
		var more [1]byte // of somebody in the background, or the end
		if _, err := d.now(more[:]); err == io.EOF {
			return 0, io.EOF
		}
		return 0, os.ErrDeadlineExceeded
	}
	n, err := d.now(p[:min(len(p), d.left)])
	d.left -= n
	return n, err
}

// waiting is how much is in the pipe: there is no end of what a process in the
// background may yet write.
func (d *Drained) waiting() (n int) {
	d.control(func(fd int) { n, _ = unix.IoctlGetInt(fd, unix.TIOCINQ) })
	return n
}

// now reads without waiting, past the deadline.
func (d *Drained) now(p []byte) (n int, err error) {
	d.control(func(fd int) { n, err = unix.Read(fd, p) })
	switch {
	case errors.Is(err, unix.EAGAIN):
		return 0, os.ErrDeadlineExceeded
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (d *Drained) control(do func(fd int)) {
	if raw, err := d.file.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { do(int(fd)) })
	}
}
