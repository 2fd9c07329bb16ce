package httpproxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/output"
	"fgbootstrap/internal/supervise"
)

// explain is the error of an exchange that failed for err.
func (s *server) explain(ctx context.Context, x *exchange, visit *output.Visit, err error) error {
	var none *undelivered
	var broke *broken
	switch {
	case ctx.Err() != nil:
		return s.overdue(ctx, x, visit)
	case errors.As(err, &none):
		return s.deaf(ctx, err)
	case !s.endsSoon(ctx):
	case visit.Shared(): // what it said last may be about another event
		return s.Reason()
	default:
		return s.end
	}
	e := &adapter.Error{Type: adapter.TypeProtocol, Stack: s.Program.Stack(visit.Tail())}
	if x.conn == nil || len(x.conn.sample) == 0 || errors.As(err, &broke) {
		e.Cause = err // any other quotes the head, and with it cookies
	}
	request := fmt.Sprintf("%s %s", x.request.Method, x.path())
	switch {
	case errors.Is(err, errSwitched):
		e.Message = "The server answered by switching to another protocol (101), which the gateway can't do."
	case errors.Is(err, errAnnounces):
		e.Message = "The server goes on announcing an answer (1xx), but sends none."
	case errors.As(err, &broke) && x.conn.ended:
		e.Message = fmt.Sprintf("The server dropped the connection in the middle of its answer to %s. %s", request, seeLog)
	case errors.As(err, &broke):
		e.Message = fmt.Sprintf("The server's answer to %s can't be read to its end: %s.", request, s.keys.String(broke.cause.Error()))
	case x.conn == nil || len(x.conn.sample) == 0:
		e.Message = fmt.Sprintf("The server dropped the connection and did not answer %s. %s Or does it expect HTTPS? %s", request, seeLog, plainHTTP)
	default:
		e.Message = s.broken(x.conn.sample)
	}
	return e
}

// broken says what is wrong with an answer that begins with sample.
func (s *server) broken(sample []byte) string {
	switch {
	case looksLikeTLS(sample):
		return "The server speaks HTTPS. " + plainHTTP
	case !bytes.HasPrefix(sample, []byte("HTTP/")):
		return fmt.Sprintf("The server's answer is no HTTP: it begins with %s. %s", s.keys.Quote(sample), plainHTTP)
	case endsLinesWithLF(sample):
		return "The head of the server's answer is broken. " + crLF
	default:
		return fmt.Sprintf("The head of the server's answer is broken, or longer than %d KB: it begins with %s.", headBytes>>10, s.keys.Quote(sample))
	}
}

const (
	plainHTTP = "It has to serve plain HTTP on its port (BOOTSTRAP_HTTP_PORT); HTTPS is the gateway's business."
	seeLog    = "What it printed then may say why: see the log under this request id."
)

// looksLikeTLS tells whether an answer is a record of TLS: an alert or a handshake.
func looksLikeTLS(sample []byte) bool {
	return len(sample) > 2 && (sample[0] == 0x15 || sample[0] == 0x16) && sample[1] == 3
}

const crLF = "The lines of its head end with LF alone, and HTTP wants CR LF."

func endsLinesWithLF(sample []byte) bool {
	line, _, ended := bytes.Cut(sample, []byte("\n"))
	return ended && !bytes.HasSuffix(line, []byte("\r")) && bytes.HasPrefix(line, []byte("HTTP/"))
}

// path is the request's, without what may be a secret, for people to read.
func (x *exchange) path() string {
	path, _, _ := bytes.Cut(x.request.Target, []byte("?"))
	if len(path) > 100 {
		return string(path[:100]) + "…"
	}
	return string(path)
}

// endsSoon waits a little for the server's end, and not beyond the event's deadline.
func (s *server) endsSoon(ctx context.Context) bool {
	if !s.process().EndsSoon(ctx, endPatience) {
		return false
	}
	timer := time.NewTimer(killPatience)
	defer timer.Stop()
	select {
	case <-s.ended:
		return true
	case <-timer.C: // it has gone to the background, perhaps
		return false
	case <-ctx.Done():
		return false
	}
}

// deafness is a server that runs but takes no connections any more.
type deafness struct{ error }

func (d *deafness) Unwrap() []error { return []error{d.error, errUnsent} }

// deaf is for an event of which the server could not get a byte: it goes to the next
// start.
func (s *server) deaf(ctx context.Context, err error) error {
	if s.endsSoon(ctx) {
		return errUnsent
	}
	return &deafness{&adapter.Error{
		Type:    adapter.TypeProtocol,
		Message: fmt.Sprintf("The server takes no connections on %s any more, and was stopped.", s.place()),
		Cause:   err,
	}}
}

// overdue is the error of an event that the server has not answered in time.
func (s *server) overdue(ctx context.Context, x *exchange, visit *output.Visit) error {
	if errors.Is(context.Cause(ctx), adapter.ErrShutdown) {
		return s.Program.Overdue(context.Cause(ctx), x.inv, "", visit.Tail())
	}
	did := "not answered"
	if x.conn != nil && len(x.conn.sample) > 0 {
		did = "begun to answer, but not to an end,"
	}
	hint := failure.RaiseTimeout
	if x.conn != nil && endsLinesWithLF(x.conn.sample) {
		hint = crLF
	}
	return &adapter.Error{
		Type: adapter.TypeTimeout,
		Message: fmt.Sprintf("The server had %s %s %s %s after the event came; the function's timeout is %s. %s",
			did, x.request.Method, x.path(), failure.Waited(x.inv), s.Program.Timeout, hint),
		Stack: s.Program.Stack(visit.Tail()),
	}
}

// unserved is for an event that the server could not take.
func (m *Mode) unserved(ctx context.Context, inv *adapter.Invocation, err error) error {
	var lost *supervise.LostCause
	if errors.As(err, &lost) {
		return failure.Again(lost)
	}
	starting, reason := m.servers.Waiting()
	var told *adapter.Error
	switch {
	case errors.Is(context.Cause(ctx), adapter.ErrShutdown):
		return m.Program.Overdue(context.Cause(ctx), inv, "", nil)
	case starting != nil && errors.As(reason, &told):
		return failure.StartedAgain(told, inv, starting.missing())
	case starting != nil:
		return m.Program.NotReady(inv, starting.missing(), starting.findings(), starting.process(), starting.started, starting.printed.Tail())
	case reason != nil:
		return reason
	default:
		return &adapter.Error{
			Type: adapter.TypeTimeout,
			Message: fmt.Sprintf("The server was being stopped or asked whether it still works for all of the %s that the event could wait, "+
				"because an event before had missed its deadline. %s", failure.Waited(inv), failure.RaiseTimeout),
		}
	}
}

// exit is how the server ended of itself.
func (s *server) exit() *adapter.Error {
	hint := ""
	if s.process().Status().Success() {
		hint = "A web server has to stay: it gets one request after the other. For a program that runs once for each event, set BOOTSTRAP_MODE=pipe."
	}
	return s.Program.Exit(s.file, s.process().Status(), hint, s.printed.Tail())
}
