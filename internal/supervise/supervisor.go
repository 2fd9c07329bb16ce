// Package supervise keeps instances of a program running and hands out work to them. It
// knows neither processes nor events: an Instance is whatever can be ready and can end.
package supervise

import (
	"context"
	"fmt"
	"sync"
	"time"

	"fgbootstrap/internal/retry"

	"go.uber.org/zap"
)

const (
	// startPatience is how long an instance may take to be ready: the longest
	// time that FunctionGraph gives an initializer. One that is stuck would
	// otherwise be waited for as long as we live.
	startPatience = 300 * time.Second
	// lostCause is how many failures in a row it takes until work is refused
	// while there is no instance, instead of waiting for the next.
	lostCause = 5
)

// Instance is one start of a program that a Supervisor keeps running.
type Instance interface {
	comparable
	// Ready is closed when it can take work.
	Ready() <-chan struct{}
	// Ended is closed when it has ended and everything it printed is read.
	Ended() <-chan struct{}
	// Reason is how it ended; valid once Ended is closed.
	Reason() error
	// Stop asks it to end, ends it after a while and gives back what it holds.
	// It is called once, when it has no work any more, also if it has ended.
	Stop()
}

// Supervisor keeps instances of a program running and hands out work to them.
// Whatever happens to them, it starts others: at once after the first failure,
// then with the back-off of this program, which work that succeeds resets. It
// never gives up.
type Supervisor[T Instance] struct {
	// Start starts an instance, which may take a while to be ready.
	Start func() (T, error)
	// Count is how many are kept, Capacity how much work one takes at a time.
	Count, Capacity int
	// Limit is after how much work an instance is replaced, its successor being
	// ready first; 0 is never.
	Limit int
	Log   *zap.Logger

	mu      sync.Mutex
	slots   []*slot[T]
	changed chan struct{} // made by who waits, closed when that may be over
	closing chan struct{}
	keepers sync.WaitGroup // a goroutine for each slot
	leavers sync.WaitGroup // and one for each instance that is being stopped
}

// slot is the place of one instance at a time.
type slot[T Instance] struct {
	lease     *Lease[T] // in service; nil while there is none
	starting *Lease[T] // not ready yet
	settled  bool     // the first start has succeeded or failed
	failures int      // in a row
	ever     int      // failures so far
	reason   error    // of the last one
	logged   string
	pace     retry.Backoff
}

// Lease is an instance with the work it has.
type Lease[T Instance] struct {
	Instance T
	slot     *slot[T]
	load     int // work in hand
	served   int // work taken so far
	born     int // slot.ever when it was started
	leaving  int // work whose owner has retired it
	retired  bool
	told     bool          // whoever had work in it tells how it failed
	blame    error         // why it was retired, if that is a failure
	leave    chan struct{} // closed when retired
	spent    chan struct{} // closed when Limit is reached
}

// LostCause is why work was refused: the program fails again and again.
type LostCause struct {
	Failures int
	Reason   error // of the last one
}

func (l *LostCause) Error() string {
	return fmt.Sprintf("failed %d times in a row: %v", l.Failures, l.Reason)
}

func (l *LostCause) Unwrap() error { return l.Reason }

// Run begins to keep the instances; Close ends it.
func (s *Supervisor[T]) Run() {
	s.closing = make(chan struct{})
	for range s.Count {
		slot := &slot[T]{}
		s.slots = append(s.slots, slot)
		s.keepers.Go(func() { s.keep(slot) })
	}
}

// Settle waits until every instance is ready or has failed once, or ctx ends.
func (s *Supervisor[T]) Settle(ctx context.Context) {
	for {
		s.mu.Lock()
		settled, changed := true, s.change()
		for _, slot := range s.slots {
			settled = settled && slot.settled
		}
		s.mu.Unlock()
		if settled {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// TryAcquire gives the work to the instance that has least; nil if none can have it now.
func (s *Supervisor[T]) TryAcquire() *Lease[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tryAcquire()
}

func (s *Supervisor[T]) tryAcquire() *Lease[T] {
	lease := s.best()
	if lease != nil {
		s.take(lease)
	}
	return lease
}

// Acquire gives the work to the instance that has least, and waits for one
// until ctx ends. Its error is ctx's or a *LostCause.
func (s *Supervisor[T]) Acquire(ctx context.Context) (*Lease[T], error) {
	for {
		s.mu.Lock()
		lease := s.tryAcquire()
		if lease != nil {
			s.mu.Unlock()
			return lease, nil
		}
		lost, changed := s.lost(), s.change()
		s.mu.Unlock()
		if lost != nil {
			return nil, lost
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// best is the instance in service with the least work, or nil.
func (s *Supervisor[T]) best() *Lease[T] {
	var best *Lease[T]
	for _, slot := range s.slots {
		lease := slot.lease
		if lease == nil || lease.retired || lease.load >= s.Capacity || best != nil && best.load <= lease.load {
			continue
		}
		select {
		case <-lease.Instance.Ended(): // its keeper does not know yet, or waits for its successor
			s.retire(lease, lease.Instance.Reason())
		default:
			best = lease
		}
	}
	return best
}

func (s *Supervisor[T]) take(lease *Lease[T]) {
	lease.load++
	if lease.served++; lease.served == s.Limit {
		close(lease.spent)
	}
}

// lost is why there is nothing to wait for: every slot has failed too often.
func (s *Supervisor[T]) lost() error {
	var lost *LostCause
	for _, slot := range s.slots {
		if slot.lease != nil || slot.failures < lostCause {
			return nil
		}
		lost = &LostCause{Failures: slot.failures, Reason: slot.reason}
	}
	return lost
}

// Waiting is what Acquire waits for: an instance that is not ready yet, if there
// is one, and the last failure.
func (s *Supervisor[T]) Waiting() (starting T, reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, slot := range s.slots {
		if slot.starting != nil && slot.lease == nil {
			starting = slot.starting.Instance
		}
		if slot.reason != nil {
			reason = slot.reason
		}
	}
	return starting, reason
}

// Release takes work back. done says that it was done, which is a success for
// the instance whatever the work's own outcome is.
func (s *Supervisor[T]) Release(lease *Lease[T], done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lease.load--
	lease.told = lease.told || !done
	// What an old instance can do says nothing of a successor that has failed since.
	if done && lease.slot.failures > 0 && lease.born == lease.slot.ever {
		s.recovered(lease.slot)
	}
	s.dismiss(lease)
	s.notify()
}

func (s *Supervisor[T]) recovered(slot *slot[T]) {
	if slot.logged != "" {
		s.Log.Info("the program works again", zap.Int("failures", slot.failures))
	}
	slot.failures, slot.reason, slot.logged = 0, nil, ""
	slot.pace.Reset()
}

// Retire takes an instance out of service; it ends when it has no work any more.
// blame is the failure that this is, or nil. others is how much work it has
// besides the caller's and that of others who have retired it, too.
func (s *Supervisor[T]) Retire(lease *Lease[T], blame error) (others int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lease.told = true
	lease.leaving++
	s.retire(lease, blame)
	return lease.load - lease.leaving
}

func (s *Supervisor[T]) retire(lease *Lease[T], blame error) {
	if lease.retired {
		return
	}
	lease.retired, lease.blame = true, blame
	close(lease.leave)
	if lease.slot.lease == lease {
		lease.slot.lease = nil
	}
	s.dismiss(lease)
}

// dismiss stops an instance that is out of service and has no work.
func (s *Supervisor[T]) dismiss(lease *Lease[T]) {
	if lease.retired && lease.load == 0 {
		lease.load = -1 // once
		s.leavers.Go(lease.Instance.Stop)
	}
}

// change is closed at the next notify. s.mu is held, as it is for notify.
func (s *Supervisor[T]) change() <-chan struct{} {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

// notify wakes whoever waits.
func (s *Supervisor[T]) notify() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// Close stops all instances, each in its own time, and waits for them. No work
// may be in hand and none may follow.
func (s *Supervisor[T]) Close() {
	close(s.closing)
	s.keepers.Wait()
	s.leavers.Wait()
}
