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
	timer := time.NewTimer(b.Next())
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
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
