package process

import (
	"fmt"
	"os"

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
