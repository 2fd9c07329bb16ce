// Package retry holds how this program waits: for what is to end, and before it tries
// again. There is one back-off: 50 ms doubling to 2 s,
// with jitter. The platform's own sample waits 50 ms after a failed poll.
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

// Next is the time to wait now; it never says to give up.
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

// Wait waits for Next, or until ctx ends: then it returns false.
func (b *Backoff) Wait(ctx context.Context) bool {
	return Pause(b.Next(), ctx.Done())
}

// Pause waits for d, or until stop is closed: then it returns false. It does not look at
// stop if d is not positive.
func Pause(d time.Duration, stop <-chan struct{}) bool {
	return d <= 0 || !Await(context.Background(), stop, d)
}

// Await waits until done is closed. It is false if that takes longer than patience, or
// beyond the end of ctx.
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
