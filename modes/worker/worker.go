// Package worker keeps programs running and hands them event after event over a
// line protocol (see codec/). It owns a pool of them, how an event goes through one
// and when one is replaced. Starting, stopping and starting again is
// internal/process, what the lines mean is codec.
package worker

import (
	"context"
	"errors"
	"io"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/secret"
	"fgbootstrap/internal/supervise"
	"fgbootstrap/modes/worker/codec"

	"go.uber.org/zap"
)

// Config is what a Mode needs; all of it is kept.
type Config struct {
	Program  failure.Program
	Protocol codec.Protocol
	Codec    codec.Codec
	// Descriptor3 has the program answer on descriptor 3; its stdout is log then.
	Descriptor3 bool
	// Env is the program's environment as KEY=value.
	Env []string
	// Count is how many workers there are, Capacity how many events one is given
	// at a time, MaxInvocations after how many it is replaced; 0 is never.
	Count, Capacity, MaxInvocations int
	// Margin is the function's: the steps at a deadline are parts of it. Grace is
	// how long a worker that is to stop may take.
	Margin, Grace time.Duration
	// MaxResponse is the most bytes of a response.
	MaxResponse int64
	// Streaming says that responses may have to wait for the platform.
	Streaming bool
	Mask      *secret.Mask
	Reaper    *process.Reaper
	// Log is ours, Output what the program says.
	Log, Output *zap.Logger
}

// Mode is the adapter.Handler of worker mode.
type Mode struct {
	Config
	keys    *secret.Keyring
	workers supervise.Supervisor[*worker]
	rings   rings
}

// New starts the workers and waits until they are ready, or have failed once, or
// ctx ends: whatever it is, events can be handed in then.
func New(ctx context.Context, c Config) *Mode {
	m := &Mode{Config: c, keys: secret.NewKeyring(c.Mask)}
	m.workers = supervise.Supervisor[*worker]{
		Start: m.start, Count: c.Count, Capacity: c.Capacity, Limit: c.MaxInvocations, Log: c.Log,
	}
	m.workers.Run()
	m.workers.Settle(ctx)
	return m
}

// errUnsent is an event of which a worker has not got a byte: another one may
// have it.
var errUnsent = errors.New("the event was not sent")

// Invoke implements adapter.Handler.
func (m *Mode) Invoke(ctx context.Context, inv *adapter.Invocation, w *adapter.Response) error {
	if refused := m.Codec.Carries(inv.Payload); refused != nil {
		return refused
	}
	m.keys.Add(inv.Credentials())
	for {
		lease, err := m.workers.Acquire(ctx)
		if err != nil {
			return m.unserved(ctx, inv, err)
		}
		lease.Instance.given.Add(1)
		done, err := lease.Instance.talk.invoke(ctx, task{lease, inv, w})
		m.workers.Release(lease, done)
		if !errors.Is(err, errUnsent) {
			return err
		}
	}
}

// task is an event on its way through a worker.
type task struct {
	lease *supervise.Lease[*worker]
	inv   *adapter.Invocation
	w     io.Writer
}

// Reported implements adapter.Handler. What workers have left behind is ended when no event
// is in flight.
func (m *Mode) Reported(inFlight int) {
	if inFlight == 0 {
		m.Reaper.Sweep()
	}
}

// Shutdown implements adapter.Handler. Each worker has the grace; ctx adds
// nothing to that.
func (m *Mode) Shutdown(context.Context) error {
	m.workers.Close()
	return nil
}
