package worker

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// past is a deadline that ends a wait at once.
var past = time.Unix(1, 0)

// input is a worker's stdin. One goroutine at a time writes to it.
type input struct {
	file    *os.File
	raw     syscall.RawConn
	ctx     context.Context // its end ends a write that has to wait
	written int64           // bytes since the last begin
	broken  bool            // a write ended in the middle, and maybe a line
}

func newInput(file *os.File) (*input, error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("stdin of the program: %w", err)
	}
	return &input{file: file, raw: raw}, nil
}

// begin is called before the writes of one line.
func (in *input) begin(ctx context.Context) { in.ctx, in.written = ctx, 0 }

// Write writes all of p. It seldom has to wait, and only then does it arrange
// for ctx to end that.
func (in *input) Write(p []byte) (int, error) {
	n, err := in.attempt(p)
	if n < len(p) && err == nil {
		var more int
		more, err = in.wait(p[n:])
		n += more
	}
	in.written += int64(n)
	in.broken = in.broken || err != nil && in.written > 0
	return n, err
}

// attempt writes what the pipe takes now.
func (in *input) attempt(p []byte) (n int, err error) {
	var failed error
	err = in.raw.Write(func(fd uintptr) bool {
		n, failed = unix.Write(int(fd), p)
		return true
	})
	n = max(n, 0)
	if err == nil && failed != unix.EAGAIN && failed != unix.EINTR {
		err = failed
	}
	return n, err
}

func (in *input) wait(p []byte) (int, error) {
	fired := make(chan struct{})
	release := context.AfterFunc(in.ctx, func() {
		_ = in.file.SetWriteDeadline(past)
		close(fired)
	})
	n, err := in.file.Write(p)
	if !release() {
		<-fired
		_ = in.file.SetWriteDeadline(time.Time{}) // the line may be whole all the same
	}
	return n, err
}

// tell writes a short line, all of it or nothing, without waiting.
func (in *input) tell(line []byte) error {
	n, err := in.attempt(line)
	in.broken = in.broken || n > 0 && n < len(line)
	return err
}

// unread is how many bytes the program has not read from the pipe.
func (in *input) unread() (n int) {
	_ = in.raw.Control(func(fd uintptr) {
		n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ)
	})
	return n
}
