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
	w io.Writer

	mu        sync.Mutex
	held      []byte
	ended     bool
	withdrawn bool
	taken     chan struct{} // there is room again, or the response is withdrawn
	put       chan struct{} // there is something to write on, or the end
}

func newSpool(w io.Writer) *spool {
	return &spool{w: w, taken: make(chan struct{}, 1), put: make(chan struct{}, 1)}
}

// Write waits until there was room for all of p.
func (s *spool) Write(p []byte) (n int, err error) {
	for {
		s.mu.Lock()
		fits := min(len(p)-n, spoolBytes-len(s.held))
		s.held = append(s.held, p[n:n+fits]...)
		withdrawn := s.withdrawn
		s.mu.Unlock()
		n += fits
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
	var piece []byte
	for {
		s.mu.Lock()
		piece, s.held = s.held, piece[:0]
		ended := s.ended
		s.mu.Unlock()
		wake(s.taken)
		switch {
		case len(piece) > 0:
			if _, err := s.w.Write(piece); err != nil {
				return err
			}
			continue
		case ended:
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
