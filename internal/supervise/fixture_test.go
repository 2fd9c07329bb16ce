package supervise_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fgbootstrap/internal/supervise"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// limits are those of a Supervisor. Count and capacity are 1 unless they are set.
type limits struct{ count, capacity, limit int }

// fixture is a Supervisor whose programs and whose clock are the test's.
type fixture struct {
	*testing.T
	supervisor supervise.Supervisor[*program]
	logs       *observer.ObservedLogs
	ended      bool // Close was called

	mu       sync.Mutex
	onStart  func(*program) error
	starts   []time.Time // also of those that failed
	programs []*program
}

// supervised runs a test in a bubble: time passes when all goroutines wait, and a goroutine
// that outlives the test fails it. onStart is what each start does; nil leaves the program
// as one that is not ready.
func supervised(t *testing.T, l limits, onStart func(*program) error, test func(f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		f := &fixture{T: t, logs: logs, onStart: onStart}
		f.supervisor = supervise.Supervisor[*program]{
			Start: f.start, Count: max(l.count, 1), Capacity: max(l.capacity, 1), Limit: l.limit, Log: zap.New(core),
		}
		f.supervisor.Run()
		t.Cleanup(f.stoppedOnce) // also after a Fatal, or the bubble would hide it by a panic
		synctest.Wait()
		test(f)
	})
}

// stoppedOnce closes the supervisor and holds that every program was stopped once.
func (f *fixture) stoppedOnce() {
	f.close()
	for n, p := range f.programs {
		if stops := p.stops.Load(); stops != 1 && !f.Failed() {
			f.Errorf("program %d was stopped %d times", n, stops)
		}
	}
}

func (f *fixture) start() (*program, error) {
	f.mu.Lock()
	onStart := f.onStart
	f.starts = append(f.starts, time.Now())
	f.mu.Unlock()
	p := newProgram()
	if onStart != nil {
		if err := onStart(p); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.programs = append(f.programs, p)
	return p, nil
}

// close is Close, once.
func (f *fixture) close() {
	if !f.ended {
		f.ended = true
		f.supervisor.Close()
	}
}

// next says what the starts from now on do.
func (f *fixture) next(onStart func(*program) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onStart = onStart
}

// program returns the nth that was started, from 0.
func (f *fixture) program(n int) *program {
	f.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if n >= len(f.programs) {
		f.Fatalf("only %d programs are started", len(f.programs))
	}
	return f.programs[n]
}

func (f *fixture) startTimes() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.starts)
}

// becomes runs change and lets everything that follows from it happen.
func (f *fixture) becomes(change func()) {
	change()
	synctest.Wait()
}

func (f *fixture) becomesReady(n int) {
	f.Helper()
	p := f.program(n)
	f.becomes(func() { close(p.ready) })
}

func (f *fixture) ends(n int, reason error) {
	f.Helper()
	p := f.program(n)
	f.becomes(func() { p.end(reason) })
}

// takes gives work to a program, which has to be the nth.
func (f *fixture) takes(n int) *supervise.Lease[*program] {
	f.Helper()
	lease := f.supervisor.TryAcquire()
	synctest.Wait()
	if lease == nil {
		f.Fatalf("no program takes work, want number %d", n)
	}
	if lease.Instance != f.program(n) {
		f.Fatalf("program %d takes the work, want number %d", slices.Index(f.programs, lease.Instance), n)
	}
	return lease
}

func (f *fixture) takesNothing() {
	f.Helper()
	if lease := f.supervisor.TryAcquire(); lease != nil {
		f.Fatal("there is a program that takes work")
	}
	synctest.Wait()
}

func (f *fixture) releases(lease *supervise.Lease[*program], done bool) {
	f.becomes(func() { f.supervisor.Release(lease, done) })
}

// retires holds how much work of others the lease's program has.
func (f *fixture) retires(lease *supervise.Lease[*program], cause error, others int) {
	f.Helper()
	if got := f.supervisor.Retire(lease, cause); got != others {
		f.Errorf("%d others have work in it, want %d", got, others)
	}
	synctest.Wait()
}

// passes lets so much time pass.
func (f *fixture) passes(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
