package worker

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"fgbootstrap/internal/process"
	"fgbootstrap/internal/rawio"
	"fgbootstrap/internal/resident"

	"golang.org/x/sys/unix"
)

// channel is our ends of a worker's pipes: the events' way in and the answers' way out.
// What the worker prints beside is its life's.
type channel struct {
	in      *input
	out     *bufio.Writer    // to in
	answers *os.File         // the response channel
	source  *process.Drained // what comes from it
	lines   *lineBuffer

	notBegun func() bool // whether the program has read none of the event
}

// openChannel has what the program prints followed, too.
func openChannel(life *resident.Life, descriptor3 bool, longest int) (c *channel, err error) {
	p := life.Process
	c = &channel{answers: p.Stdout}
	logs := []*os.File{p.Stderr}
	if descriptor3 {
		c.answers, logs = p.Answers, append(logs, p.Stdout)
	}
	if err := life.Printed.Follow(logs...); err != nil {
		return nil, err
	}
	if c.source, err = process.NewDrained(c.answers); err != nil {
		return nil, err
	}
	if c.in, err = newInput(p.Stdin); err != nil {
		return nil, err
	}
	c.notBegun = c.in.untouched // and not "nothing is written yet": the program may be faster than the count
	c.out = bufio.NewWriterSize(c.in, readBytes)
	c.lines, err = newLineBuffer(longest)
	return c, err
}

// past is a deadline that ends a wait at once.
var past = time.Unix(1, 0)

// input is a worker's stdin. One goroutine at a time writes to it.
type input struct {
	file    *os.File
	now     *rawio.Descriptor
	ctx     context.Context // its end ends a write that has to wait
	written atomic.Int64    // bytes since the last begin
	total   atomic.Int64    // bytes that were ever written
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
	in.total.Add(int64(n))
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
	in.total.Add(int64(n))
	in.broken = in.broken || n > 0 && n < len(line)
	return err
}

// neverRead reports whether the program, which has ended, has read nothing of what was
// written from there on.
func (in *input) neverRead(from int64) bool { return in.total.Load()-int64(in.unread()) <= from }

// closed reports whether the program has closed its end for good.
func (in *input) closed() bool {
	raw, err := in.file.SyscallConn()
	if err != nil {
		return true
	}
	state := []unix.PollFd{{}}
	_ = raw.Control(func(fd uintptr) {
		state[0].Fd = int32(fd)
		_, _ = unix.Poll(state, 0)
	})
	return state[0].Revents&unix.POLLERR != 0
}

// untouched tells whether the program has read nothing of the line.
func (in *input) untouched() bool {
	n := int64(in.unread())
	return n > 0 && n == in.written.Load()
}

// unread is how many bytes the program has not read from the pipe.
func (in *input) unread() int { return in.now.Waiting() }
