package pipe

import (
	"fmt"
	"time"

	"fgbootstrap/internal/retry"
)

// lostCause is after how many useless spares in a row no more are started.
const lostCause = 5

// record says how the last spares did. spares.mu guards it.
type record struct {
	useless int  // in a row
	broken  bool // the last one could not be started
	paused  bool // the back-off runs
	backoff retry.Backoff
}

// onEarlyExit sees to a spare that has ended before an event took it. It counts before
// the epitaph, which may take long: a report in between must not start the next one.
func (s *spares[T]) onEarlyExit(p T) {
	s.mu.Lock()
	if !s.waiting.remove(p) {
		s.mu.Unlock()
		return
	}
	useless := s.count()
	s.mu.Unlock()
	s.complain(useless, "A program that was started ahead has ended before an event came. "+p.Epitaph())
}

// served is called when a spare has read its event.
func (s *spares[T]) served() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record.useless = 0
	s.record.backoff.Reset()
}

// failed counts a spare that was useless. It is not replaced at once, and after too many not at
// all: a program that does not wait for its event does its work without one, and each start may
// do harm. Spares that end together count as one. reason is a sentence or two.
func (s *spares[T]) failed(reason string) {
	s.mu.Lock()
	useless := s.count()
	s.mu.Unlock()
	s.complain(useless, reason)
}

// complain logs the reason for the first of them and for the last.
func (s *spares[T]) complain(useless int, reason string) {
	switch useless {
	case 1:
		s.policy.Log.Warn(reason + " " + advice)
	case lostCause:
		s.policy.Log.Error(fmt.Sprintf("%s It was the %dth useless one in a row: no more programs are started ahead, and each event "+
			"gets its own program. %s", reason, lostCause, advice))
	}
}

// count adds one that was of no use, and returns how many there were in a row, or 0 if this
// one does not count; s.mu is held.
func (s *spares[T]) count() (useless int) {
	if s.record.paused || s.closed || s.wanted == 0 {
		return 0
	}
	s.record.useless++
	if s.record.useless == lostCause {
		s.wanted = 0
		s.retireAll(time.Now())
	}
	s.pause()
	return s.record.useless
}

// pause starts none for as long as the back-off says; s.mu is held. There is one pause at
// a time: the end of another would cut it short.
func (s *spares[T]) pause() {
	if s.record.paused {
		return
	}
	s.record.paused = true
	time.AfterFunc(s.record.backoff.Next(), func() {
		s.mu.Lock()
		s.record.paused = false
		s.mu.Unlock()
		s.fill()
	})
}

// hung is called for a spare that hangs and was started before then. The other spares of that age
// are replaced, too.
func (s *spares[T]) hung(then time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retireAll(then)
}
