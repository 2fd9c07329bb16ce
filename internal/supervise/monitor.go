package supervise

import (
	"context"
	"sync"
)

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
		changed := m.check(done)
		if changed == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// check returns what is closed at the next change, or nil if done returns true.
func (m *monitor) check(done func() bool) <-chan struct{} {
	m.Lock()
	defer m.Unlock()
	if done() {
		return nil
	}
	if m.changed == nil {
		m.changed = make(chan struct{})
	}
	return m.changed
}

// notify wakes all that wait. The lock is held.
func (m *monitor) notify() {
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}
