package supervise

import (
	"fmt"
	"time"

	"go.uber.org/zap"
)

// keep keeps one slot filled until the supervisor is closed.
func (s *Supervisor[T]) keep(slot *slot[T]) {
	for {
		lease := s.bring(slot)
		if lease == nil {
			if !s.pause(slot) {
				return
			}
			continue
		}
		select {
		case <-lease.spent: // it stays until its successor is ready
		case <-lease.leave:
			s.gone(slot, lease, lease.blame)
		case <-lease.Instance.Ended():
			s.gone(slot, lease, lease.Instance.Reason())
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
func (s *Supervisor[T]) bring(slot *slot[T]) *Lease[T] {
	instance, err := s.Start()
	if err != nil {
		s.failed(slot, err, true)
		return nil
	}
	lease := &Lease[T]{Instance: instance, slot: slot, born: slot.ever, leave: make(chan struct{}), spent: make(chan struct{})}
	s.mu.Lock()
	slot.starting = lease
	s.mu.Unlock()
	patience := time.NewTimer(startPatience)
	defer patience.Stop()
	select {
	case <-instance.Ready():
		s.install(slot, lease)
		return lease
	case <-instance.Ended():
		err = instance.Reason()
	case <-patience.C:
		err = fmt.Errorf("the program was not ready after %s", startPatience)
	case <-s.closing:
	}
	s.mu.Lock()
	slot.starting = nil
	s.retire(lease, err)
	s.mu.Unlock()
	if err != nil {
		s.failed(slot, err, true)
	}
	return nil
}

func (s *Supervisor[T]) install(slot *slot[T], lease *Lease[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := slot.lease; old != nil {
		s.retire(old, nil)
	}
	slot.lease, slot.starting, slot.settled = lease, nil, true
	s.notify()
}

// gone takes an instance that has ended or was retired out of its slot.
func (s *Supervisor[T]) gone(slot *slot[T], lease *Lease[T], reason error) {
	s.mu.Lock()
	idle := lease.load <= 0 && !lease.told
	s.retire(lease, reason)
	s.mu.Unlock()
	if reason != nil {
		s.failed(slot, reason, idle)
	}
}

// empty takes what is in a slot out of service for good.
func (s *Supervisor[T]) empty(slot *slot[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slot.lease != nil {
		s.retire(slot.lease, nil)
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
	if slot.failures == lostCause && slot.lease == nil {
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
