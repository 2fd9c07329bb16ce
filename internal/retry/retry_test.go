package retry_test

import (
	"context"
	"testing"
	"time"

	"fgbootstrap/internal/retry"
)

// within holds a wait to the jitter of half up or down.
func within(t *testing.T, step int, got, want time.Duration) {
	t.Helper()
	if got < want/2 || got > want*3/2 {
		t.Errorf("step %d: %s, want %s give or take a half", step, got, want)
	}
}

func TestTheWaitDoublesFrom50MillisecondsTo2Seconds(t *testing.T) {
	for range 50 {
		var b retry.Backoff
		want := 50 * time.Millisecond
		for step := range 30 {
			within(t, step, b.Next(), want)
			want = min(2*want, 2*time.Second)
		}
	}
}

func TestTheWaitHasJitter(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 20 {
		var b retry.Backoff
		seen[b.Next()] = true
	}
	if len(seen) < 2 {
		t.Error("twenty first waits are the same")
	}
}

func TestResetForgetsTheFailures(t *testing.T) {
	var b retry.Backoff
	b.Reset()
	for range 10 {
		b.Next()
	}
	b.Reset()
	within(t, 0, b.Next(), 50*time.Millisecond)
	within(t, 1, b.Next(), 100*time.Millisecond)
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	var b retry.Backoff
	for range 10 {
		b.Next() // so that a wait takes a second
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if b.Wait(ctx) {
		t.Error("a wait went on after its context")
	}
	b.Reset()
	if !b.Wait(t.Context()) {
		t.Error("a wait was cut short")
	}
}
