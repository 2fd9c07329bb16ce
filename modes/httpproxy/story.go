package httpproxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/limits"
	"fgbootstrap/internal/output"
	"fgbootstrap/internal/resident"
	"fgbootstrap/internal/retry"
)

// story makes the errors of a server and of its events.
type story struct{ server *server }

// explain is the error of an exchange that failed for err. visit is nil if the event has
// not come so far that the server could know of it.
func (s *story) explain(ctx context.Context, x *exchange, visit *output.Visit, err error) error {
	var none *undelivered
	var broke *broken
	switch {
	case ctx.Err() != nil:
		return s.overdue(ctx, x, visit)
	case errors.As(err, &none) && limits.Met(err) != "":
		return err // the limit is ours, and the server not to blame
	case errors.As(err, &none):
		return s.refusesConnections(ctx, err)
	case errors.Is(err, errForeign):
		return s.answersAnother(x, visit)
	case !s.endsSoon(ctx):
	case visit.Shared(): // what it said last may be about another event
		return s.server.life.Reason()
	default:
		return s.server.life.End()
	}
	e := &adapter.Error{Type: adapter.TypeProtocol, Stack: s.server.mode.Resident.Program.Stack(visit.Tail())}
	if !x.heard() || errors.As(err, &broke) {
		e.Cause = err // any other quotes the head, and with it cookies
	}
	request := x.sender.String()
	switch {
	case errors.Is(err, errSwitched):
		e.Message = "The server switched to another protocol (status 101), which the gateway does not support."
	case errors.Is(err, errAnnounces):
		e.Message = "The server keeps announcing an answer (1xx) but sends none."
	case errors.As(err, &broke) && x.conn.ended:
		e.Message = fmt.Sprintf("The server dropped the connection in the middle of its answer to %s. %s", request, seeLog)
	case errors.As(err, &broke):
		e.Message = fmt.Sprintf("The server's answer to %s can't be read to its end: %s.", request, s.server.mode.keys.String(broke.cause.Error()))
	case !x.heard():
		e.Message = fmt.Sprintf("The server dropped the connection and did not answer %s. %s %s", request, seeLog, s.otherProtocol(ctx))
	default:
		e.Message = s.server.mode.broken(err, x.conn.sample)
	}
	return e
}

// otherProtocol says which protocol a server expects that has never answered, or returns "".
func (s *story) otherProtocol(ctx context.Context) string {
	if s.server.answers.Load() > 0 {
		return ""
	}
	return s.server.pool.expects(ctx)
}

// broken says what is wrong with an answer that begins with sample, which err is about.
func (m *Handler) broken(err error, sample []byte) string {
	var coded *coding
	switch {
	case errors.As(err, &coded):
		return fmt.Sprintf("The server's answer has the Transfer-Encoding %s, which can't be passed on; only chunked can. "+
			"To compress its answers, have it set Content-Encoding instead.", m.keys.Quote([]byte(coded.value)))
	case looksLikeTLS(sample):
		return "The server speaks HTTPS. " + plainHTTP
	case !bytes.HasPrefix(sample, []byte("HTTP/")):
		return fmt.Sprintf("The server's answer is not HTTP: it begins with %s. %s", m.keys.Quote(sample), plainHTTP)
	default:
		return fmt.Sprintf("The head of the server's answer is broken, or longer than %d KB: it begins with %s.", headBytes>>10, m.keys.Quote(sample))
	}
}

const (
	plainHTTP = "It must serve plain HTTP on its port (BOOTSTRAP_HTTP_PORT); the gateway handles HTTPS."
	seeLog    = "Its output may say why: see the log under this request id."
)

// looksLikeTLS reports whether an answer is a record of TLS: an alert or a handshake.
func looksLikeTLS(sample []byte) bool {
	return len(sample) > 2 && (sample[0] == 0x15 || sample[0] == 0x16) && sample[1] == 3
}

// answersAnother is for an event in whose connection the server went on with an earlier one.
// Nothing of that is quoted: it is another caller's.
func (s *story) answersAnother(x *exchange, visit *output.Visit) error {
	return &adapter.Error{
		Type: adapter.TypeProtocol,
		Message: fmt.Sprintf("The server sent more than its answer to an earlier event, in the same connection, so that its answer to %s "+
			"can't be told from it. %s", &x.sender, surplusAdvice),
		Stack: s.server.mode.Resident.Program.Stack(visit.Tail()),
	}
}

// endsSoon waits a little for the server's end, but not beyond the event's deadline.
func (s *story) endsSoon(ctx context.Context) bool {
	return s.server.tenant.process().EndsSoon(ctx, endPatience) &&
		retry.Await(ctx, s.server.life.Over, resident.KillPatience) // else it has gone to the background, perhaps
}

// unreachable means that the server runs but no longer accepts connections.
type unreachable struct{ error }

func (u *unreachable) Unwrap() []error { return []error{u.error, errUnsent} }

// refusesConnections makes the error of an event that could not be sent: the event goes to the
// next start.
func (s *story) refusesConnections(ctx context.Context, err error) error {
	if s.endsSoon(ctx) {
		return errUnsent
	}
	return &unreachable{&adapter.Error{
		Type:    adapter.TypeProtocol,
		Message: fmt.Sprintf("The server no longer accepts connections on %s and was stopped.", s.server.tenant.place),
		Cause:   err,
	}}
}

// overdue makes the error of an event that the server has not answered in time.
func (s *story) overdue(ctx context.Context, x *exchange, visit *output.Visit) error {
	if errors.Is(context.Cause(ctx), adapter.ErrShutdown) {
		return s.server.mode.Resident.Program.TimedOut(context.Cause(ctx), x.inv, "", visit.Tail())
	}
	did := "not answered"
	if x.heard() {
		did = "not finished its answer to"
	}
	return &adapter.Error{
		Type: adapter.TypeTimeout,
		Message: fmt.Sprintf("The server had %s %s %s after the event came; the function's timeout is %s. %s",
			did, &x.sender, failure.Waited(x.inv), s.server.mode.Resident.Program.Timeout, failure.RaiseTimeout),
		Stack: s.server.mode.Resident.Program.Stack(visit.Tail()),
	}
}

// exit says how the server ended by itself.
func (s *story) exit() *adapter.Error {
	status, hint := s.server.tenant.process().Status(), ""
	if status.Success() {
		hint = "A web server must keep running: it gets one request after another. For a program that runs once for each event, set BOOTSTRAP_MODE=pipe."
	}
	life := s.server.life
	return s.server.mode.Resident.Program.Exit(life.File, status, hint, life.Printed.Tail())
}
