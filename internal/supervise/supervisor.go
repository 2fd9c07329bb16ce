// Package supervise keeps instances of a program running and hands out work to them. It
// knows neither processes nor events: an Instance is whatever can be ready and can end.
// docs/adr/0010 has the rules and their reasons.
package supervise

import (
	"context"
	"sync"

	"go.uber.org/zap"
)

// Instance is one start of a program that a Supervisor keeps running.
type Instance interface {
	comparable
	// Ready is closed when it can take work.
	Ready() <-chan struct{}
	// Ended is closed when it has ended and everything it printed is read.
	Ended() <-chan struct{}
	// Reason says how it ended; it is valid once Ended is closed. The supervisor calls it
	// with its lock held.
	Reason() error
	// Stop asks it to end, ends it after a while and gives back what it holds. It is
	// called once, when the instance has no work left, even if it has ended by itself.
	Stop()
}

// Supervisor keeps instances of a program running and hands out work to them. Whatever
// happens to an instance, it starts another: at once after the first failure, then with a
// back-off that successful work resets. It never gives up.
type Supervisor[T Instance] struct {
	// Start starts an instance, which may take a while to be ready. Each of the Count
	// slots calls it from a goroutine of its own.
	Start func() (T, error)
	// Count is how many instances are kept, Capacity how much work one takes at a time.
	Count, Capacity int
	// Limit is after how much work an instance is replaced by a successor, which is ready
	// before the instance leaves; 0 means never.
	Limit int
	// Prefer reports whether an instance without work can take some at once: of several that
	// have none such a one comes first. nil means that all can. It is called with the lock
	// held.
	Prefer func(T) bool
	Log    *zap.Logger

	monitor monitor // guards slots, their leases and failures
	slots   []*slot[T]
	stop    context.CancelFunc // ends the keepers
	keepers sync.WaitGroup     // one goroutine for each slot
	leavers sync.WaitGroup     // one goroutine for each instance that is being stopped
}

// slot is the place of one instance at a time.
type slot[T Instance] struct {
	lease    *Lease[T] // in service; nil while there is none
	starting *Lease[T] // not ready yet
	settled  bool      // the first start has succeeded or failed
	failures failures
	leavers  *sync.WaitGroup // the supervisor's
}

// Run begins to keep the instances; Close ends it.
func (s *Supervisor[T]) Run() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	for range s.Count {
		slot := &slot[T]{failures: failures{log: s.Log}, leavers: &s.leavers}
		s.slots = append(s.slots, slot)
		keeper := &keeper[T]{launch: s.Start, slot: slot, monitor: &s.monitor}
		s.keepers.Go(func() { keeper.run(ctx) })
	}
}

// Settle waits until every instance is ready or has failed once, or ctx ends.
func (s *Supervisor[T]) Settle(ctx context.Context) {
	_ = s.monitor.until(ctx, func() bool {
		for _, slot := range s.slots {
			if !slot.settled {
				return false
			}
		}
		return true
	})
}

// Waiting says what Acquire waits for: an instance that is not ready yet, if there is
// one, and the last failure.
func (s *Supervisor[T]) Waiting() (starting T, reason error) {
	s.monitor.Lock()
	defer s.monitor.Unlock()
	for _, slot := range s.slots {
		if slot.starting != nil && slot.lease == nil {
			starting = slot.starting.Instance
		}
		if slot.failures.last != nil {
			reason = slot.failures.last
		}
	}
	return starting, reason
}

// Close stops all instances, each in its own time, and waits for them. No work may be in
// hand and none may follow.
func (s *Supervisor[T]) Close() {
	s.stop()
	s.keepers.Wait() // they retire what is in their slots
	s.leavers.Wait()
}

// monitor is a lock together with the news that what it guards has changed. Unlike a
// sync.Cond it lets a context end the wait.
type monitor struct {
	sync.Mutex
	changed chan struct{} // made by a waiter, closed by notify; nil while there is none
}

// until calls done with the lock held, now and after each change, until it returns true or
// ctx ends. The error is ctx's.
func (m *monitor) until(ctx context.Context, done func() bool) error {
	for {
		m.Lock()
		if done() {
			m.Unlock()
			return nil
		}
		if m.changed == nil {
			m.changed = make(chan struct{})
		}
		changed := m.changed
		m.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// notify wakes all that wait. The lock is held.
func (m *monitor) notify() {
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}
