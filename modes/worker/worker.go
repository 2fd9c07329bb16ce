// Package worker keeps programs running and hands them event after event over a
// line protocol (see codec/). It owns a pool of them, how an event goes through one
// and when one is replaced. What a program that stays has in common with a web server is
// internal/resident, starting it again internal/supervise, what the lines mean codec.
package worker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/resident"
	"fgbootstrap/internal/secret"
	"fgbootstrap/internal/supervise"
	"fgbootstrap/modes/worker/codec"
)

// Config is what a Handler needs; all of it is kept.
type Config struct {
	Resident resident.Config
	Protocol codec.Protocol
	Codec    codec.Codec
	// Descriptor3 has the program answer on descriptor 3; its stdout is log then.
	Descriptor3 bool
	// Count is how many workers there are, Capacity how many events one is given
	// at a time, MaxInvocations after how many it is replaced; 0 is never.
	Count, Capacity, MaxInvocations int
	// Margin is the function's: the steps at a deadline are parts of it.
	Margin time.Duration
	// MaxResponse is the most bytes of a response.
	MaxResponse int64
	// Streaming says that responses may have to wait for the platform.
	Streaming bool
}

// Handler is the adapter.Handler of worker mode.
type Handler struct {
	Config
	keys    *secret.Keyring
	workers supervise.Supervisor[*worker]
	rings   rings
	last    atomic.Pointer[worker] // that had an event
}

// New starts the workers and, where their protocol has a sign of being ready, waits until
// they have given it, or have failed once, or ctx ends. Events can be handed in then, and
// wait for a worker.
func New(ctx context.Context, c Config) *Handler {
	m := &Handler{Config: c, keys: secret.NewKeyring(c.Resident.Mask)}
	m.workers = supervise.Supervisor[*worker]{
		Start: m.start, Count: c.Count, Capacity: c.Capacity, Limit: c.MaxInvocations, Log: c.Resident.Log,
	}
	if c.Count > 1 {
		m.workers.Prefer = func(w *worker) bool { return w.talk.isFree() }
	}
	m.workers.Run()
	if _, waits := c.Codec.Greeting(); waits {
		m.workers.Settle(ctx)
	}
	return m
}

// errUnsent is an event of which a worker has not got a byte: another one may
// have it.
var errUnsent = errors.New("the event was not sent")

// Invoke implements adapter.Handler.
func (m *Handler) Invoke(ctx context.Context, inv *adapter.Invocation, r *adapter.Response) error {
	if refused := m.Codec.Carries(inv.Payload); refused != nil {
		return refused
	}
	m.keys.Add(inv.Credentials())
	for {
		lease, err := m.workers.Acquire(ctx)
		if err != nil {
			return m.unserved(ctx, inv, err)
		}
		first := lease.Instance.life.Given.Add(1) == 1
		done, err := lease.Instance.talk.invoke(ctx, task{lease, inv, r, first})
		m.last.Store(lease.Instance)
		m.workers.Release(lease, done)
		if !errors.Is(err, errUnsent) {
			return err
		}
		r.Started(0, false)
	}
}

// task is an event on its way through a worker.
type task struct {
	lease    *supervise.Lease[*worker]
	inv      *adapter.Invocation
	response *adapter.Response
	first    bool // that the worker gets
}

// started says that the worker has got it.
func (t task) started() { t.response.Started(t.lease.Instance.life.Process.PID, t.first) }

// unserved is for an event that no worker could take.
func (m *Handler) unserved(ctx context.Context, inv *adapter.Invocation, err error) error {
	return resident.Unserved(ctx, &m.Resident, &m.workers, inv, err, &adapter.Error{
		Type: adapter.TypeTimeout,
		Message: fmt.Sprintf("No worker was free for the event within %s: %d of them were busy with other events. "+
			"Raise BOOTSTRAP_WORKER_COUNT, or lower BOOTSTRAP_CONCURRENCY.", failure.Waited(inv), m.Count),
	})
}

// masked is an error of the program's own without credentials, of other events too.
func (m *Handler) masked(e *adapter.Error) *adapter.Error {
	out := &adapter.Error{Type: m.keys.String(e.Type), Message: m.keys.String(e.Message)}
	for _, line := range e.Stack {
		out.Stack = append(out.Stack, m.keys.String(line))
	}
	return out
}

// Reported implements adapter.Handler. What workers have left behind is ended when no event
// is in flight.
func (m *Handler) Reported(inFlight int) {
	if inFlight > 0 {
		return
	}
	m.Resident.Reaper.Sweep()
	if last := m.last.Load(); last != nil {
		last.talk.reported()
	}
}

// Shutdown implements adapter.Handler. Each worker has the grace; ctx adds
// nothing to that.
func (m *Handler) Shutdown(context.Context) error {
	m.workers.Close()
	m.Resident.Reaper.Sweep()
	return nil
}
