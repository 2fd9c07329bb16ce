package httpserver

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"

	"fgbootstrap/internal/retry"
)

// ErrSabotaged means that a connection was broken on purpose: by CutAnswer or by Body.CutAfter.
var ErrSabotaged = errors.New("connection broken by a fault rule")

// Conn is a client's connection. It knows whether the client's side has ended, and can break or
// slow down what is written.
type Conn struct {
	*net.TCPConn
	ended atomic.Bool // a read met the end or an error
	plan  writePlan   // touched by the serving goroutine only
	stop  <-chan struct{}
}

// writePlan is what a fault does to the bytes of one answer.
type writePlan struct {
	cut   bool
	after int // bytes let through before the cut
	slow  time.Duration
	total int // bytes that slow is spread over
}

// Read implements io.Reader. It notes the end of the stream: the HTTP parser below takes an end
// between two chunks for the end of the body.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	if err != nil {
		c.ended.Store(true)
	}
	return n, err
}

// CutAnswer makes the answer to the current request end in a reset after so many bytes, head
// included.
func (c *Conn) CutAnswer(after int) { c.plan = writePlan{cut: true, after: after} }

// SlowAnswer spreads the answer to the current request over a time; total is its size in bytes,
// head included.
func (c *Conn) SlowAnswer(over time.Duration, total int) {
	c.plan = writePlan{slow: over, total: total}
}

// Write implements io.Writer, subject to CutAnswer and SlowAnswer.
func (c *Conn) Write(p []byte) (int, error) {
	switch {
	case c.plan.cut:
		return c.writeCut(p)
	case c.plan.slow > 0:
		return c.writeSlowly(p)
	default:
		return c.TCPConn.Write(p)
	}
}

func (c *Conn) writeCut(p []byte) (int, error) {
	if c.plan.after >= len(p) {
		c.plan.after -= len(p)
		return c.TCPConn.Write(p)
	}
	n, err := c.TCPConn.Write(p[:c.plan.after])
	if err != nil {
		return n, err
	}
	c.Reset()
	return n, ErrSabotaged
}

// writeSlowly spreads the answer over its time in pieces of a twentieth.
func (c *Conn) writeSlowly(p []byte) (int, error) {
	piece := max(c.plan.total/20, 1)
	pause := c.plan.slow * time.Duration(piece) / time.Duration(max(c.plan.total, 1))
	written := 0
	for written < len(p) {
		n, err := c.TCPConn.Write(p[written:min(written+piece, len(p))])
		written += n
		if err != nil {
			return written, err
		}
		if !retry.Pause(pause, c.stop) {
			return written, net.ErrClosed
		}
	}
	return written, nil
}

// Reset ends the connection with RST and not FIN, as a broken network or a dying proxy does.
func (c *Conn) Reset() {
	_ = c.SetLinger(0) // fails only on a connection that is closed already
	_ = c.Close()
}

// Gone reports whether the client has hung up, without taking a byte that may belong to its next request.
func (c *Conn) Gone() bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	err = raw.Control(func(fd uintptr) { _, gone = peek(fd) })
	return gone || err != nil
}

// Watch closes the returned channel when the client hangs up. The caller must call stop before it
// reads again.
func (c *Conn) Watch() (hungUp <-chan struct{}, stop func()) {
	gone, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if c.waitHangUp() {
			close(gone)
		}
	}()
	return gone, func() {
		_ = c.SetReadDeadline(time.Unix(1, 0)) // wakes waitHangUp; on a closed connection it has woken already
		<-done
		_ = c.SetReadDeadline(time.Time{})
	}
}

func (c *Conn) waitHangUp() bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	err = raw.Read(func(fd uintptr) (ready bool) {
		ready, gone = peek(fd)
		return ready
	})
	return gone || (err != nil && !errors.Is(err, os.ErrDeadlineExceeded))
}
