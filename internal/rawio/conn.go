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

// ReadNow reads what is there, without waiting: without an error, 0 bytes are nothing yet.
func (c *Conn) ReadNow(p []byte) (int, error) { return c.in.ReadNow(p) }

// Quiet tells whether the connection is open as far as we know, and nothing has come.
func (c *Conn) Quiet() bool {
	var b [1]byte
	n, err := c.in.ReadNow(b[:])
	return n == 0 && err == nil
}

// ReadNow reads what is there, without waiting: without an error, 0 bytes are nothing yet.
func (c *Conn) ReadNow(p []byte) (int, error) { return c.in.ReadNow(p) }
