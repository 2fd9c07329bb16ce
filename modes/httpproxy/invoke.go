package httpproxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"fgbootstrap/adapter"

	"github.com/valyala/fasthttp"
)

// endPatience is how long a server that has dropped its connection may take to end:
// then that was the reason.
const endPatience = 200 * time.Millisecond

// invoke gives an event to the server. The error is errUnsent if the next start of it
// may have the event.
func (s *server) invoke(ctx context.Context, x *exchange, w io.Writer) error {
	s.given.Add(1)
	visit := s.printed.Enter(x.inv.ID)
	defer visit.Leave()
	x.writeHead(s.ownHost())
	defer func() { x.hangUp(s.pool) }()
	err := x.roundTrip(ctx, s.pool, s.lives)
	if err != nil {
		return s.explain(ctx, x, visit, err)
	}
	err = x.relay(w)
	var judged *verdict
	var broke *broken
	switch {
	case err == nil:
		s.dealtWith(x)
	case errors.As(err, &judged):
		s.dealtWith(x)
		judged.told.Stack = s.Program.Stack(visit.Tail())
		return judged.told
	case errors.As(err, &broke) || ctx.Err() != nil:
		return s.explain(ctx, x, visit, err)
	}
	return err // also that the response takes no more
}

func (s *server) dealtWith(x *exchange) {
	x.answered = true
	s.answers.Add(1)
}

// verdict is a failure that the server's answer says.
type verdict struct{ told *adapter.Error }

func (v *verdict) Error() string { return v.told.Error() }

// relay hands the answer on.
func (x *exchange) relay(w io.Writer) error {
	status := x.answer.StatusCode()
	if x.call && x.Fails(status) || !x.call && (status < 200 || status >= 300) {
		return x.fail(status)
	}
	if declared := int64(x.answer.Header.ContentLength()); declared > x.MaxResponse && !x.hasNoBody() {
		return adapter.TooLarge(x.MaxResponse, declared)
	}
	if x.call {
		return x.envelop(w)
	}
	_, err := io.CopyBuffer(w, x, x.piece)
	return err
}

// fail is the error of an answer that is a failure.
func (x *exchange) fail(status int) error {
	n, err := io.ReadFull(x, x.piece)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF { // of ReadFull: less than it asked for
		return err
	}
	text := fmt.Sprintf("The server answered %d %s to %s %s", status, fasthttp.StatusMessage(status), x.request.Method, x.path())
	if page := x.piece[:n]; len(bytes.TrimSpace(page)) > 0 {
		text += ": " + x.quotePage(page)
	} else {
		text += " with an empty body"
	}
	if own := adapter.ProgramError(x.piece[:n]); own != nil && own.Message != "" {
		text += ". It says: " + x.keys.String(own.Message)
	}
	if !x.call {
		text += x.eventAdvice(status)
	}
	return &verdict{&adapter.Error{Type: fmt.Sprintf("HTTP.%d", status), Message: text}}
}

// pageBytes is where a page has said what it says.
const pageBytes = 1000

// quotePage quotes a page without its indentation, which would be most of the quote. It is
// masked first: a secret may have line breaks.
func (x *exchange) quotePage(page []byte) string {
	page = x.keys.Bytes(page)
	page = page[:min(len(page), pageBytes)]
	return x.keys.Quote(bytes.Join(bytes.Fields(page), []byte(" ")))
}

// eventAdvice completes the message of an event that is no call of the gateway.
func (x *exchange) eventAdvice(status int) string {
	const where = "; BOOTSTRAP_HTTP_EVENT_PATH is where events that are no calls of the API gateway are POSTed"
	switch {
	case status == fasthttp.StatusNotFound || status == fasthttp.StatusMethodNotAllowed || status == fasthttp.StatusNotImplemented:
		return where
	case status >= 300 && status < 400:
		return ". A redirection is not followed" + where
	}
	return ""
}
