package supervise_test

import (
	"context"
	"errors"
	"slices"
	"testing/synctest"
	"time"

	"fgbootstrap/internal/supervise"
)

// started holds how many starts there were, failed or not.
func (f *fixture) started(want int) {
	f.Helper()
	if got := len(f.startTimes()); got != want {
		f.Fatalf("%d starts, want %d", got, want)
	}
}

// stopped holds whether the nth program was stopped.
func (f *fixture) stopped(n int, want bool) {
	f.Helper()
	if got := f.program(n).stops.Load() > 0; got != want {
		f.Fatalf("program %d was stopped: %v", n, got)
	}
}

// logged holds all lines of the log.
func (f *fixture) logged(want ...string) {
	f.Helper()
	var got []string
	for _, entry := range f.logs.All() {
		got = append(got, entry.Level.CapitalString()+" "+entry.Message)
	}
	if !slices.Equal(got, want) {
		f.Errorf("the log is %q, want %q", got, want)
	}
}

// lastFailure holds what Waiting says of it.
func (f *fixture) lastFailure(want error) {
	f.Helper()
	if _, got := f.supervisor.Waiting(); !errors.Is(got, want) {
		f.Errorf("the last failure is %v, want %v", got, want)
	}
}

// outcome is what Acquire returned.
type outcome struct {
	lease *supervise.Lease[*program]
	err   error
	took  time.Duration
}

// acquiring begins an Acquire of so much patience.
func (f *fixture) acquiring(patience time.Duration) <-chan outcome {
	result := make(chan outcome, 1)
	began := time.Now()
	go func() { // ends with its patience at the latest; the bubble waits for it
		ctx, cancel := context.WithTimeout(f.Context(), patience)
		defer cancel()
		lease, err := f.supervisor.Acquire(ctx)
		result <- outcome{lease, err, time.Since(began)}
	}()
	synctest.Wait()
	return result
}

// waits holds that an Acquire has not returned.
func (f *fixture) waits(result <-chan outcome) {
	f.Helper()
	select {
	case got := <-result:
		f.Fatalf("Acquire did not wait: %+v", got)
	default:
	}
}

// has returns the lease that an Acquire has just returned.
func (f *fixture) has(result <-chan outcome) *supervise.Lease[*program] {
	f.Helper()
	select {
	case got := <-result:
		if got.err != nil {
			f.Fatal(got.err)
		}
		return got.lease
	default:
		f.Fatal("Acquire still waits")
		return nil
	}
}

// refuses holds that work is refused at once because of so many failures.
func (f *fixture) refuses(failures int, reason error) {
	f.Helper()
	got := <-f.acquiring(time.Hour)
	var lost *supervise.LostCause
	if !errors.As(got.err, &lost) || lost.Failures != failures || !errors.Is(lost.Reason, reason) || got.took != 0 {
		f.Fatalf("got %+v, want a refusal after %d failures", got, failures)
	}
}

// holds holds that got is want give or take the half of it, as the jitter is.
func (f *fixture) holds(got, want time.Duration) {
	f.Helper()
	if got < want/2 || got > want*3/2 {
		f.Errorf("got %s, want %s give or take a half", got, want)
	}
}

// backedOff holds the times of starts after a failure, each of which fails too: the first
// comes at once, the second after 50 ms, and that doubles to 2 s.
func (f *fixture) backedOff(failure time.Time, starts []time.Time) {
	f.Helper()
	if got := starts[0].Sub(failure); got != 0 {
		f.Errorf("the first start after a failure came after %s", got)
	}
	want := 50 * time.Millisecond
	for n, start := range starts[1:] {
		f.holds(start.Sub(starts[n]), want)
		want = min(2*want, 2*time.Second)
	}
	if len(starts) < 15 {
		f.Errorf("only %d starts after a failure", len(starts))
	}
}
