package rawio

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Conn is a connection that is read and written past Go's scheduler. One goroutine may
// read while another writes.
type Conn struct {
	net.Conn
	in, out *Descriptor
}

// NewConn makes a Conn of one of the system's connections, which it then owns.
func NewConn(conn interface {
	net.Conn
	syscall.Conn
},
) (*Conn, error) {
	in, err := New(conn)
	if err != nil {
		return nil, err
	}
	out, err := New(conn)
	return &Conn{Conn: conn, in: in, out: out}, err
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) { return c.in.Read(p) }

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.WriteNow(p)
	if err != nil || n == len(p) {
		return n, err
	}
	more, err := c.Conn.Write(p[n:])
	return n + more, err
}

// WriteNow writes as much as it can without waiting, which may be nothing.
func (c *Conn) WriteNow(p []byte) (int, error) { return c.out.WriteNow(p) }

// QuickAck acknowledges what has come at once, on a TCP connection: a system that has more to
// send may hold it back for that (Nagle's algorithm), and ours waits 40 ms for something to
// send along. It holds for the moment only.
func (c *Conn) QuickAck() {
	if _, tcp := c.Conn.(*net.TCPConn); !tcp {
		return
	}
	_ = c.in.raw.Control(func(fd uintptr) { // without it all is only slower
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
	})
}

// ReadNow reads what is there, without waiting: without an error, 0 bytes are nothing yet.
func (c *Conn) ReadNow(p []byte) (int, error) { return c.in.ReadNow(p) }
