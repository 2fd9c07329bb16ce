package httpproxy

import (
	"context"
	"errors"
	"sync"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/supervise"

	"github.com/valyala/fasthttp"
)

// probe is the question whether a server that has missed a deadline still works. There is
// one at a time, and none after one that it has failed.
type probe struct {
	mu    sync.Mutex
	under chan struct{} // closed when the one under way is over; nil without one
	hangs bool          // it has failed one
}

// begin is false if there is one already, or need not be one.
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

// passed waits for the one under way; false: the server has failed it, or ctx has ended.
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

// examine finds out whether a server that has missed a deadline still works, and has it
// started again if it does not. It gives the lease back then: a server that takes one
// event at a time gets no other one meanwhile.
func (m *Mode) examine(lease *supervise.Lease[*server]) {
	s := lease.Instance
	if !s.probe.begin() {
		m.servers.Release(lease, false)
		return
	}
	m.probes.Go(func() {
		works := s.works()
		if !works {
			m.Resident.Log.Error("the server answers nothing any more after an event has missed its deadline, and is started again")
			m.servers.Retire(lease, &adapter.Error{
				Type:    adapter.TypeTimeout,
				Message: "The server did not answer any more after an event had missed its deadline, and was stopped.",
			})
		}
		s.probe.end(works) // events that wait for it must not come back to this server
		m.servers.Release(lease, false)
	})
}

// works tells whether the server answers anything, and be it nonsense. It is asked what
// means nothing to most programs: a connection alone, the system makes by itself.
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
