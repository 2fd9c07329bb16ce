package worker

import (
	"context"
	"errors"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/retry"
)

// multiplexed is the dialogue of protocols whose answers carry ids: several
// events at a time, and one goroutine that reads for them all (dispatch.go).
type multiplexed struct {
	worker *worker
	turn   chan struct{} // holds one token: who has it may write
	calls  calls
}

func newMultiplexed(w *worker) *multiplexed {
	m := &multiplexed{worker: w, turn: make(chan struct{}, 1), calls: calls{byID: map[string]*call{}}}
	m.turn <- struct{}{}
	return m
}

func (m *multiplexed) begin() {
	w := m.worker
	if _, waits := w.mode.Codec.Greeting(); !waits {
		w.life.MarkReady()
	}
	w.readers.Go(func() {
		err := m.read()
		for _, c := range m.calls.end() {
			c.lose()
		}
		w.lost(err)
	})
}

func (m *multiplexed) invoke(ctx context.Context, t task) (done bool, err error) {
	c := newCall(t, m.worker.mode)
	c.visit = m.worker.life.Printed.Enter(c.id)
	if !c.visit.Shared() {
		m.worker.story.hear("", "")
	}
	if !m.calls.add(c) {
		c.visit.Leave()
		return false, m.worker.unsent(ctx, t)
	}
	if err := m.send(ctx, c, t.inv); err != nil {
		m.calls.remove(c.id)
		c.sink.withdraw()
		return false, m.notSent(ctx, t, c, err)
	}
	t.started()
	err = c.sink.relay(ctx, c.over)
	select {
	case <-c.final:
	default:
		final, err := m.abandon(ctx, t, c, err)
		return final && !c.lost, err
	}
	switch {
	case err != nil && ctx.Err() != nil:
		err = m.worker.mode.Resident.Program.TimedOut(context.Cause(ctx), t.inv, "It had answered, but too late for the platform to take all of it.", nil)
	case err == nil && c.lost && m.neverRead(ctx, c):
		return false, m.worker.unsent(ctx, t)
	case err == nil && c.lost:
		return false, m.lostEvent(ctx, c)
	case err == nil:
		err = c.err
	}
	return !c.lost, err
}

// neverRead reports whether a worker that has ended has read nothing of an event. One that
// lives may still do so. Nobody may write meanwhile, or there would be more in the pipe than
// is counted.
func (m *multiplexed) neverRead(ctx context.Context, c *call) bool {
	if !m.worker.hasEnded(ctx) {
		return false
	}
	select {
	case <-m.turn:
	case <-ctx.Done():
		return false
	}
	defer m.next()
	return m.worker.channel.in.neverRead(c.from)
}

func (*multiplexed) isFree() bool { return true }

func (*multiplexed) reported() {}

func (*multiplexed) end() {}

// lostEvent is the error of an event that the worker, which has ended, had got some of. What
// that said last is for an event that was alone in it.
func (m *multiplexed) lostEvent(ctx context.Context, c *call) error {
	err := m.worker.unreadable(ctx, nil)
	if c.visit.Shared() {
		return forOthers(err)
	}
	return err
}

// send writes the event when it is its turn.
func (m *multiplexed) send(ctx context.Context, c *call, inv *adapter.Invocation) error {
	select {
	case <-m.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer m.next()
	if m.worker.channel.in.broken { // half a line is in the pipe
		return errTorn
	}
	c.from = m.worker.channel.in.total.Load()
	return m.worker.write(ctx, inv)
}

// errTorn is an event that was not sent because the one before was torn.
var errTorn = errors.New("the worker has got half an event")

func (m *multiplexed) next() { m.turn <- struct{}{} }

// notSent is for an event that did not get to the worker, or not whole: then the
// worker can't be given another one, but those in it may come to their ends.
func (m *multiplexed) notSent(ctx context.Context, t task, c *call, err error) error {
	switch {
	case errors.Is(err, errTorn):
		m.worker.mode.workers.Retire(t.lease, nil)
		return errUnsent
	case errors.Is(err, errUnsent):
		return m.worker.unsent(ctx, t)
	case ctx.Err() == nil:
		err = m.lostEvent(ctx, c)
		m.worker.mode.workers.Retire(t.lease, forOthers(err))
		return err
	}
	overdue := m.worker.mode.Resident.Program.TimedOut(context.Cause(ctx), t.inv, m.hint(c), nil)
	m.leave(t)
	return overdue
}

// hint is what may help an event that has no answer in time.
func (m *multiplexed) hint(c *call) string {
	if told := m.worker.story.heard(false); told != "" && c.visit.Shared() { // the line may be about another event
		return told
	}
	return m.worker.story.hint(false)
}

// abandon is for an event that has come to no end, because ctx has ended or its
// response can't be relayed: cause is why, or c.err. The worker is told, and if it
// comes to an end of it soon, which is final, it may go on.
func (m *multiplexed) abandon(ctx context.Context, t task, c *call, cause error) (final bool, err error) {
	err = cause
	switch {
	case ctx.Err() != nil:
		hint, tail := m.hint(c), c.visit.Tail()
		err = m.worker.mode.Resident.Program.TimedOut(context.Cause(ctx), t.inv, hint, tail)
		defer func() {
			if final && !c.lost || c.visit.Shared() { // it goes on
				err = m.worker.mode.Resident.Program.Unanswered(context.Cause(ctx), t.inv, hint, tail)
			}
		}()
	case cause == nil:
		err = c.err
	}
	c.sink.withdraw()
	m.cancel(c.id)
	if retry.Await(context.Background(), c.final, m.worker.mode.Margin/8) {
		return true, err
	}
	m.leave(t)
	return false, err
}

// leave takes the worker out of service. Other events in it come to their ends;
// if there is none, it is stopped at once.
func (m *multiplexed) leave(t task) {
	if m.worker.mode.workers.Retire(t.lease, nil) == 0 {
		m.worker.halt()
	}
}

// cancel tells the worker that nobody waits for an event any more, if that can
// be said without waiting.
func (m *multiplexed) cancel(id string) {
	line := m.worker.mode.Codec.Cancel(id)
	select {
	case <-m.turn:
	default:
		return
	}
	defer m.next()
	if len(line) > 0 && !m.worker.channel.in.broken {
		_ = m.worker.channel.in.tell(line)
	}
}
