package adapter

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"fgbootstrap/internal/secret"

	"go.uber.org/zap"
)

// Loop polls, invokes and reports until it is told to stop.
type Loop struct {
	Handler Handler
	// Pollers are polled concurrently, each by its own goroutine.
	Pollers []RuntimeAPI
	// Limit and Envelope are those of ResponseOptions; Streaming sends a response
	// while it is produced.
	Limit     int64
	Envelope  *Envelope
	Streaming bool
	// Traceparent returns an event's Traceparent; nil: no handler wants it.
	Traceparent func(event []byte) string
	// Mask hides secrets in errors; the credentials of all invocations are added.
	Mask *secret.Mask
	// Note is a sentence that ends the message of every error; "" adds nothing.
	Note string
	// Grace is how long running invocations may go on once Run's ctx has ended.
	Grace time.Duration
	Log   *zap.Logger
	// EventLog gets a line for each event, and is synced after it; nil: there are none. Trigger
	// names what has sent an event; it is set where EventLog is.
	EventLog *zap.Logger
	Trigger  func(event []byte) string

	flight *flight
	told   sync.Map // what was said of doubtful envelopes; few texts
	keys   *secret.Keyring
}

// lastReports is how long the platform may take to accept the last reports: an instance that is
// stopping must not hang because the platform does.
const lastReports = 10 * time.Second

// Run returns when ctx has ended, every received event has had its outcome and the handler is
// shut down. It fails if there is not enough memory for the responses (then it has not polled),
// if the platform does not take the last reports (then the handler is not shut down), or if the
// handler's Shutdown fails.
func (l *Loop) Run(ctx context.Context) error {
	work, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	l.flight = newFlight(len(l.Pollers))
	l.keys = secret.NewKeyring(l.Mask)
	all := make([]*poller, len(l.Pollers))
	for i, api := range l.Pollers {
		var err error
		if all[i], err = l.poller(api); err != nil {
			return err
		}
	}
	var running sync.WaitGroup
	for _, p := range all {
		running.Go(func() { p.run(ctx, work) })
	}
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()
	if err := l.drain(ctx, stop, done); err != nil {
		return err
	}
	end, cancel := context.WithTimeout(context.Background(), l.Grace)
	defer cancel()
	return l.Handler.Shutdown(end)
}

// drain waits until the pollers are done: until ctx ends, then for the grace, and then, when they
// were told to stop, for their last reports.
func (l *Loop) drain(ctx context.Context, stop context.CancelCauseFunc, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-done:
		return nil
	case <-time.After(l.Grace):
		stop(ErrShutdown)
	}
	select {
	case <-done:
		return nil
	case <-time.After(lastReports):
		return errors.New("the platform does not take the last reports")
	}
}

// poller is one of the loop's goroutines with the memory that it reuses.
type poller struct {
	loop     *Loop
	api      RuntimeAPI
	response *Response
	seat     seat
	// The current invocation and its context, for the sender of a stream.
	ctx context.Context
	inv *Invocation
}

func (l *Loop) poller(api RuntimeAPI) (*poller, error) {
	p := &poller{loop: l, api: api}
	options := ResponseOptions{Limit: l.Limit, Envelope: l.Envelope, Timed: l.EventLog != nil}
	if l.Streaming {
		options.Stream = func(r *Response) error { return p.api.Respond(p.ctx, p.inv, r) }
	}
	var err error
	p.response, err = NewResponse(options)
	return p, err
}

func (p *poller) run(ctx, work context.Context) {
	defer p.response.Free()
	reported := func(inFlight int) {
		if ctx.Err() == nil {
			p.loop.Handler.Reported(inFlight)
		}
	}
	for ctx.Err() == nil {
		inv, err := p.api.Next(ctx)
		if inv == nil {
			return
		}
		if ok, first := p.loop.flight.begin(inv, &p.seat); !ok {
			if first {
				p.loop.Log.Warn(repeated, zap.String("requestId", inv.ID))
			}
			continue
		}
		p.serve(work, inv, err)
		p.loop.flight.end(&p.seat, reported)
	}
}

const repeated = "the platform handed out this event again while it is running: it is not run again, its one outcome is reported once"

// serve gives inv its one outcome. If inv can't be handled, broken says why.
func (p *poller) serve(work context.Context, inv *Invocation, broken error) {
	ctx, cancel := context.WithDeadline(work, inv.Deadline)
	defer cancel()
	p.ctx, p.inv = ctx, inv
	p.loop.keys.Add(inv.Credentials())
	p.response.Reset(inv.Payload)
	defer p.response.Reset(nil) // its memory may be large, and the next event far away
	err := broken
	if err == nil && p.loop.Traceparent != nil {
		inv.Traceparent = p.loop.Traceparent(inv.Payload)
	}
	if err == nil {
		err = guard(func() error { return p.loop.Handler.Invoke(ctx, inv, p.response) })
	}
	p.loop.flight.handled(&p.seat)
	if p.loop.EventLog == nil {
		p.report(work, inv, p.response.End(err))
		return
	}
	done := time.Now()
	p.logEvent(inv, p.report(work, inv, p.response.End(err)), done)
}

// report reports how inv has ended and returns that for the log: outcomeOK, or the type of an error.
func (p *poller) report(work context.Context, inv *Invocation, err error) (outcome string) {
	if err != nil && !isFinal(err) {
		return p.fail(work, inv, asError(err))
	}
	if _, held := p.response.Whole(); held {
		err = p.api.Respond(work, inv, p.response)
	}
	if doubt := p.response.Doubt(); doubt != "" {
		if _, before := p.loop.told.LoadOrStore(doubt, true); !before {
			p.loop.Log.Warn(doubt, zap.String("requestId", inv.ID))
		}
	}
	if err != nil {
		p.loop.Log.Error(missed(err), zap.String("requestId", inv.ID), zap.Error(err))
		return TypeInternal
	}
	// Check first: building the fields of a line that is not logged made half of an event's
	// garbage.
	if entry := p.loop.Log.Check(zap.DebugLevel, "done"); entry != nil {
		entry.Write(zap.String("requestId", inv.ID), zap.Duration("after", time.Since(inv.Received)), zap.Int64("bytes", p.response.Written()))
	}
	return outcomeOK
}

// missed is what the log says of a response that was sent in vain, or may have been.
func missed(err error) string {
	if errors.Is(err, ErrUnconfirmed) {
		return "the platform has not confirmed the response; it may be lost"
	}
	return "the response did not reach the platform"
}

// guard turns a panic into an error: a bug of ours in one event must not end the others. Without
// it the caller would see "runtime process is exited" and nobody would know why.
func guard(f func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v\n%s", fault, debug.Stack())
		}
	}()
	return f()
}

// fail reports e and returns its type as it was reported.
func (p *poller) fail(work context.Context, inv *Invocation, e *Error) (outcome string) {
	id := zap.String("requestId", inv.ID)
	report := e.forCaller(p.loop.keys)
	if p.loop.Note != "" {
		report.Add(p.loop.Note)
	}
	err := p.api.Fail(work, inv, report)
	report.Cause = e.Cause
	p.loop.Log.Error(p.loop.keys.String(report.Error()), id) // the report first: its caller waits
	if err != nil {
		p.loop.Log.Error("the error did not reach the platform", id, zap.Error(err))
	}
	return report.Type
}
