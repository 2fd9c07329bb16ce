package httpproxy

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"fgbootstrap/internal/rawio"

	"golang.org/x/sys/unix"
)

const (
	// keepIdle is how long a connection is kept for the next request. It is short because the
	// instance may be frozen between events while the server closes the connection, and because a
	// server that serves one connection at a time can't take another one before this one ends.
	keepIdle = time.Second
	// crowdedAfter is how long a new connection may wait for an answer before others are closed
	// for it. A server that is only slow loses little.
	crowdedAfter = 100 * time.Millisecond
	// sampleBytes is how much of an answer is kept for quoting.
	sampleBytes = 200
)

// past is a deadline that ends a wait at once.
var past = time.Unix(1, 0)

// conn is a connection to the server, used by one exchange at a time.
type conn struct {
	raw    *rawio.Conn
	in     io.Reader // raw
	used   time.Time
	reused bool
	sample []byte            // the beginning of the answer, in room as a rule
	room   [sampleBytes]byte // for it
	after  string            // the id of the event that it had last; "" if it had none
	large  bool              // the answer to that was large: more may be under way, and may look like an answer
	beyond *surplus          // of the server
	ended  bool              // a read has met the end
	opened time.Time
	heard  atomic.Bool // the server has said something in it
}

// Read implements io.Reader.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.readOn(p)
	c.sample = append(c.sample, p[:min(n, sampleBytes-len(c.sample))]...) // it may come in pieces
	if n > 0 {
		c.heard.Store(true)
	}
	c.ended = err != nil
	return n, err
}

// readOn reads, and if the answer goes on beyond what was read before, it is acknowledged
// before the wait for the rest. A server that writes head and body apart has its system hold
// the body back until then: 40 ms. What comes whole is read once, and costs nothing more.
func (c *conn) readOn(p []byte) (int, error) {
	if c.raw == nil || len(c.sample) == 0 {
		return c.in.Read(p)
	}
	if n, err := c.raw.ReadNow(p); n > 0 || err != nil {
		return n, err
	}
	c.raw.QuickAck()
	return c.in.Read(p)
}

// quiet tells whether the connection, which nobody uses, is open as far as we know, and
// nothing has come in it.
func (c *conn) quiet() bool {
	n, err := c.raw.ReadNow(c.room[:])
	c.beyond.note(c.after, c.room[:n])
	return n == 0 && err == nil
}

// drop closes a connection that nobody uses, but looks first.
func (c *conn) drop() {
	_ = c.quiet()
	_ = c.raw.Close()
}

// cut ends whatever waits for the connection.
func (c *conn) cut() { _ = c.raw.SetDeadline(past) }

// pool has the connections to one start of the server.
type pool struct {
	host    string // for requests that name no host
	network string
	addrs   []string     // where it may listen
	known   atomic.Int32 // which of them was right last
	beyond  *surplus

	mu    sync.Mutex
	idle  []*conn
	busy  map[*conn]bool
	timer *time.Timer // for idle ones
}

func newPool(host, network string, addrs ...string) *pool {
	p := &pool{host: host, network: network, addrs: addrs, busy: map[*conn]bool{}, beyond: &surplus{}}
	p.timer = time.AfterFunc(keepIdle, p.sweep)
	return p
}

// get returns a connection that was used within the last second, or a new one.
func (p *pool) get(ctx context.Context, fresh bool) (*conn, error) {
	for c := p.take(); c != nil; c = p.take() {
		if c.quiet() && !fresh && time.Since(c.used) < keepIdle && !p.beyond.seen.Load() {
			c.reused, c.sample = true, c.room[:0]
			p.hold(c)
			return c, nil
		}
		_ = c.raw.Close()
	}
	raw, err := p.dial(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{raw: raw, in: raw, opened: time.Now(), beyond: p.beyond}
	c.sample = c.room[:0]
	p.hold(c)
	return c, nil
}

func (p *pool) take() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return c
}

func (p *pool) hold(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy[c] = true
}

// put takes a connection back. It keeps the connection if it is usable for another request.
func (p *pool) put(c *conn, usable bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, c)
	if !usable || p.crowded() || p.beyond.seen.Load() {
		_ = c.raw.Close()
		return
	}
	c.used = time.Now()
	p.idle = append(p.idle, c)
	p.timer.Reset(keepIdle)
}

// crowded reports whether a new connection has not been answered for a while. The server may be
// one that takes the next connection when one has ended: as long as a busy poller keeps its own,
// others would wait forever.
func (p *pool) crowded() bool {
	for c := range p.busy {
		if !c.heard.Load() && time.Since(c.opened) > crowdedAfter {
			return true
		}
	}
	return false
}

// clear closes what is idle.
func (p *pool) clear() {
	for c := p.take(); c != nil; c = p.take() {
		c.drop()
	}
}

// sweep closes connections that were idle for too long. put schedules it.
func (p *pool) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 && time.Since(p.idle[0].used) >= keepIdle {
		p.idle[0].drop()
		p.idle = p.idle[1:]
	}
	if len(p.idle) > 0 {
		p.timer.Reset(keepIdle - time.Since(p.idle[0].used))
	}
}

// end closes idle connections and limits the wait for answers: the server has ended, but
// processes that it left behind may hold its connections.
func (p *pool) end(patience time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer.Stop()
	for _, c := range p.idle {
		c.drop()
	}
	p.idle = nil
	for c := range p.busy {
		_ = c.raw.SetDeadline(time.Now().Add(patience))
	}
}

// dial connects to wherever the server listens.
func (p *pool) dial(ctx context.Context) (raw *rawio.Conn, err error) {
	known := int(p.known.Load())
	for i := range p.addrs {
		at := (known + i) % len(p.addrs)
		var next error
		if raw, next = dial(ctx, p.network, p.addrs[at]); next == nil {
			p.known.Store(int32(at))
			return raw, nil
		}
		if err == nil {
			err = next
		}
	}
	return nil, err
}

func dial(ctx context.Context, network, addr string) (*rawio.Conn, error) {
	dialer := net.Dialer{KeepAlive: -1} // loopback has no cable to pull
	c, err := dialer.DialContext(ctx, network, addr)
	for errors.Is(err, unix.EAGAIN) && ctx.Err() == nil { // a unix socket whose queue is full
		time.Sleep(lookEvery)
		c, err = dialer.DialContext(ctx, network, addr)
	}
	if err != nil {
		return nil, err
	}
	return rawio.NewConn(c.(interface { // as both networks are
		net.Conn
		syscall.Conn
	}))
}
