package platform

import (
	"sync"
	"time"

	"fgbootstrap/internal/retry"
	"fgbootstrap/platform/api"
)

const (
	sampling     = 50 * time.Millisecond // between two looks at the memory
	rest         = 20                    // times what one took, at least: it goes through all processes of the machine
	startsInARow = 5                     // fruitless starts until the waiting events are failed
)

// supervisor keeps one instance of the function alive while there are events for it.
type supervisor struct {
	fn       Function
	api      *api.Server
	listener *api.Listener // the instance's way to the API
	logs     *journal
	grace    time.Duration

	wake chan struct{} // an event was queued
	stop chan struct{}
	done chan struct{} // the loop has ended

	mu      sync.Mutex
	current *process // nil while none runs
	number  int
	peak    int64     // memory of the instance at most, in bytes
	again   time.Time // when to look at it again
}

func newSupervisor(fn Function, srv *api.Server, listener *api.Listener, logs *journal, grace time.Duration) *supervisor {
	s := &supervisor{fn: fn, api: srv, listener: listener, logs: logs, grace: grace,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	srv.OnQueued(func() {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	})
	go s.run()
	return s
}

// run starts an instance whenever events wait and none is running. An instance that ends without
// having taken an event counts as a fruitless start.
func (s *supervisor) run() {
	defer close(s.done)
	fruitless := 0
	var pause retry.Backoff
	for s.awaitEvent() {
		ended, served := s.live()
		switch {
		case served:
			fruitless = 0
		case ended != nil:
			s.api.Refuse(ended)
			fruitless = 0
		default:
			fruitless++
		}
		if fruitless == startsInARow {
			s.api.Refuse(api.Failure(api.CodeStartFailures, "function failed to start several times: the bootstrap exited %d times without taking an event, see the log", fruitless))
			fruitless = 0
		}
		if fruitless == 0 {
			pause.Reset()
		} else if !retry.Pause(pause.Next(), s.stop) {
			return
		}
	}
}

// awaitEvent waits until an event is queued; false when the platform closes.
func (s *supervisor) awaitEvent() bool {
	for {
		select {
		case <-s.stop:
			return false
		default:
		}
		if s.api.Waits() {
			return true
		}
		select {
		case <-s.wake:
		case <-s.stop:
			return false
		}
	}
}

// live is one instance from start to end: unstarted says why it could not be started, served
// whether it took an event.
func (s *supervisor) live() (unstarted *api.Result, served bool) {
	path, missing := s.fn.bootstrap()
	if missing != nil {
		return missing, false
	}
	number := s.listener.Begin()
	p, err := s.start(number, path)
	if err != nil {
		return api.Failure(api.CodeInit, "the bootstrap can't be started: %v", err), false
	}
	s.watch(p)
	s.end(number, p)
	return nil, s.listener.Served()
}

// watch looks at the memory while events are in hand, until the instance ends or has to.
func (s *supervisor) watch(p *process) {
	tick := time.NewTicker(sampling)
	defer tick.Stop()
	for {
		select {
		case <-p.exited:
			return
		case <-s.stop:
			p.terminate(s.grace)
			return
		case <-tick.C:
			if !s.logs.discards() && s.listener.Busy() {
				s.sample(p)
			}
		}
	}
}

// sample looks at the memory if it is time for that.
func (s *supervisor) sample(p *process) {
	s.mu.Lock()
	began, again := time.Now(), s.again
	s.mu.Unlock()
	if began.Before(again) {
		return
	}
	used := p.memory()
	s.mu.Lock()
	s.peak, s.again = max(s.peak, used), began.Add(max(sampling/2, rest*time.Since(began)))
	s.mu.Unlock()
}

func (s *supervisor) start(number int, path string) (*process, error) {
	env, err := s.fn.environ(s.listener.Addr())
	if err != nil {
		return nil, err
	}
	p, err := startProcess(path, s.fn.Dir, env, s.logs, "RUNTIME_API_ADDR="+s.listener.Addr())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.current, s.number, s.peak, s.again = p, number, 0, time.Time{}
	s.mu.Unlock()
	return p, nil
}

// end clears away what the bootstrap has left behind, before its events are failed: nothing of
// them runs on.
func (s *supervisor) end(number int, p *process) {
	if err := p.kill(); err != nil {
		s.logs.printf("instance %d: %v", number, err)
	}
	s.mu.Lock()
	s.current = nil
	s.mu.Unlock()
	select {
	case <-s.stop: // as it was asked to
		s.logs.printf("instance %d has stopped: %s", number, p.how())
	default:
		s.logs.printf("instance %d: runtime process is exited: %s", number, p.how())
	}
	s.listener.Exited()
}

// kill ends the instance of that number at once and waits until nothing of it is left.
func (s *supervisor) kill(number int) {
	s.mu.Lock()
	p, current := s.current, s.number
	s.mu.Unlock()
	if p == nil || current != number {
		return
	}
	if err := p.kill(); err != nil {
		s.logs.printf("instance %d: %v", number, err)
	}
}

// memory is the peak of the instance in bytes, as far as it was seen; it also lets the program's
// log catch up.
func (s *supervisor) memory() int64 {
	if s.logs.discards() {
		return 0 // nobody reads it, and walking all processes costs more than a small invocation
	}
	s.mu.Lock()
	p := s.current
	s.mu.Unlock()
	if p != nil {
		p.flush()
		s.sample(p)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peak
}

func (s *supervisor) close() {
	s.mu.Lock()
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	s.mu.Unlock()
	<-s.done
}
