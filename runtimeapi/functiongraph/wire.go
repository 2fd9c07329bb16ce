package functiongraph

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"fgbootstrap/internal/rawio"

	"golang.org/x/sys/unix"
)

// dialTimeout is the value in the platform's own sample.
const dialTimeout = 3 * time.Second

// wire knows what fasthttp does not tell about the connection: when the first byte of an answer
// came and whether the connection has ended. It can also end a request that might last forever.
type wire struct {
	addr string
	// reserved is a descriptor that the first connection takes the place of; -1: none. Programs
	// that start meanwhile might else take the last one, and no event would ever be asked for.
	reserved int

	mu      sync.Mutex
	ctx     context.Context // its end ends dialing and the request under way
	conn    *timedConn      // the newest connection
	polling bool            // from sending a poll until its answer is read
	limit   time.Duration   // how long a poll's answer may take from its first byte on
	first   time.Time       // first byte of the poll's answer; zero before it
	ended   bool            // the poll has met the connection's end
	head    [8]byte         // the beginning of the poll's answer, and how much of it there is
	headLen int

	upload upload // of the report under way
}

// reserve takes a descriptor of the cheapest kind.
func reserve() int {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return -1 // there is none left: dialing will say so
	}
	return fd
}

func (w *wire) dial(string) (net.Conn, error) {
	w.mu.Lock()
	ctx := w.ctx
	if w.reserved >= 0 {
		_ = unix.Close(w.reserved)
		w.reserved = -1
	}
	w.mu.Unlock()
	dialer := net.Dialer{Timeout: dialTimeout} // TCP keep-alive is on by default
	conn, err := dialTCP(ctx, &dialer, w.addr)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := ctx.Err(); err != nil { // cut has been here and found nothing to close
		_ = conn.Close()
		return nil, err
	}
	raw, err := rawio.NewConn(conn)
	w.conn = &timedConn{Conn: raw, wire: w}
	return w.conn, err
}

func dialTCP(ctx context.Context, dialer *net.Dialer, addr string) (*net.TCPConn, error) {
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil // as the network is called
}

// until lets the end of ctx end every request until release is called.
func (w *wire) until(ctx context.Context) (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ctx = ctx
	stop := context.AfterFunc(ctx, w.cut)
	return func() {
		stop()
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ctx = context.Background()
	}
}

// cut ends the request under way, but not a poll whose answer has begun: we are responsible for
// that event.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() == nil || w.polling && !w.first.IsZero() {
		return
	}
	if w.conn != nil {
		_ = w.conn.Close()
	}
}

// expect begins a poll: its answer may take any time to begin, but must be complete within limit
// after its first byte.
func (w *wire) expect(limit time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.polling, w.limit, w.first, w.ended = true, limit, time.Time{}, false
}

// over ends a poll.
func (w *wire) over() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.polling = false
}

// answered is when the first byte of the poll's answer came; zero if none did.
func (w *wire) answered() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.first
}

// beginning is the first bytes of the poll's answer.
func (w *wire) beginning() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]byte(nil), w.head[:w.headLen]...)
}

func (w *wire) hasEnded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended
}

// lookAhead looks for an answer on the newest connection.
func (w *wire) lookAhead() {
	w.mu.Lock()
	conn := w.conn
	w.mu.Unlock()
	if conn != nil {
		conn.lookAhead()
	}
}

// timedConn tells the wire when it reads something.
type timedConn struct {
	*rawio.Conn
	wire    *wire
	ahead   []byte    // read before anybody asked for it
	writeBy time.Time // the deadline of a write; zero: none
}

func (c *timedConn) Read(p []byte) (int, error) {
	if len(c.ahead) > 0 {
		n := copy(p, c.ahead)
		c.ahead = c.ahead[n:]
		return n, nil
	}
	n, err := c.Conn.Read(p)
	c.note(p[:n], err)
	return n, err
}

func (c *timedConn) note(read []byte, err error) {
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	if !c.wire.polling {
		return
	}
	c.wire.ended = err != nil
	if len(read) > 0 && c.wire.first.IsZero() {
		c.wire.first, c.wire.headLen = time.Now(), copy(c.wire.head[:], read)
		// fasthttp sets its own deadlines before it reads; this one holds until
		// the next request.
		_ = c.SetReadDeadline(c.wire.first.Add(c.wire.limit))
	}
}

// chunks is a chunked body. fasthttp mistakes a connection that ends between two chunks for the
// end of the body. Reading a complete body never reaches the end of the connection.
type chunks struct {
	io.Reader
	wire *wire
}

func (c chunks) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err == io.EOF && c.wire.hasEnded() {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
