// Package httpproxy keeps a web server running and hands events to it: an API gateway's call as
// the original HTTP request, any other event as a POST. It owns how an event becomes a request
// (sender.go) and an answer becomes the result (envelope.go), the connections to the server
// (pool.go, exchange.go), and when the server is ready (ready.go). Its life is internal/resident.
// fasthttp's memory does not leave it.
package httpproxy

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/apig"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/resident"
	"fgbootstrap/internal/secret"
	"fgbootstrap/internal/supervise"

	"go.uber.org/zap"
)

// Config configures a Handler, which keeps all of it.
type Config struct {
	// Resident's Env gets PORT added.
	Resident resident.Config
	// Port is the program's port on loopback; 0 picks a free one at each start. Socket, if set,
	// is the path of a unix socket to use instead, abstract if it begins with @.
	Port   int
	Socket string
	// ReadyPath is the path that must answer below 500 before the server gets events. If it is
	// "", the server is ready when it accepts connections.
	ReadyPath string
	// EventPath is the path, perhaps with a query, to which events that are not calls of the
	// gateway are POSTed.
	EventPath string
	// Path says how the gateway writes the paths of calls: apig.PathEncoded, apig.PathDecoded, or
	// "auto".
	Path string
	// StripPrefix is removed from the paths of the gateway's calls.
	StripPrefix string
	// IsMetadata reports whether a header, its name in lower case with - for _, may come only
	// from the platform.
	IsMetadata func(name string) bool
	// Fails reports whether the status of an answer to the gateway is a failure.
	Fails func(status int) bool
	// Identity holds headers about the function, with canonical names.
	Identity []adapter.Header
	// Credentials says that the program gets the invocation's keys and tokens.
	Credentials bool
	// Concurrency is how many events the server is given at a time.
	Concurrency int
}

// Handler is the adapter.Handler of http mode.
type Handler struct {
	Config
	keys      *secret.Keyring
	servers   supervise.Supervisor[*server] // of one server
	probes    sync.WaitGroup
	last      *server // the one started last; only start knows it
	free      sync.Pool
	misplaced alarm       // the server listens somewhere else
	told      sync.Map    // what events lack; few texts
	bulky     atomic.Bool // an event's head took memory that is to be given back

	lostPart, lostHeader sync.Once // the warnings of what a request and an answer lack
}

// New starts the server and waits until it is ready, has failed once, or ctx ends. In each case
// events can be handed in afterwards.
func New(ctx context.Context, c Config) *Handler {
	m := &Handler{Config: c, keys: secret.NewKeyring(c.Resident.Mask)}
	m.free.New = func() any { return newExchange() }
	m.servers = supervise.Supervisor[*server]{Start: m.start, Count: 1, Capacity: c.Concurrency, Log: c.Resident.Log}
	m.servers.Run()
	settled, cancel := m.misplaced.bound(ctx)
	defer cancel()
	m.servers.Settle(settled)
	if ctx.Err() != nil {
		m.tellWhatIsMissing()
	}
	return m
}

// errUnsent means that the server got no byte of the event: the next start may have it.
var errUnsent = errors.New("the event was not sent")

// Invoke implements adapter.Handler.
func (m *Handler) Invoke(ctx context.Context, inv *adapter.Invocation, r *adapter.Response) error {
	m.keys.Add(inv.Credentials())
	x, _ := m.free.Get().(*exchange) // there is nothing else in it
	defer func() {
		x.reset()
		m.free.Put(x)
	}()
	if err := x.begin(m, inv); err != nil {
		return err
	}
	x.warnOfLostPart()
	for {
		lease, err := m.lease(ctx, inv)
		if err != nil {
			return err
		}
		if !lease.Instance.probe.enter(ctx) {
			m.servers.Release(lease, false)
			if ctx.Err() != nil {
				return m.unserved(ctx, inv, ctx.Err())
			}
			continue
		}
		err = lease.Instance.invoke(ctx, x, r)
		lease.Instance.probe.leave()
		if !x.answered && ctx.Err() != nil && !errors.Is(context.Cause(ctx), adapter.ErrShutdown) {
			m.examine(lease)
			return err
		}
		var gone *unreachable
		if errors.As(err, &gone) {
			m.servers.Retire(lease, gone.error)
		}
		m.servers.Release(lease, x.answered)
		if !errors.Is(err, errUnsent) {
			return err
		}
		r.Started(0, false)
	}
}

// examineAhead divides an event's time: the last 1/examineAhead is reserved for finding out why
// the server is not ready. That takes long on a small CPU, and the platform does not wait.
const examineAhead = 10

// lease waits for the server. Its error is the outcome of the event.
func (m *Handler) lease(ctx context.Context, inv *adapter.Invocation) (*supervise.Lease[*server], error) {
	if lease := m.servers.TryAcquire(); lease != nil {
		return lease, nil
	}
	early, cancel := context.WithDeadline(ctx, inv.Deadline.Add(-inv.Deadline.Sub(inv.Received)/examineAhead))
	defer cancel()
	early, cancel = m.misplaced.bound(early)
	defer cancel()
	lease, err := m.servers.Acquire(early)
	if err == nil {
		return lease, nil
	}
	if errors.Is(context.Cause(early), errMisplaced) {
		return m.leaseOrMisplaced(ctx, inv, err)
	}
	why := m.unserved(ctx, inv, err)
	if early.Err() == nil || ctx.Err() != nil {
		return nil, why
	}
	if lease, err = m.servers.Acquire(ctx); err == nil {
		return lease, nil
	}
	if !errors.Is(context.Cause(ctx), context.DeadlineExceeded) { // that is not what it was waiting for
		why = m.unserved(ctx, inv, err)
	}
	return nil, why
}

// leaseOrMisplaced is for an event that is not to wait any longer, since the server listens
// elsewhere.
func (m *Handler) leaseOrMisplaced(ctx context.Context, inv *adapter.Invocation, err error) (*supervise.Lease[*server], error) {
	if lease := m.servers.TryAcquire(); lease != nil {
		return lease, nil
	}
	starting, _ := m.servers.Waiting()
	if starting == nil {
		return nil, m.unserved(ctx, inv, err)
	}
	message := fmt.Sprintf("The program was not ready for the event: %s. ", starting.Missing())
	if hint := starting.readiness.hint(); hint != "" {
		message += hint + " "
	}
	message += "It has been idle for a second, so the event did not wait any longer."
	return nil, &adapter.Error{Type: adapter.TypeInit, Message: message, Stack: m.Resident.Program.Stack(starting.life.Printed.Tail())}
}

// unserved makes the error of an event that the server could not take.
func (m *Handler) unserved(ctx context.Context, inv *adapter.Invocation, err error) error {
	restarted := &adapter.Error{
		Type: adapter.TypeTimeout,
		Message: fmt.Sprintf("An earlier event timed out; the server was being restarted during all of this event's %s. %s",
			failure.Waited(inv), failure.RaiseTimeout),
	}
	starting, reason := m.servers.Waiting()
	if !errors.Is(reason, errStuck) || errors.Is(context.Cause(ctx), adapter.ErrShutdown) {
		return resident.Unserved(ctx, &m.Resident, &m.servers, inv, err, restarted)
	}
	if starting != nil {
		restarted.Message = fmt.Sprintf("An earlier event timed out and the server hung in it, so it was stopped. It has been starting again for %s, "+
			"which is longer than what was left of this event's %s: %s. Raise the timeout in the function's settings, or have the server start faster.",
			time.Since(starting.life.StartedAt).Round(time.Millisecond), failure.Waited(inv), starting.Missing())
	}
	return restarted
}

// tellWhatLacks logs, once for each text, what an event lacks to be a call of the gateway.
func (m *Handler) tellWhatLacks(inv *adapter.Invocation) {
	lacks := apig.Lacks(inv.Payload)
	if lacks == "" {
		return
	}
	if _, before := m.told.LoadOrStore(lacks, true); !before {
		m.Resident.Log.Warn(lacks, zap.String("requestId", inv.ID))
	}
}

// Reported implements adapter.Handler. A web server may have processes in the background; only the
// memory of a large head is given back, which Go would otherwise do minutes later.
func (m *Handler) Reported(int) {
	if m.bulky.Swap(false) {
		debug.FreeOSMemory()
	}
}

// Shutdown implements adapter.Handler. The server gets the grace period; ctx does not extend it.
func (m *Handler) Shutdown(context.Context) error {
	m.probes.Wait()
	m.servers.Close()
	return nil
}
