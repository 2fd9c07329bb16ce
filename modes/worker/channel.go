package worker

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"fgbootstrap/internal/rawio"
)

// past is a deadline that ends a wait at once.
var past = time.Unix(1, 0)

// input is a worker's stdin. One goroutine at a time writes to it.
type input struct {
	file    *os.File
	now     *rawio.Descriptor
	ctx     context.Context // its end ends a write that has to wait
	written atomic.Int64    // bytes since the last begin
	broken  bool            // a write ended in the middle, and maybe a line
}

func newInput(file *os.File) (*input, error) {
	now, err := rawio.New(file)
	if err != nil {
		return nil, fmt.Errorf("stdin of the program: %w", err)
	}
	return &input{file: file, now: now}, nil
}

// begin is called before the writes of one line.
func (in *input) begin(ctx context.Context) {
	in.ctx = ctx
	in.written.Store(0)
}

// Write writes all of p. It seldom has to wait, and only then does it arrange
// for ctx to end that.
func (in *input) Write(p []byte) (int, error) {
	n, err := in.now.WriteNow(p)
	if n < len(p) && err == nil {
		var more int
		more, err = in.wait(p[n:])
		n += more
	}
	written := in.written.Add(int64(n))
	in.broken = in.broken || err != nil && written > 0
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
	n, err := in.now.WriteNow(line)
	in.broken = in.broken || n > 0 && n < len(line)
	return err
}

// untouched tells whether the program has read nothing of the line.
func (in *input) untouched() bool {
	n := int64(in.unread())
	return n > 0 && n == in.written.Load()
}

// unread is how many bytes the program has not read from the pipe.
func (in *input) unread() int { return in.now.Waiting() }
