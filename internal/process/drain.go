package process

import (
	"errors"
	"io"
	"os"
	"time"

	"fgbootstrap/internal/rawio"
)

// Drained reads a pipe and, when its deadline has passed, what was in the pipe by
// then: a deadline ends the wait for somebody who may still write, but what was
// written is written, even if we were too slow to read it.
type Drained struct {
	file *os.File
	fast *rawio.Descriptor
	late bool
	left int
}

// NewDrained makes one. The file stays the caller's.
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

// Busy tells whether whoever reads is at work on what it has read. With nothing
// waiting in the pipe, asked before, that is all there is.
func (d *Drained) Busy() bool { return d.fast.Busy() }

// Descriptor is the pipe's.
func (d *Drained) Descriptor() *rawio.Descriptor { return d.fast }

// ReadNow reads what is there, without waiting for more.
func (d *Drained) ReadNow(p []byte) (int, error) { return d.fast.ReadNow(p) }
