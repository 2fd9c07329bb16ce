package functiongraph

import (
	"context"
	"net"
	"sync"
	"time"
)

// dialTimeout is the one of the platform's own sample.
const dialTimeout = 3 * time.Second

// wire is what the client has to know about its connection and fasthttp does
// not tell: when the first byte of an answer came, and how to end a poll that
// may last for ever.
type wire struct {
	addr string

	mu      sync.Mutex
	conn    net.Conn      // the newest connection
	polling bool          // a poll is out and no byte of its answer is in
	limit   time.Duration // from the first byte on, how long the answer may take
	first   time.Time     // first byte of the last poll's answer
	closed  bool
}

func (w *wire) dial(string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout} // TCP keep-alive is on by default
	conn, err := dialer.Dial("tcp", w.addr)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	w.conn = conn
	return &timedConn{Conn: conn, wire: w}, nil
}

// expect begins a poll: its answer may be any time in coming, but once its
// first byte is there, only limit for the rest.
func (w *wire) expect(limit time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.polling, w.limit, w.first = true, limit, time.Time{}
}

// answered is when the first byte came; zero if none did. The poll is over.
func (w *wire) answered() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.polling = false
	return w.first
}

// abandon ends a poll that has no answer yet, and every later one. An answer
// that has begun is an event we answer for; it is left alone.
func (w *wire) abandon() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.polling {
		return
	}
	w.closed = true
	if w.conn != nil {
		_ = w.conn.Close()
	}
}

// abandonAtEndOf makes ctx end the polls; stop it when the poll is over.
func (w *wire) abandonAtEndOf(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, w.abandon)
}

// timedConn notes the first byte of a poll's answer.
type timedConn struct {
	net.Conn
	wire *wire
}

func (c *timedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.note()
	}
	return n, err
}

func (c *timedConn) note() {
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	if !c.wire.polling {
		return
	}
	c.wire.polling, c.wire.first = false, time.Now()
	// fasthttp sets its own deadlines before it reads; this one holds until
	// the next request.
	_ = c.Conn.SetReadDeadline(c.wire.first.Add(c.wire.limit))
}
