// Package retry waits: for something to end, and before the next attempt. There is one back-off:
// 50 ms doubling to 2 s, with jitter. The platform's own sample waits 50 ms after a failed poll.
package retry

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	first = 50 * time.Millisecond
	last  = 2 * time.Second
)

// Backoff says how long to wait before the next try. The zero value is ready.
type Backoff struct{ exponential *backoff.ExponentialBackOff }

// Next returns how long to wait now. It never says to give up.
func (b *Backoff) Next() time.Duration {
	if b.exponential == nil {
		b.exponential = backoff.NewExponentialBackOff()
		b.exponential.InitialInterval = first
		b.exponential.Multiplier = 2
		b.exponential.MaxInterval = last
		b.exponential.Reset()
	}
	return b.exponential.NextBackOff()
}

// Reset forgets the failures so far.
func (b *Backoff) Reset() { b.exponential = nil }

// Wait waits for the time of Next. It returns false if ctx ends first.
func (b *Backoff) Wait(ctx context.Context) bool {
	return Pause(b.Next(), ctx.Done())
}

// Pause waits for d. It returns false if stop is closed first. It ignores stop if d is not
// positive.
func Pause(d time.Duration, stop <-chan struct{}) bool {
	return d <= 0 || !Await(context.Background(), stop, d)
}

// Await waits until done is closed. It returns false if patience passes or ctx ends first.
func Await(ctx context.Context, done <-chan struct{}, patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	select {
	case <-done: // and the other one too
		return true
	default:
		return false
	}
}
