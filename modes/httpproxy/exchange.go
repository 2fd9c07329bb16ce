package httpproxy

import (
	"context"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/apig"
)

// exchange is a request and its answer, over one connection or, if a kept one turns out to
// be dead, two. It is used again and again, by one goroutine.
type exchange struct {
	mode     *Mode
	inv      *adapter.Invocation
	call     bool // of the gateway
	sender   sender
	answer   *answer
	answered bool // the server has dealt with the event

	conn    *conn
	release func() bool // of conn, from ctx
}

func newExchange() *exchange { return &exchange{answer: newAnswer()} }

// reset forgets the event.
func (x *exchange) reset() {
	x.mode, x.inv = nil, nil
	x.sender.request.Reset()
	x.answer.http.Reset()
	x.answer.in.Reset(nil)
	x.answer.conn, x.answer.text = nil, nil
}

// begin makes the request of an event. Its error is that there can't be one.
func (x *exchange) begin(m *Mode, inv *adapter.Invocation) error {
	x.mode, x.inv, x.answered = m, inv, false
	event, call := apig.Read(inv.Payload)
	if x.call = call; !call {
		x.sender.request.Post(m.EventPath, inv.Payload)
		return nil
	}
	if err := x.sender.request.Read(event, apig.Reading{Prefix: m.StripPrefix, IsOurs: m.IsMetadata}); err != nil {
		return &adapter.Error{
			Type:    adapter.TypeProtocol,
			Message: "The event can't be handed to the server as an HTTP request: " + err.Error() + ".",
		}
	}
	return nil
}

// roundTrip sends the request and reads the head of the answer. It takes one of the
// kept connections at most: that the server has closed it is no failure, as long as
// the request can be repeated.
func (x *exchange) roundTrip(ctx context.Context, p *pool, lives func() bool) error {
	var before error // of a connection into which something was written
	for fresh := false; ; fresh = true {
		c, err := p.get(ctx, fresh)
		if err != nil && before != nil {
			return before // it has been delivered: that may be what was the end of the server
		}
		if err != nil {
			return &undelivered{err}
		}
		x.conn, x.release, x.answer.whole = c, context.AfterFunc(ctx, c.cut), false
		err = x.sender.send(c)
		if err == nil || x.sender.written {
			err = x.answer.receive(c, string(x.sender.request.Method)) // also to a request that was not taken whole
		}
		if err == nil {
			return nil
		}
		again := c.reused && len(c.sample) == 0 && ctx.Err() == nil && lives() && (x.sender.request.IsSafe() || !x.sender.written)
		if !again {
			return err
		}
		if x.sender.written {
			before = err
		}
		x.hangUp(p)
	}
}

// undelivered is that there is no connection to the server.
type undelivered struct{ cause error }

func (u *undelivered) Error() string { return "connect to the server: " + u.cause.Error() }

func (u *undelivered) Unwrap() error { return u.cause }

// hangUp gives the connection back.
func (x *exchange) hangUp(p *pool) {
	if x.conn == nil {
		return
	}
	usable := x.answer.whole && x.release() && x.sender.sent() && x.answer.keeps()
	if !usable {
		x.release()
		x.conn.cut()
	}
	if x.sender.writing != nil {
		<-x.sender.writing // nothing may refer to the event any more
		x.sender.writing = nil
	}
	_ = x.answer.http.CloseBodyStream() // never fails
	p.put(x.conn, usable)
	x.conn = nil
}

// heard tells whether the server has said anything.
func (x *exchange) heard() bool { return x.conn != nil && len(x.conn.sample) > 0 }
