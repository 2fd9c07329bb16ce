package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"fgbootstrap/adapter"
)

// multiplexed is the dialogue of protocols whose answers carry ids: several
// events at a time, and one goroutine that reads for them all (dispatch.go).
type multiplexed struct {
	*worker
	turn chan struct{} // holds one token: who has it may write

	mu       sync.Mutex
	calls    map[string]*call // nil once the worker has ended
	disowned []string         // ids
	isUp     bool
}

func newMultiplexed(w *worker) *multiplexed {
	m := &multiplexed{worker: w, turn: make(chan struct{}, 1), calls: map[string]*call{}}
	m.turn <- struct{}{}
	return m
}

func (m *multiplexed) begin() {
	if _, waits := m.Codec.Greeting(); !waits {
		m.up()
	}
	m.readers.Go(func() {
		err := m.read()
		m.loseAll()
		m.lost(err)
	})
}

// up says, once, that the worker is ready.
func (m *multiplexed) up() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isUp {
		return false
	}
	m.isUp = true
	close(m.ready)
	return true
}

func (m *multiplexed) invoke(ctx context.Context, t task) (done bool, err error) {
	c := newCall(t, m.Mode)
	c.visit = m.printed.Enter(c.id)
	if !c.visit.Shared() {
		m.hear("")
	}
	if !m.register(c) {
		c.visit.Leave()
		return false, m.unsent(ctx, t)
	}
	if err := m.send(ctx, t.inv); err != nil {
		m.remove(c.id)
		c.withdraw()
		return false, m.notSent(ctx, t, err)
	}
	err = c.relay(ctx, c.over)
	final := true
	select {
	case <-c.final:
	default:
		final, err = m.abandon(ctx, t, c, err)
	}
	switch {
	case !final:
		return false, err
	case err != nil && ctx.Err() != nil:
		err = m.Program.Overdue(context.Cause(ctx), t.inv, "It had answered, but too late for the platform to take all of it.", nil)
	case err == nil && c.lost:
		return false, m.lostEvent(ctx, c)
	case err == nil:
		err = c.err
	}
	return !c.lost, err
}

// lostEvent is the error of an event whose worker has ended. What that said last is
// for an event that was alone in it.
func (m *multiplexed) lostEvent(ctx context.Context, c *call) error {
	err := m.unreadable(ctx, nil)
	if c.visit.Shared() {
		return m.forOthers(err)
	}
	return err
}

// register makes the event known to the reader before the worker can answer it. It is
// false if the worker has ended.
func (m *multiplexed) register(c *call) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls == nil {
		return false
	}
	m.calls[c.id] = c
	return true
}

// remove takes out the event with this id; nil if there is none.
func (m *multiplexed) remove(id string) *call {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.calls[id]
	if c != nil {
		delete(m.calls, id)
		c.visit.Leave()
	}
	return c
}

// send writes the event when it is its turn.
func (m *multiplexed) send(ctx context.Context, inv *adapter.Invocation) error {
	select {
	case <-m.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer m.next()
	if m.in.broken { // half a line is in the pipe
		return errTorn
	}
	return m.write(ctx, inv)
}

// errTorn is an event that was not sent because the one before was torn.
var errTorn = errors.New("the worker has got half an event")

func (m *multiplexed) next() { m.turn <- struct{}{} }

// notSent is for an event that did not get to the worker, or not whole: then the
// worker can't be given another one, but those in it may come to their ends.
func (m *multiplexed) notSent(ctx context.Context, t task, err error) error {
	switch {
	case errors.Is(err, errTorn):
		m.workers.Retire(t.lease, nil)
		return errUnsent
	case errors.Is(err, errUnsent):
		return m.unsent(ctx, t)
	case ctx.Err() == nil:
		err = m.unreadable(ctx, nil)
		m.workers.Retire(t.lease, m.forOthers(err))
		return err
	}
	overdue := m.Program.Overdue(context.Cause(ctx), t.inv, m.hint(), nil)
	m.leave(t)
	return overdue
}

// abandon is for an event that has come to no end, because ctx has ended or its
// response can't be relayed: cause is why, or c.err. The worker is told, and if it
// comes to an end of it soon, which is final, it may go on.
func (m *multiplexed) abandon(ctx context.Context, t task, c *call, cause error) (final bool, err error) {
	err = cause
	switch {
	case ctx.Err() != nil:
		err = m.Program.Overdue(context.Cause(ctx), t.inv, m.hint(), c.visit.Tail())
	case cause == nil:
		err = c.err
	}
	c.withdraw()
	m.cancel(c.id)
	patience := time.NewTimer(m.Margin / 8)
	defer patience.Stop()
	select {
	case <-c.final:
		return true, err
	case <-patience.C:
		m.leave(t)
		return false, err
	}
}

// leave takes the worker out of service. Other events in it come to their ends;
// if there is none, it is stopped at once.
func (m *multiplexed) leave(t task) {
	if m.workers.Retire(t.lease, nil) == 0 {
		m.halt()
	}
}

// cancel tells the worker that nobody waits for an event any more, if that can
// be said without waiting.
func (m *multiplexed) cancel(id string) {
	line := m.Codec.Cancel(id)
	select {
	case <-m.turn:
	default:
		return
	}
	defer m.next()
	if len(line) > 0 && !m.in.broken {
		_ = m.in.tell(line)
	}
}
