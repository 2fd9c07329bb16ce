package httpproxy

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"

	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/secret"

	"go.uber.org/zap"
)

// surplus is what one start of the server has sent beyond its answers: a body longer than its
// Content-Length, one after 204 or HEAD, events after the end of their stream. It is of the
// caller before and never for the next one.
type surplus struct {
	log  *zap.Logger
	keys *secret.Keyring
	told atomic.Bool // the log has it
	seen atomic.Bool // no connection is used again: it may come late, and in any of them
}

// surplusAdvice is what a server has to do.
const surplusAdvice = "A body must be as long as its Content-Length says, in bytes; a stream of events has none. There is no body after 204, 304 and HEAD."

// note takes the beginning of what came after the answer to an event in a connection that was
// to be used again. What came before any event is a greeting, and none of this.
func (s *surplus) note(id string, sample []byte) {
	if s != nil && id != "" && len(sample) > 0 {
		s.seen.Store(true)
		s.tell(id, sample)
	}
}

// tell logs it, once.
func (s *surplus) tell(id string, sample []byte) {
	if len(sample) == 0 || s.told.Swap(true) {
		return
	}
	s.log.Warn("the server sent more than its answer to this event, and that is dropped: "+s.keys.Quote(sample)+". "+surplusAdvice,
		zap.String("requestId", id))
}

// errForeign is a reused connection in which there is something else than an answer.
var errForeign = errors.New("what came is no answer to this request")

// answerBegin is how each answer begins.
const answerBegin = "HTTP/"

// await waits for the beginning of an answer. In a connection that has had an event before
// the error may be errForeign: then what came is of that one.
func (a *answer) await(c *conn) error {
	a.conn, a.whole = c, false
	a.in.Reset(c)
	if c.after == "" {
		return nil
	}
	for n := 1; n <= len(answerBegin); n++ {
		got, err := a.in.Peek(n)
		switch {
		case err != nil && len(c.sample) > 0:
			return errForeign
		case err != nil:
			return err
		case n == 1 && (got[0] == '\r' || got[0] == '\n'): // a line end too many, which hurts nobody
			c.beyond.note(c.after, got)
			_, _ = a.in.Discard(1)
			n = 0
		case got[n-1] != answerBegin[n-1]:
			return errForeign
		}
	}
	return nil
}

// surplus is what has come beyond the answer, as far as it has been read.
func (a *answer) surplus() []byte {
	more, _ := a.in.Peek(min(a.in.Buffered(), sampleBytes))
	return more
}

// receive reads the head of the answer. In a connection in which something else has come,
// that and whatever came before the server has read any of the request is no answer to it. It
// is not looked any further for the beginning of one: it might be in another caller's data.
func (x *exchange) receive() error {
	c, safe := x.conn, x.sender.request.IsSafe()
	for doubt := c.large; ; doubt = true {
		err := x.answer.await(c)
		foreign := errors.Is(err, errForeign)
		switch {
		case err != nil && !foreign:
			return err
		case !foreign && !(doubt && x.isUnread(procfs.QuickUnread)):
			return x.answer.head(string(x.sender.request.Method))
		}
		c.beyond.note(c.after, c.sample)
		if safe || foreign && !x.isUnread(procfs.Unread) {
			return errForeign // a safe one can go over another connection
		}
		c.sample = c.room[:0]
	}
}

// isUnread tells whether the server has read nothing of the request, for sure, as unread
// counts what it has not.
func (x *exchange) isUnread(unread func(at, from netip.AddrPort) (n int, known bool)) bool {
	ours, tcp := x.conn.raw.LocalAddr().(*net.TCPAddr)
	theirs, tcp2 := x.conn.raw.RemoteAddr().(*net.TCPAddr)
	if !tcp || !tcp2 || x.sender.size == 0 {
		return false
	}
	n, known := unread(plain(theirs), plain(ours))
	return known && n >= x.sender.size // a body that it has not read of an earlier event counts, too
}

func plain(a *net.TCPAddr) netip.AddrPort {
	p := a.AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap().WithZone(""), p.Port())
}
