package supervise

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

func newLease[T Instance](slot *slot[T], instance T) *Lease[T] {
	return &Lease[T]{
		Instance: instance, slot: slot, startedAfter: slot.failures.ever,
		leave: make(chan struct{}), spent: make(chan struct{}),
	}
}

// take adds work. limit is the supervisor's.
func (l *Lease[T]) take(limit int) {
	l.load++
	if l.served++; l.served == limit {
		close(l.spent)
	}
}

// giveBack removes work. It ends the failures of the slot if it was done, unless a successor
// has failed since this instance was started: what an old one can do says nothing of that.
func (l *Lease[T]) giveBack(done bool) {
	l.load--
	l.reported = l.reported || !done
	if done && l.startedAfter == l.slot.failures.ever {
		l.slot.failures.recovered()
	}
	l.dismiss()
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
