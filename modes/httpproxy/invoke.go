package httpproxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/apig"
	"fgbootstrap/internal/output"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"
)

// endPatience is how long a server that has dropped its connection may take to end. If it ends
// within that, its end is the reason.
const endPatience = 200 * time.Millisecond

// invoke gives an event to the server. The error is errUnsent if the next start of the server may
// have the event.
func (s *server) invoke(ctx context.Context, x *exchange, r *adapter.Response) error {
	x.sender.writeHead(x.inv, &s.mode.Config, s.pool.host)
	if err := x.connect(ctx, s.pool, false); err != nil {
		return s.story.explain(ctx, x, nil, err)
	}
	visit, first := s.enter(x.inv.ID)
	defer func() {
		x.hangUp(s.pool)
		s.leave(visit, x.sender.began)
	}()
	if s.dead.Load() { // its last words are about others; a connection it had accepted would still take the event
		return s.story.refusesConnections(ctx, errUnsent)
	}
	r.Started(s.tenant.process().PID, first)
	if err := x.roundTrip(ctx, s.pool, s.tenant.lives); err != nil {
		if !x.sender.began {
			r.Started(0, false)
		}
		return s.story.explain(ctx, x, visit, err)
	}
	err := x.relay(r)
	var judged *verdict
	var broke *broken
	switch {
	case err == nil:
		s.dealtWith(x)
	case errors.As(err, &judged):
		s.dealtWith(x)
		judged.told.Stack = s.mode.Resident.Program.Stack(visit.Tail())
		return judged.told
	case errors.As(err, &broke) || ctx.Err() != nil:
		return s.story.explain(ctx, x, visit, err)
	}
	return err // also that the response takes no more
}

// enter says that the server is about to get an event, its first one or another.
func (s *server) enter(id string) (visit *output.Visit, first bool) {
	first = s.life.Given.Add(1) == 1
	return s.life.Printed.Enter(id), first
}

// leave says that it has no more to do with the event, or that it has got nothing of it.
func (s *server) leave(visit *output.Visit, given bool) {
	if given {
		visit.Leave()
		return
	}
	s.life.Given.Add(-1)
	visit.Withdraw()
}

func (s *server) dealtWith(x *exchange) {
	x.answered = true
	s.answers.Add(1)
}

// verdict is a failure that the server reported in its answer.
type verdict struct{ told *adapter.Error }

func (v *verdict) Error() string { return v.told.Error() }

// relay passes the answer on.
func (x *exchange) relay(r *adapter.Response) error {
	status := x.answer.http.StatusCode()
	if x.call && x.mode.Fails(status) || !x.call && (status < 200 || status >= 300) {
		return x.fail(status)
	}
	if declared, ok := x.answer.declared(); ok && declared > r.Limit {
		return adapter.TooLarge(r.Limit, declared)
	}
	if x.call {
		defer x.warnOfLostHeader()
		err := x.answer.envelop(r)
		if x.answer.mended {
			x.mode.Resident.Log.Warn("the answer's Content-Type says that it is UTF-8, and it is not: U+FFFD stands for what is wrong",
				zap.String("requestId", x.inv.ID), zap.ByteString("contentType", x.answer.http.Header.ContentType()))
		}
		return err
	}
	_, err := r.ReadFrom(x.answer)
	return err
}

// warnOfLostHeader logs, once, that a header of an answer was not passed on.
func (x *exchange) warnOfLostHeader() {
	if x.answer.lost == "" {
		return
	}
	x.mode.lostHeader.Do(func() {
		x.mode.Resident.Log.Warn("the server's answer to this event has a header whose name HTTP does not allow, and it was dropped: "+
			x.mode.keys.Quote([]byte(x.answer.lost))+". A name consists of letters, digits and -", zap.String("requestId", x.inv.ID))
	})
}

// fail makes the error of an answer that is a failure.
func (x *exchange) fail(status int) error {
	n, err := io.ReadFull(x.answer, x.answer.piece)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF { // of ReadFull: less than it asked for
		return err
	}
	text := fmt.Sprintf("The server answered %d %s to %s", status, fasthttp.StatusMessage(status), &x.sender)
	if page := x.answer.piece[:n]; len(bytes.TrimSpace(page)) > 0 {
		text += ": " + x.quotePage(page)
	} else {
		text += " with an empty body"
	}
	if own := adapter.ProgramError(x.answer.piece[:n]); own != nil && own.Message != "" {
		text += ". It says: " + x.mode.keys.String(own.Message)
	}
	if !x.call {
		text += x.eventAdvice(status)
		if lacks := apig.Lacks(x.inv.Payload); lacks != "" {
			text += ". " + lacks
		}
	}
	return &verdict{&adapter.Error{Type: fmt.Sprintf("HTTP.%d", status), Message: text}}
}

// pageBytes is how much of an error page is quoted.
const pageBytes = 1000

// quotePage quotes a page without its indentation, which would be most of the quote. It masks the
// page first: a secret may contain line breaks.
func (x *exchange) quotePage(page []byte) string {
	page = x.mode.keys.Bytes(page)
	page = page[:min(len(page), pageBytes)]
	return x.mode.keys.Quote(bytes.Join(bytes.Fields(page), []byte(" ")))
}

// eventAdvice completes the message of an event that is not a call of the gateway.
func (x *exchange) eventAdvice(status int) string {
	const where = "; events that are not calls of the API gateway are POSTed to BOOTSTRAP_HTTP_EVENT_PATH"
	switch {
	case status == fasthttp.StatusNotFound || status == fasthttp.StatusMethodNotAllowed || status == fasthttp.StatusNotImplemented:
		return where
	case status >= 300 && status < 400:
		return ". Redirects are not followed" + where
	}
	return ""
}
