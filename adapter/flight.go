package adapter

import (
	"sync"
	"time"
)

// flight has the events in flight by their ids, and each poller's last one.
type flight struct {
	mu      sync.Mutex
	n       int
	seats   map[string]*seat // nil for a single poller, which has one event at a time
	changed sync.Cond        // an event has left
}

// seat is a poller's place in the flight, for one event after another. flight.mu guards it.
type seat struct {
	id       string
	handled  time.Time // when the handler was done; zero before
	left     bool      // it has had its outcome
	repeated bool      // the same event was handed out again
}

func newFlight(pollers int) *flight {
	f := &flight{}
	if pollers > 1 {
		f.seats = make(map[string]*seat, pollers)
	}
	f.changed.L = &f.mu
	return f
}

// begin gives an event the seat s. It returns false for one that the platform has handed out while
// its first copy was running: the handler could not tell the two apart, and one id would get two
// outcomes. first is true for the first such copy.
//
// The platform may retry a failed event under its id, and the retry comes by another connection: it
// may overtake the answer to the report. So what came after the handler was done is a new event,
// which waits until the old one has left.
func (f *flight) begin(inv *Invocation, s *seat) (ok, first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		other := f.seats[inv.ID]
		if other != nil && (other.handled.IsZero() || inv.Received.Before(other.handled)) {
			first = !other.repeated
			other.repeated = true
			return false, first
		}
		if other == nil || other.left {
			break
		}
		f.changed.Wait()
	}
	f.take(s, inv.ID)
	return true, false
}

// take has the poller leave its last event; f.mu is held.
func (f *flight) take(s *seat, id string) {
	f.n++
	if f.seats == nil {
		return
	}
	if f.seats[s.id] == s { // another poller may have had the id since
		delete(f.seats, s.id)
	}
	*s = seat{id: id}
	f.seats[id] = s
}

// handled notes that the handler is done: from now on the platform may get the outcome.
func (f *flight) handled(s *seat) {
	if f.seats == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.handled = time.Now()
}

// end calls reported with how many events are left. If none is left it does so under the lock, so
// that no event begins meanwhile.
func (f *flight) end(s *seat, reported func(inFlight int)) {
	f.mu.Lock()
	f.n--
	s.left = true
	left := f.n
	if left == 0 {
		reported(0)
	}
	f.changed.Broadcast()
	f.mu.Unlock()
	if left > 0 {
		reported(left)
	}
}
