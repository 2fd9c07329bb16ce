package functiongraph

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"fgbootstrap/adapter"

	"github.com/valyala/fasthttp"
)

// stuck is how long a write may make no progress before an answer is looked for: a platform that
// has refused a report need not read it.
const stuck = 250 * time.Millisecond

// aheadBytes is how much is read ahead at a time: enough for any answer to a report.
const aheadBytes = 4 << 10

// errAnswered ends a write to a platform that has answered and reads no more.
var errAnswered = errors.New("the platform has answered and reads no more")

// upload is the sending of a report, as the wire sees it. Only the goroutine that sends uses it.
type upload struct {
	sent  int64  // bytes written, of the head too
	whole int64  // sent when all but the last chunk of a stream was written; -1 before
	early *reply // an answer that came before everything was written
}

// ended tells whether the end of a stream was written.
func (u *upload) ended() bool { return u.whole >= 0 && u.sent > u.whole }

// reply is a platform's answer to a report.
type reply struct {
	status int
	text   []byte // the beginning of its body
	early  bool   // it came before the platform had read everything
}

// readReply reads an answer that has arrived; nil if its head has not, or not whole.
func readReply(arrived []byte) *reply {
	in := bufio.NewReaderSize(bytes.NewReader(arrived), len(arrived))
	var head fasthttp.ResponseHeader
	for {
		if head.Read(in) != nil {
			return nil
		}
		if head.StatusCode() < 100 || head.StatusCode() > 199 {
			break
		}
	}
	text, _ := io.ReadAll(in) // from memory
	return &reply{status: head.StatusCode(), text: text, early: true}
}

// verdict is nil if the platform has taken the report.
func (r *reply) verdict() error {
	switch {
	case r.status >= 500:
		return &serverError{r.status, r.early}
	case r.status < 200 || r.status >= 300:
		return fmt.Errorf("%w with status %d: %.200s", adapter.ErrRefused, r.status, r.text)
	case r.early:
		return fmt.Errorf("%w: it answered with status %d before it had read everything", adapter.ErrUnconfirmed, r.status)
	default:
		return nil
	}
}

// serverError is a status that says nothing about the report: it may be sent again.
type serverError struct {
	status int
	early  bool
}

func (e *serverError) Error() string {
	return fmt.Sprintf("the platform answered with status %d", e.status)
}

// Write implements net.Conn. A platform may answer before it has read everything, and close the
// connection or leave it as it is. fasthttp would not read that answer: it gives up when a write
// fails, and waits for one that is stuck.
func (c *timedConn) Write(p []byte) (int, error) {
	n, err := c.WriteNow(p)
	for err == nil && n < len(p) {
		var more int
		more, err = c.writeOn(p[n:])
		n += more
	}
	c.wire.upload.sent += int64(n)
	if err != nil {
		c.lookAhead()
	}
	return n, err
}

// writeOn writes as much of p as is taken until the connection is stuck. It fails if there is an
// answer then.
func (c *timedConn) writeOn(p []byte) (int, error) {
	pause := time.Now().Add(stuck)
	if !c.writeBy.IsZero() && c.writeBy.Before(pause) {
		return c.Conn.Conn.Write(p)
	}
	_ = c.Conn.SetWriteDeadline(pause) // of a closed one the write fails, too
	n, err := c.Conn.Conn.Write(p)
	_ = c.Conn.SetWriteDeadline(c.writeBy)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		if err = nil; c.lookAhead() {
			err = errAnswered
		}
	}
	return n, err
}

// SetWriteDeadline implements net.Conn.
func (c *timedConn) SetWriteDeadline(t time.Time) error {
	c.writeBy = t
	return c.Conn.SetWriteDeadline(t)
}

// lookAhead reads what has arrived, without waiting, and tells whether it is an answer. After a
// reset it is still there. What is no answer is left to Read.
func (c *timedConn) lookAhead() bool {
	_ = c.SetReadDeadline(time.Time{}) // that of the poll before may have passed
	for len(c.ahead) < headerBytes {
		c.ahead = slices.Grow(c.ahead, aheadBytes)
		n, err := c.ReadNow(c.ahead[len(c.ahead):cap(c.ahead)])
		if c.ahead = c.ahead[:len(c.ahead)+n]; n == 0 || err != nil {
			break
		}
	}
	if len(c.ahead) > 0 { // else there is no garbage, however long it is stuck
		c.wire.upload.early = readReply(c.ahead)
	}
	return c.wire.upload.early != nil
}

// body lets fasthttp send a committed response by WriteTo: every write becomes a chunk and is
// sent at once.
type body struct {
	response *adapter.Response
	wire     *wire
}

// WriteTo implements fasthttp.BodyWriterTo.
func (b body) WriteTo(w io.Writer) (int64, error) {
	n, err := b.response.WriteTo(w)
	if err != nil {
		b.wire.lookAhead() // the handler may have failed while the answer was on its way
		return n, err
	}
	b.wire.upload.whole = b.wire.upload.sent
	return n, nil
}

// SupportsBodyWriteTo implements fasthttp.BodyWriterTo.
func (body) SupportsBodyWriteTo() bool { return true }

// Read is never called, because of WriteTo.
func (body) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
