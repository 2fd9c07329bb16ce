package process

import (
	"errors"
	"io"
	"os"
	"time"

	"fgbootstrap/internal/rawio"
)

// Drained reads a pipe. When the deadline has passed it still reads what is in the pipe by then:
// a deadline ends the wait for a process that may still write, but must not lose output that we
// were too slow to read.
type Drained struct {
	file *os.File
	fast *rawio.Descriptor
	late bool
	left int
}

// NewDrained makes a Drained. The caller keeps ownership of the file.
func NewDrained(file *os.File) (*Drained, error) {
	fast, err := rawio.New(file)
	return &Drained{file: file, fast: fast}, err
}

// Read implements io.Reader.
func (d *Drained) Read(p []byte) (int, error) {
	if !d.late {
		n, err := d.fast.Read(p)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		d.late, d.left = true, d.fast.Waiting()
	}
	_ = d.file.SetReadDeadline(time.Time{}) // by it nothing could be read; we don't wait any more
	if d.left == 0 {
		var more [1]byte // of somebody in the background, or the end
		if _, err := d.fast.ReadNow(more[:]); errors.Is(err, io.EOF) {
			return 0, io.EOF
		}
		return 0, os.ErrDeadlineExceeded
	}
	n, err := d.fast.ReadNow(p[:min(len(p), d.left)])
	if n == 0 && err == nil {
		err = os.ErrDeadlineExceeded
	}
	d.left -= n
	return n, err
}

// Busy reports whether the reader is still processing what it has read. If the pipe was empty
// before the call and Busy returns false, everything has been processed.
func (d *Drained) Busy() bool { return d.fast.Busy() }

// Descriptor is the pipe's.
func (d *Drained) Descriptor() *rawio.Descriptor { return d.fast }

// ReadNow reads what is there, without waiting for more.
func (d *Drained) ReadNow(p []byte) (int, error) { return d.fast.ReadNow(p) }
