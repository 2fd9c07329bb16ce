package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"fgbootstrap/internal/rawio"

	"golang.org/x/sys/unix"
)

// pipes are the pipes of a program by its descriptors: our ends, which do not
// block, and the program's, which do.
type pipes struct {
	ours  []int
	child []uintptr
}

// openPipes opens count pipes. If size is not 0, stdin and stdout get that much room if the
// system allows it.
func openPipes(count, size int) (*pipes, error) {
	p := &pipes{}
	for i := range count {
		var fd [2]int // the reading end and the writing end
		if err := unix.Pipe2(fd[:], unix.O_CLOEXEC); err != nil {
			p.close()
			return nil, fmt.Errorf("open a pipe: %w", err)
		}
		mine, theirs := fd[0], fd[1]
		if i == 0 {
			mine, theirs = fd[1], fd[0]
		}
		if size > 0 && i < 2 {
			_, _ = unix.FcntlInt(uintptr(mine), unix.F_SETPIPE_SZ, size) // a smaller pipe works too
		}
		// The flag belongs to one end; the program's keeps blocking.
		_, _ = unix.FcntlInt(uintptr(mine), unix.F_SETFL, unix.O_NONBLOCK)
		p.ours, p.child = append(p.ours, mine), append(p.child, uintptr(theirs))
	}
	return p, nil
}

// LargePipe is the largest pipe, in bytes, that an ordinary user may ask for.
const LargePipe = 1 << 20

// GrowPipe asks for a larger pipe; f is either end. It returns how much the pipe holds then, or 0
// if that can't be told.
func GrowPipe(f *os.File, size int) (holds int) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		_, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, size) // an ordinary user may have only so many
		holds, _ = unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0)
	})
	return holds
}

// prefill writes as much of input as a pipe takes without waiting.
func prefill(fd int, input []byte) int {
	if len(input) == 0 {
		return 0
	}
	n, err := unix.Write(fd, input)
	if err != nil {
		return 0
	}
	return n
}

// reader is another descriptor of the program's end of its stdin.
func (p *pipes) reader() (*os.File, error) {
	fd, err := unix.FcntlInt(p.child[0], unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a pipe: %w", err)
	}
	return os.NewFile(uintptr(fd), "pipe"), nil
}

// file makes our end of pipe i one that Go's poller watches; it owns it.
func (p *pipes) file(i int) *os.File { return os.NewFile(uintptr(p.ours[i]), "pipe") }

func (p *pipes) closeChild() {
	for _, fd := range p.child {
		_ = unix.Close(int(fd))
	}
}

// close undoes them all.
func (p *pipes) close() {
	for i := range p.ours {
		_ = unix.Close(p.ours[i])
		_ = unix.Close(int(p.child[i]))
	}
}

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
