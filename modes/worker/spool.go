package worker

import (
	"context"
	"io"
	"sync"
)

// spoolBytes is how much of a response is held for a platform that takes it
// slowly; then the worker, and with it every event in it, has to wait.
const spoolBytes = 1 << 20

// spool is a sink for a response that is streamed: the reader of the worker puts
// into it what comes, the goroutine that brought the event writes it on.
type spool struct {
	w     io.Writer
	rings *rings

	mu        sync.Mutex
	ring      *ring
	first, n  int // what is held begins there, and is so much
	ended     bool
	withdrawn bool
	taken     chan struct{} // there is room again, or the response is withdrawn
	put       chan struct{} // there is something to write on, or the end
}

type ring [spoolBytes]byte

// rings are used again: as garbage, one an event would be most of our memory.
type rings struct{ free sync.Pool }

func (r *rings) get() *ring {
	if used, ok := r.free.Get().(*ring); ok {
		return used
	}
	return new(ring)
}

func newSpool(w io.Writer, r *rings) *spool {
	return &spool{w: w, rings: r, ring: r.get(), taken: make(chan struct{}, 1), put: make(chan struct{}, 1)}
}

// Write waits until there was room for all of p.
func (s *spool) Write(p []byte) (n int, err error) {
	for {
		s.mu.Lock()
		withdrawn := s.withdrawn
		if !withdrawn {
			n += s.hold(p[n:])
		}
		s.mu.Unlock()
		wake(s.put)
		switch {
		case withdrawn:
			return n, errWithdrawn
		case n == len(p):
			return n, nil
		}
		<-s.taken
	}
}

// hold takes as much of p as there is room for; s.mu is held.
func (s *spool) hold(p []byte) (n int) {
	for len(p) > n && s.n < spoolBytes {
		free := (s.first + s.n) % spoolBytes
		fits := copy(s.ring[free:min(free+spoolBytes-s.n, spoolBytes)], p[n:])
		s.n += fits
		n += fits
	}
	return n
}

func (s *spool) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	wake(s.put)
}

func (s *spool) withdraw() {
	s.mu.Lock()
	s.withdrawn = true
	s.mu.Unlock()
	wake(s.taken)
}

// relay goes on to the end of the response, past over: what was put before is
// part of it.
func (s *spool) relay(ctx context.Context, _ <-chan struct{}) error {
	for {
		s.mu.Lock()
		piece, ended := s.ring[s.first:min(s.first+s.n, spoolBytes)], s.ended
		s.mu.Unlock()
		switch {
		case len(piece) > 0:
			if _, err := s.w.Write(piece); err != nil {
				return err
			}
			s.mu.Lock()
			s.first, s.n = (s.first+len(piece))%spoolBytes, s.n-len(piece)
			s.mu.Unlock()
			wake(s.taken)
			continue
		case ended: // by the reader, which has come to the end of it
			s.rings.free.Put(s.ring)
			return nil
		}
		select {
		case <-s.put:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
