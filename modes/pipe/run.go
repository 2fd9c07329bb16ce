package pipe

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/process"

	"go.uber.org/zap"
)

// run is one program at work on one event.
type run struct {
	mode     *Handler
	program  *program
	inv      *adapter.Invocation
	in       *input
	answer   *answer // as CGI says it; nil if stdout is the result
	response *adapter.Response
	port     atomic.Int32 // that the program listens on; 0 if unknown
	sent     int          // bytes of the event that a spare got at once
}

func newRun(m *Handler, p *program, inv *adapter.Invocation, in *input, r *adapter.Response) *run {
	one := &run{mode: m, program: p, inv: inv, in: in, response: r}
	if m.Requests != nil && m.Requests.CGI {
		one.answer = &answer{}
	}
	return one
}

// serve serves an event with a program that was started ahead of it. missed means that the
// program ended without reading any of the event; another program can still have it.
func (r *run) serve(ctx context.Context) (missed bool, err error) {
	p, spares := r.program, r.mode.spares
	p.belong(r.inv) // before it can read and print what must be masked
	if err := p.slot.context.write(r.mode.context(r.inv, r.in)); err != nil {
		spares.work.Go(p.Dismiss)
		return false, err
	}
	if r.in.size > defaultPipe {
		process.GrowPipe(p.process.Stdin, process.LargePipe)
		process.GrowPipe(p.process.Stdout, process.LargePipe)
	}
	r.sent = p.process.Prefill(r.in.plain)
	r.response.Started(p.process.PID, true)
	p.feed(r.in, r.sent)
	spares.begun(r.inv.Waited)
	release := r.watch()
	err = r.finish(ctx)
	release()
	switch {
	case r.sent+p.fed == 0: // whether it read an empty event can't be told
		return false, err
	case p.unread < r.sent+p.fed:
		spares.served()
		return false, err
	case ctx.Err() != nil:
		return false, err
	}
	how := p.process.Status().String()
	spares.failed("A program that was started ahead has not read its event. It " + how + ".")
	if !r.response.Discard() {
		return false, &adapter.Error{
			Type: adapter.TypeProtocol,
			Message: "Part of the response was sent, but the program, which was started ahead of the event, did not read the event: it " +
				how + ". " + advice,
		}
	}
	return true, nil
}

// signsOfLife is how long a program that may hang is watched.
const signsOfLife = 100 * time.Millisecond

// watch stops a spare that has hung since before its event, so that half of the time is left for
// another program. A spare that is working may just be slow, or the instance may have been
// frozen. If the event was not handed over whole, watch can't tell and does nothing.
func (r *run) watch() (release func()) {
	half := time.Until(r.inv.Deadline) / 2
	then := r.inv.Received.Add(-half)
	if r.sent == 0 || r.sent < r.in.size || half <= 0 || r.program.began.After(then) {
		return func() {}
	}
	sent := r.sent
	hangs := time.AfterFunc(half, func() {
		before := r.program.Measure()
		time.Sleep(signsOfLife)
		if r.program.process.Unread() == sent && r.program.Measure().Idle(before) {
			r.mode.spares.hung(then)
			r.stop()
		}
	})
	return func() { hangs.Stop() }
}

// stop ends the program. The error must be on its way when half of the margin is over.
func (r *run) stop() { r.program.stop(r.mode.Margin/4, r.mode.Margin/8) }

// finish relays stdout until the program or ctx has ended, and makes sure that nothing of this
// event is left.
func (r *run) finish(ctx context.Context) error {
	// A web server would run to the deadline. Finding that out may take long, so it starts before
	// the deadline.
	look := time.AfterFunc(time.Until(r.inv.Deadline)*9/10, func() { r.port.Store(int32(r.listens())) })
	defer look.Stop()
	stopped := make(chan struct{})
	release := context.AfterFunc(ctx, func() {
		defer close(stopped)
		r.stop()
	})
	err := r.relay()
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		r.stop() // the response takes no more
	}
	select {
	case <-r.program.Done():
	case <-stopped:
	}
	overdue, patience := !release(), drain
	if overdue {
		<-stopped
		patience = r.mode.Margin / 8 // what is left of the half in which the error has to be on its way
	}
	r.program.tidy(patience)
	switch {
	case overdue:
		return r.overdue(context.Cause(ctx))
	case errors.Is(err, os.ErrDeadlineExceeded):
		r.mode.Log.Warn("a process that the program left in the background held its stdout open and was killed; "+
			"redirect its output, or wait for it", zap.String("requestId", r.inv.ID))
	case errors.Is(err, errSurplus): // for which it was stopped
		return r.wrongAnswer()
	case err != nil:
		return err
	}
	if r.answer != nil {
		return r.answered()
	}
	if !r.program.process.Status().Success() {
		return r.failed()
	}
	return nil
}

// relay passes stdout on.
func (r *run) relay() error {
	stdout, err := process.NewDrained(r.program.process.Stdout)
	if err != nil {
		return err
	}
	printed := &growing{pipe: stdout, file: r.program.process.Stdout}
	if r.answer != nil {
		return r.relayAnswer(printed)
	}
	if r.in.headOnly() {
		r.response.SetHead(r.mode.Requests.bare(true), true)
	}
	_, err = r.response.ReadFrom(printed)
	return err
}

// growing is a pipe that gets larger once there is much in it.
type growing struct {
	pipe  *process.Drained
	file  *os.File
	grown bool
}

func (g *growing) Read(p []byte) (int, error) {
	n, err := g.pipe.Read(p)
	if n >= defaultPipe && !g.grown {
		g.grown = true
		process.GrowPipe(g.file, process.LargePipe)
	}
	return n, err
}
