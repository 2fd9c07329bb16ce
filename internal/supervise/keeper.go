package supervise

import (
	"fmt"
	"time"

	"go.uber.org/zap"
)

// keep keeps one slot filled until the supervisor is closed.
func (s *Supervisor[T]) keep(slot *slot[T]) {
	for {
		seat := s.bring(slot)
		if seat == nil {
			if !s.pause(slot) {
				return
			}
			continue
		}
		select {
		case <-seat.spent: // it stays until its successor is ready
		case <-seat.leave:
			s.gone(slot, seat, seat.blame)
		case <-seat.Instance.Ended():
			s.gone(slot, seat, seat.Instance.Reason())
		case <-s.closing:
			s.empty(slot)
			return
		}
		if !s.pause(slot) {
			return
		}
	}
}

// bring starts an instance and puts it into service when it is ready, in the
// place of the one before. nil means that it has failed, or that this is the end.
func (s *Supervisor[T]) bring(slot *slot[T]) *Seat[T] {
	instance, err := s.Start()
	if err != nil {
		s.failed(slot, err, true)
		return nil
	}
	seat := &Seat[T]{Instance: instance, slot: slot, born: slot.ever, leave: make(chan struct{}), spent: make(chan struct{})}
	s.mu.Lock()
	slot.starting = seat
	s.mu.Unlock()
	patience := time.NewTimer(startPatience)
	defer patience.Stop()
	select {
	case <-instance.Ready():
		s.install(slot, seat)
		return seat
	case <-instance.Ended():
		err = instance.Reason()
	case <-patience.C:
		err = fmt.Errorf("the program was not ready after %s", startPatience)
	case <-s.closing:
	}
	s.mu.Lock()
	slot.starting = nil
	s.retire(seat, err)
	s.mu.Unlock()
	if err != nil {
		s.failed(slot, err, true)
	}
	return nil
}

func (s *Supervisor[T]) install(slot *slot[T], seat *Seat[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := slot.seat; old != nil {
		s.retire(old, nil)
	}
	slot.seat, slot.starting, slot.settled = seat, nil, true
	s.notify()
}

// gone takes an instance that has ended or was retired out of its slot.
func (s *Supervisor[T]) gone(slot *slot[T], seat *Seat[T], reason error) {
	s.mu.Lock()
	idle := seat.load <= 0 && !seat.told
	s.retire(seat, reason)
	s.mu.Unlock()
	if reason != nil {
		s.failed(slot, reason, idle)
	}
}

// empty takes what is in a slot out of service for good.
func (s *Supervisor[T]) empty(slot *slot[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slot.seat != nil {
		s.retire(slot.seat, nil)
	}
}

// failed counts a failure; tell says that nobody else will log it.
func (s *Supervisor[T]) failed(slot *slot[T], reason error, tell bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slot.failures++
	slot.ever++
	slot.reason, slot.settled = reason, true
	// One line a change, not one a failure.
	if text := reason.Error(); tell && slot.logged != text {
		slot.logged = text
		s.Log.Error("the program failed while it had no event and is started again: " + text)
	}
	if slot.failures == lostCause && slot.seat == nil {
		s.Log.Error("the program fails again and again: events are refused while it is down", zap.Error(reason))
	}
	s.notify()
}

// pause waits until the next start is due: at once after the first failure. It
// is false when the supervisor is closed.
func (s *Supervisor[T]) pause(slot *slot[T]) bool {
	s.mu.Lock()
	wait := time.Duration(0)
	if slot.failures > 1 {
		wait = slot.pace.Next()
	}
	s.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.closing:
	}
	select {
	case <-s.closing:
		s.empty(slot)
		return false
	default:
		return true
	}
}
