package httpproxy

import (
	"context"
	"errors"
	"sync"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/supervise"

	"github.com/valyala/fasthttp"
)

// probe checks whether a server that has missed a deadline still works. There is one probe at a
// time, and none after the server has failed one.
type probe struct {
	mu    sync.Mutex
	under chan struct{} // closed when the one under way is over; nil without one
	hangs bool          // it has failed one
}

// begin returns false if a probe is under way or the server has already failed one.
func (p *probe) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.under != nil || p.hangs {
		return false
	}
	p.under = make(chan struct{})
	return true
}

func (p *probe) end(works bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.under)
	p.under, p.hangs = nil, !works
}

// passed waits for the probe under way. It returns false if the server has failed it or ctx has
// ended.
func (p *probe) passed(ctx context.Context) bool {
	p.mu.Lock()
	under, hangs := p.under, p.hangs
	p.mu.Unlock()
	if under == nil {
		return !hangs
	}
	select {
	case <-under:
		return p.passed(ctx)
	case <-ctx.Done():
		return false
	}
}

// examine finds out whether a server that has missed a deadline still works, and has it restarted
// if it does not. Only then does it give the lease back, so that a server that takes one event at
// a time gets no other event meanwhile.
func (m *Mode) examine(lease *supervise.Lease[*server]) {
	s := lease.Instance
	if !s.probe.begin() {
		m.servers.Release(lease, false)
		return
	}
	m.probes.Go(func() {
		works := s.works()
		if !works {
			m.Resident.Log.Error("the server no longer answers after an event missed its deadline, restarting it")
			m.servers.Retire(lease, &adapter.Error{
				Type:    adapter.TypeTimeout,
				Message: "The server no longer answered after an event had missed its deadline, and was stopped.",
			})
		}
		s.probe.end(works) // events that wait for it must not come back to this server
		m.servers.Release(lease, false)
	})
}

// works reports whether the server answers anything at all. The request means nothing to most
// programs. A connection would prove nothing: the system accepts it without the server.
func (s *server) works() bool {
	method, target := fasthttp.MethodOptions, "*"
	if s.mode.ReadyPath != "" {
		method, target = fasthttp.MethodGet, s.mode.ReadyPath
	}
	before := s.answers.Load()
	s.pool.clear() // it may be waiting for the end of one
	_, _, err := s.pool.ask(method, target, probePatience)
	var none *undelivered
	busy := s.answers.Load() != before // with other events, one after the other
	return busy || !errors.As(err, &none) && !errors.Is(err, fasthttp.ErrTimeout)
}
