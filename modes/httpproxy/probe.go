package httpproxy

import (
	"context"
	"errors"
	"sync"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/supervise"

	"github.com/valyala/fasthttp"
)

// probe checks whether a server that has missed a deadline still works. There is one probe at a
// time, and none after the server has failed one.
type probe struct {
	mu     sync.Mutex
	events int           // in the server
	under  chan struct{} // closed when the one under way is over; nil without one
	hangs  bool          // it has failed one
}

// begin is false if there is one already, or need not be one. alone says that the server
// has no event besides the one that missed its deadline, which has left it; what comes while
// the probe is under way waits for its end.
func (p *probe) begin() (alone, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.under != nil || p.hangs {
		return false, false
	}
	p.under = make(chan struct{})
	return p.events == 0, true
}

func (p *probe) end(works bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.under)
	p.under, p.hangs = nil, !works
}

// enter lets an event into the server, when the probe under way is over; false: the server
// has failed it, or ctx has ended. What was let in leaves by leave.
func (p *probe) enter(ctx context.Context) bool {
	for {
		p.mu.Lock()
		under, hangs := p.under, p.hangs
		if under == nil && !hangs {
			p.events++
		}
		p.mu.Unlock()
		if under == nil {
			return !hangs
		}
		select {
		case <-under:
		case <-ctx.Done():
			return false
		}
	}
}

func (p *probe) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events--
}

// examine finds out whether a server that has missed a deadline still works, and has it restarted
// if it does not. Only then does it give the lease back, so that a server that takes one event at
// a time gets no other event meanwhile.
func (m *Handler) examine(lease *supervise.Lease[*server]) {
	s := lease.Instance
	alone, ok := s.probe.begin()
	if !ok {
		m.servers.Release(lease, false)
		return
	}
	m.probes.Go(func() {
		works := s.works(alone)
		if !works {
			m.Resident.Log.Error("the server no longer answers after an event missed its deadline, restarting it")
			s.stuck.Store(alone)
			m.servers.Retire(lease, errStuck)
		}
		s.probe.end(works) // events that wait for it must not come back to this server
		m.servers.Release(lease, false)
	})
}

// errStuck is a server that was stopped because it answered nothing any more.
var errStuck = &adapter.Error{
	Type:    adapter.TypeTimeout,
	Message: "The server did not answer any more after an event had missed its deadline, and was stopped.",
}

const (
	// probePatience is how long a server that has missed a deadline may take for an answer of
	// no content. It may be busy with other events.
	probePatience = time.Second
	// alonePatience is the same for one that has no event: the next one waits for it, and
	// with it for the start of another, in what may be all of three seconds.
	alonePatience = 500 * time.Millisecond
	// stuckGrace is for one that was alone with the event that it hangs in: whatever it waits
	// for at its end, it would wait for that event.
	stuckGrace = 100 * time.Millisecond
)

// works reports whether the server answers anything at all. The request means nothing to most
// programs. A connection would prove nothing: the system accepts it without the server.
func (s *server) works(alone bool) bool {
	patience := probePatience
	if alone {
		patience = alonePatience
	}
	method, target := fasthttp.MethodOptions, "*"
	if s.mode.ReadyPath != "" {
		method, target = fasthttp.MethodGet, s.mode.ReadyPath
	}
	before := s.answers.Load()
	s.pool.clear() // it may be waiting for the end of one
	_, _, err := s.pool.ask(method, target, patience)
	var none *undelivered
	busy := s.answers.Load() != before // with other events, one after the other
	return busy || !errors.As(err, &none) && !errors.Is(err, fasthttp.ErrTimeout)
}
