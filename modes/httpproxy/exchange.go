package httpproxy

import (
	"context"
	"errors"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/apig"

	"go.uber.org/zap"
)

// exchange is a request and its answer, over one connection or, if a kept one turns out to be
// dead, two. It is reused, by one goroutine at a time.
type exchange struct {
	mode     *Handler
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
	x.sender.request.Reset()
	if x.sender.memory() > keepHead {
		x.sender = sender{}
		x.mode.bulky.Store(true)
	}
	x.mode, x.inv = nil, nil
	x.answer.http.Reset()
	x.answer.in.Reset(nil)
	x.answer.conn, x.answer.text = nil, nil
}

// begin makes the request of an event. It fails if the event can't become a request.
func (x *exchange) begin(m *Handler, inv *adapter.Invocation) error {
	x.mode, x.inv, x.answered = m, inv, false
	event, call := apig.Read(inv.Payload)
	if x.call = call; !call {
		x.sender.request.Post(m.EventPath, inv.Payload)
		m.tellWhatLacks(inv)
		return nil
	}
	err := x.sender.request.Read(event, apig.Reading{Path: m.Path, Prefix: m.StripPrefix, IsOurs: m.IsMetadata})
	if what := x.sender.request.LeftOut; what != "" {
		m.warnOfLoss(inv.ID, what)
	}
	if err != nil {
		return &adapter.Error{
			Type:    adapter.TypeProtocol,
			Message: "The event can't be handed to the server as an HTTP request: " + err.Error() + ".",
		}
	}
	return nil
}

// warnOfLoss logs, once, that a request lacks a part of its event.
func (m *Handler) warnOfLoss(id, what string) {
	m.lostPart.Do(func() {
		m.Resident.Log.Warn("this event was handed to the server without "+what+". Others are treated likewise, without a further warning",
			zap.String("requestId", id))
	})
}

// connect takes a connection, a kept one unless it is to be fresh. The error is
// *undelivered.
func (x *exchange) connect(ctx context.Context, p *pool, fresh bool) error {
	c, err := p.get(ctx, fresh)
	if err != nil {
		return &undelivered{err}
	}
	x.conn, x.release, x.answer.whole = c, context.AfterFunc(ctx, c.cut), false
	return nil
}

// roundTrip sends the request over the connection and reads the head of the answer. That
// the server has closed a kept one, or still sends something else in it, is no failure, as
// long as the request can be repeated: then it goes over a fresh one.
func (x *exchange) roundTrip(ctx context.Context, p *pool, lives func() bool) error {
	for {
		err := x.sendAndReceive()
		nothing := len(x.conn.sample) == 0 || errors.Is(err, errForeign)
		again := err != nil && x.conn.reused && nothing && ctx.Err() == nil && lives() &&
			(x.sender.request.IsSafe() || !x.sender.written)
		if !again {
			return err
		}
		delivered := x.sender.written
		x.hangUp(p)
		if none := x.connect(ctx, p, true); none != nil {
			if delivered {
				return err // that may be what was the end of the server
			}
			return none
		}
	}
}

func (x *exchange) sendAndReceive() error {
	if err := x.sender.send(x.conn); err != nil && !x.sender.written && x.conn.reused {
		return err // it can go over another connection
	}
	return x.receive() // also the answer to a request that was not taken whole, or not at all
}

// undelivered means that there is no connection to the server.
type undelivered struct{ cause error }

func (u *undelivered) Error() string { return "connect to the server: " + u.cause.Error() }

func (u *undelivered) Unwrap() error { return u.cause }

// hangUp gives the connection back.
func (x *exchange) hangUp(p *pool) {
	if x.conn == nil {
		return
	}
	size, _ := x.answer.declared()
	x.conn.after, x.conn.large = x.inv.ID, size > headBytes
	usable := x.answer.whole && x.endsCleanly() && x.release() && x.sender.sent()
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

// endsCleanly tells whether the server keeps the connection after this answer, which is
// whole, and has said no more. What is to be closed is looked at once more.
func (x *exchange) endsCleanly() bool {
	if x.answer.tellsOfBody() {
		x.conn.beyond.tell(x.inv.ID, x.answer.surplus())
		return false
	}
	x.conn.beyond.note(x.inv.ID, x.answer.surplus())
	if x.answer.keeps() {
		return true
	}
	_ = x.conn.quiet()
	return false
}

// heard reports whether the server has said anything.
func (x *exchange) heard() bool { return x.conn != nil && len(x.conn.sample) > 0 }
