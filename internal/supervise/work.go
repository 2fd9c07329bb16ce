package supervise

import "context"

// TryAcquire gives work to the instance that has least. It returns nil if none can take
// it now.
func (s *Supervisor[T]) TryAcquire() *Lease[T] {
	s.monitor.Lock()
	defer s.monitor.Unlock()
	return s.assign()
}

// Acquire gives work to the instance that has least, and waits for one until ctx ends.
// Its error is ctx's or a *LostCause.
func (s *Supervisor[T]) Acquire(ctx context.Context) (*Lease[T], error) {
	var lease *Lease[T]
	var lost *LostCause
	err := s.monitor.until(ctx, func() bool {
		if lease = s.assign(); lease == nil {
			lost = s.lost()
		}
		return lease != nil || lost != nil
	})
	if lost != nil {
		return nil, lost
	}
	return lease, err
}

// assign is TryAcquire with the monitor locked.
func (s *Supervisor[T]) assign() *Lease[T] {
	lease := s.best()
	if lease == nil {
		return nil
	}
	lease.load++
	if lease.served++; lease.served == s.Limit {
		close(lease.spent)
	}
	return lease
}

// best returns the instance in service with the least work, or nil.
func (s *Supervisor[T]) best() *Lease[T] {
	var best *Lease[T]
	preferred := s.Prefer == nil
	for _, slot := range s.slots {
		lease := slot.lease
		if lease == nil || lease.load >= s.Capacity || best != nil && (best.load < lease.load || best.load == lease.load && preferred) {
			continue
		}
		select {
		case <-lease.Instance.Ended(): // its keeper has yet to see it, or awaits its successor
			lease.retire(lease.Instance.Reason())
			continue
		default:
		}
		can := s.Prefer == nil || lease.load == 0 && s.Prefer(lease.Instance)
		if best == nil || lease.load < best.load || can {
			best, preferred = lease, can
		}
	}
	return best
}

// lost says why waiting is of no use: every slot has failed too often.
func (s *Supervisor[T]) lost() (lost *LostCause) {
	for _, slot := range s.slots {
		if slot.lease != nil || slot.failures.inARow < tooMany {
			return nil
		}
		lost = &LostCause{Failures: slot.failures.inARow, Reason: slot.failures.last}
	}
	return lost
}

// Release takes work back. done says that the instance has dealt with it, which is a
// success of the instance whatever came of the work. If it was not done, its owner
// reports why.
func (s *Supervisor[T]) Release(lease *Lease[T], done bool) {
	s.monitor.Lock()
	defer s.monitor.Unlock()
	lease.load--
	lease.reported = lease.reported || !done
	// What an old instance can do says nothing of a successor that has failed since.
	if done && lease.startedAfter == lease.slot.failures.ever {
		lease.slot.failures.recovered()
	}
	lease.dismiss()
	s.monitor.notify()
}

// Retire takes an instance out of service; it is stopped when it has no work left. cause
// is the failure that this is, which the caller reports, or nil. others is how much work
// it has besides the caller's and that of others who have retired it.
func (s *Supervisor[T]) Retire(lease *Lease[T], cause error) (others int) {
	s.monitor.Lock()
	defer s.monitor.Unlock()
	lease.reported = true
	lease.leaving++
	lease.retire(cause)
	return lease.load - lease.leaving
}

// Lease is an instance together with the work it has. A caller that has acquired one has work in
// it and returns it by Release. The methods want the monitor locked.
type Lease[T Instance] struct {
	Instance T

	slot         *slot[T]
	startedAfter int // slot.failures.ever when it was started
	load         int // work in hand
	served       int // work taken so far
	leaving      int // work whose owner has retired it
	retired      bool
	reported     bool          // an owner of work reports how it failed
	cause        error         // the failure for which it was retired; valid once leave is closed
	leave        chan struct{} // closed when it is retired
	spent        chan struct{} // closed when it has taken Limit work
}

// retire takes the instance out of service, for a failure or for nil. The first call counts.
func (l *Lease[T]) retire(cause error) {
	if l.retired {
		return
	}
	l.retired, l.cause = true, cause
	close(l.leave)
	if l.slot.lease == l {
		l.slot.lease = nil
	}
	l.dismiss()
}

// dismiss stops an instance that is out of service and has no work. Close waits for it. It
// takes no more work, so that this happens once.
func (l *Lease[T]) dismiss() {
	if l.retired && l.load == 0 {
		l.slot.leavers.Go(l.Instance.Stop)
	}
}
