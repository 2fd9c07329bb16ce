package pipe

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fgbootstrap/internal/procfs"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// The policy of spares is tested without processes, in the time of testing/synctest: a wait
// of an hour takes nothing, and "not before 5 ms" is exact.

const (
	pause    = time.Second           // a poll that waited so long: events have gaps
	blink    = time.Nanosecond       // the shortest time
	mb       = int64(1 << 20)        // bytes
	grace    = 2 * time.Second       // what a spare has to end
	toSettle = (calm + 1) * settling // how long a spare takes to settle that does nothing
)

// fakeSpare is a spare without a process.
type fakeSpare struct {
	number int // 1 for the first that was started
	began  time.Time
	done   chan struct{}

	mu      sync.Mutex
	plan    plan
	looks   int // how often it was measured
	taken   bool
	cleaned int // how often what it held was given back
}

// plan is what a fakeSpare does. Whatever is zero takes no time.
type plan struct {
	// Sample is what a look finds; the first look is 1. Without it the spare settles with
	// 10 MB of its own and 2 MB that are shared.
	Sample func(look int) procfs.Sample
	Peak   int64
	// Dismiss and Epitaph are how long those take.
	Dismiss, Epitaph time.Duration
}

func (p *fakeSpare) Done() <-chan struct{} { return p.done }

func (p *fakeSpare) StartedAt() time.Time { return p.began }

func (p *fakeSpare) Measure() procfs.Sample {
	p.mu.Lock()
	p.looks++
	look, sample := p.looks, p.plan.Sample
	p.mu.Unlock()
	if sample == nil {
		return procfs.Sample{Own: 10 * mb, Shared: 2 * mb}
	}
	return sample(look)
}

func (p *fakeSpare) Peak() int64 {
	if !p.ended() {
		panic("the peak of a spare that has not ended")
	}
	return p.plan.Peak
}

func (p *fakeSpare) Dismiss() {
	time.Sleep(p.plan.Dismiss)
	p.end()
	p.clean()
}

func (p *fakeSpare) Epitaph() string {
	if !p.ended() {
		panic("the epitaph of a spare that has not ended")
	}
	time.Sleep(p.plan.Epitaph)
	p.clean()
	return fmt.Sprintf("Number %d is gone.", p.number)
}

// end is its exit.
func (p *fakeSpare) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended() {
		close(p.done)
	}
}

func (p *fakeSpare) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *fakeSpare) clean() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cleaned++
}

// fixture is a policy at work and what it has done.
type fixture struct {
	t      *testing.T
	spares *spares[*fakeSpare]
	logs   *observer.ObservedLogs

	mu       sync.Mutex
	plan     plan          // of those that are started from now on
	takes    time.Duration // how long a start takes
	err      error         // why none can be started
	starting bool
	tries    []time.Time // of starts, when they began
	started  []*fakeSpare
}

// withSpares runs a test with spares of which none is started yet. At its end all have to
// be gone, with what they held, and the log must have been asked for.
func withSpares(t *testing.T, p policy[*fakeSpare], test func(f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.DebugLevel)
		f := &fixture{t: t, logs: logs}
		p.Start, p.Log = f.start, zap.New(core)
		if p.Grace == 0 {
			p.Grace = grace
		}
		f.spares = newSpares(p)
		test(f)
		f.close()
	})
}

// start is policy.Start.
func (f *fixture) start() (*fakeSpare, error) {
	f.mu.Lock()
	if f.starting {
		f.t.Error("two are started at once")
	}
	f.starting = true
	f.tries = append(f.tries, time.Now())
	takes := f.takes
	f.mu.Unlock()
	time.Sleep(takes)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.starting = false
	if f.err != nil {
		return nil, f.err
	}
	p := &fakeSpare{number: len(f.started) + 1, began: time.Now(), done: make(chan struct{}), plan: f.plan}
	f.started = append(f.started, p)
	return p, nil
}

// script says how long the next starts take, why they fail if they do, and what the spares do.
func (f *fixture) script(takes time.Duration, err error, next plan) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.takes, f.err, f.plan = takes, err, next
}

// report is an event's report, and what comes of it at once.
func (f *fixture) report() {
	f.spares.reported()
	synctest.Wait()
}

// sleep lets time pass, up to and with what happens at its end.
func (f *fixture) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// take takes a spare for an event; its number is 0 if there is none.
func (f *fixture) take() *fakeSpare {
	p, ok := f.spares.take()
	if !ok {
		return &fakeSpare{done: make(chan struct{})}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken {
		f.t.Errorf("number %d is taken twice", p.number)
	}
	p.taken = true
	return p
}

// begin begins an event that the poll has waited for.
func (f *fixture) begin(waited time.Duration) *fakeSpare {
	time.Sleep(waited)
	p := f.take()
	f.spares.begun(waited)
	synctest.Wait()
	return p
}

// event is an event from its poll to its report.
func (f *fixture) event(waited, takes time.Duration) (number int) {
	p := f.begin(waited)
	f.sleep(takes)
	p.end()
	f.report()
	return p.number
}

// tried holds how often a start was tried so far.
func (f *fixture) tried(want int) {
	f.t.Helper()
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.tries) != want {
		f.t.Errorf("%d starts were tried, want %d", len(f.tries), want)
	}
}

// waiting holds the numbers of the spares that live and have no event.
func (f *fixture) waiting(want ...int) {
	f.t.Helper()
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	var got []int
	for _, p := range f.started {
		if !p.taken && !p.ended() {
			got = append(got, p.number)
		}
	}
	if !slices.Equal(got, want) {
		f.t.Errorf("%v wait, want %v", got, want)
	}
}

// number is a spare that was started.
func (f *fixture) number(n int) *fakeSpare {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.started[n-1]
}

// latest is the spare that was started last.
func (f *fixture) latest() *fakeSpare {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.started[len(f.started)-1]
}

// exit ends those that have such numbers, and lets happen what comes of it at once.
func (f *fixture) exit(numbers ...int) {
	for _, n := range numbers {
		f.number(n).end()
	}
	synctest.Wait()
}

// logged holds what was logged since it was asked last: each line has a level and words.
func (f *fixture) logged(want ...string) {
	f.t.Helper()
	synctest.Wait()
	var got []string
	for _, entry := range f.logs.TakeAll() {
		got = append(got, entry.Level.CapitalString()+" "+entry.Message)
	}
	if !slices.EqualFunc(got, want, matches) {
		f.t.Errorf("logged\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// matches tells whether a line has all the parts of want, in order; an ellipsis is between
// them.
func matches(line, want string) bool {
	for part := range strings.SplitSeq(want, "...") {
		_, after, found := strings.Cut(line, part)
		if !found {
			return false
		}
		line = after
	}
	return true
}

// shutdown ends the spares, and holds how long that takes.
func (f *fixture) shutdown(want time.Duration) {
	f.t.Helper()
	began := time.Now()
	f.spares.shutdown()
	if took := time.Since(began); took != want {
		f.t.Errorf("the shutdown took %s, want %s", took, want)
	}
	f.sleep(0)
}

// close ends what is left, and holds that everything was given back once.
func (f *fixture) close() {
	f.t.Helper()
	f.mu.Lock()
	for _, p := range f.started {
		if p.taken {
			p.end()
		}
	}
	f.mu.Unlock()
	f.spares.mu.Lock()
	closed := f.spares.closed
	f.spares.mu.Unlock()
	if !closed {
		f.spares.shutdown()
	}
	f.waiting()
	f.logged()
	for _, p := range f.started {
		want := 1
		if p.taken {
			want = 0 // that is the event's to do
		}
		if p.cleaned != want {
			f.t.Errorf("what number %d held was given back %d times, want %d", p.number, p.cleaned, want)
		}
	}
}

// backOff is the wait after so many failures: 50 ms doubling to 2 s. The jitter is a half.
func backOff(failures int) time.Duration {
	return min(50*time.Millisecond<<(failures-1), 2*time.Second)
}

// retried holds that each start after the n-th was tried with the back-off's wait, the first
// of them with that after so many failures.
func (f *fixture) retried(n, failures int) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.tries) < n+5 {
		f.t.Errorf("only %d starts were tried", len(f.tries))
	}
	for i := n; i < len(f.tries); i++ {
		wait, got := backOff(failures), f.tries[i].Sub(f.tries[i-1])
		if got < wait/2 || got > wait*3/2+blink {
			f.t.Errorf("start %d came after %s, want %s give or take a half", i+1, got, wait)
		}
		failures = min(failures+1, 10)
	}
}

// backsOff holds that the next start comes after the back-off's wait, which has just begun.
func (f *fixture) backsOff(failures int) {
	f.t.Helper()
	wait := backOff(failures)
	f.mu.Lock()
	before := len(f.tries)
	f.mu.Unlock()
	f.sleep(wait/2 - blink)
	f.report()
	f.tried(before)
	f.sleep(wait + 2*blink) // the library's waits end a nanosecond late
	f.tried(before + 1)
}
