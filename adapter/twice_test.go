package adapter_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// brokenOff is the payload of an event that did not arrive whole.
const brokenOff = "broken off"

// desk is a platform in memory that hands out what a test puts on it, to whichever poller comes.
type desk struct {
	events chan *adapter.Invocation
	taken  chan string // each report, as it comes
	// answer lets a report return; nil: at once.
	answer chan struct{}

	mu      sync.Mutex
	reports []string
}

func newDesk() *desk {
	return &desk{events: make(chan *adapter.Invocation), taken: make(chan string, 100)}
}

// hand hands out an event with this id and payload, once a poller is there.
func (d *desk) hand(t *testing.T, id, payload string) {
	t.Helper()
	now := time.Now()
	inv := &adapter.Invocation{ID: id, Payload: []byte(payload), Received: now, Deadline: now.Add(testkit.Patience), Expires: now.Add(testkit.Patience)}
	select {
	case d.events <- inv:
	case <-time.After(testkit.Patience):
		t.Error("waited in vain for a poller")
	}
}

func (d *desk) Next(ctx context.Context) (*adapter.Invocation, error) {
	select {
	case inv := <-d.events:
		if string(inv.Payload) == brokenOff {
			return inv, &adapter.Error{Type: adapter.TypeInternal, Message: brokenOff}
		}
		return inv, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (d *desk) Respond(_ context.Context, inv *adapter.Invocation, r *adapter.Response) error {
	body, _ := r.Whole()
	d.report(fmt.Sprintf("%s: %s", inv.ID, body))
	return nil
}

func (d *desk) Fail(_ context.Context, inv *adapter.Invocation, e *adapter.Error) error {
	d.report(fmt.Sprintf("%s: failed: %s", inv.ID, e.Message))
	return nil
}

func (d *desk) report(text string) {
	d.mu.Lock()
	d.reports = append(d.reports, text)
	d.mu.Unlock()
	d.taken <- text
	if d.answer != nil {
		<-d.answer
	}
}

// reported are all reports, in order.
func (d *desk) reported() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.reports)
}

// serve runs a loop with so many pollers of d until the test ends it.
func (d *desk) serve(t *testing.T, pollers int, invoke func(context.Context, *adapter.Invocation, io.Writer) error) (logs *observer.ObservedLogs, stop func()) {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	loop := &adapter.Loop{Handler: program{invoke: invoke}, Limit: 1 << 20, Grace: testkit.Patience, Log: zap.New(core)}
	for range pollers {
		loop.Pollers = append(loop.Pollers, d)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- loop.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := testkit.Await(t, done, "the loop's end"); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return logs, stop
}

func TestAnIDThatIsInFlightIsNotRunAgainAndGetsNoReportOfItsOwn(t *testing.T) {
	const pollers = 4
	d := newDesk()
	running, finish := make(chan string, 100), make(chan struct{})
	logs, stop := d.serve(t, pollers, func(ctx context.Context, inv *adapter.Invocation, out io.Writer) error {
		running <- string(inv.Payload)
		if inv.ID == "twice" {
			<-finish
		}
		return echo(ctx, inv, out)
	})
	d.hand(t, "twice", "the first")
	testkit.Await(t, running, "the event")
	for range 10 { // to every poller that is free, and again
		d.hand(t, "twice", "the second")
	}
	d.hand(t, "other", "another event") // none of the pollers is stuck
	if got := testkit.Await(t, running, "the other event"); got != "another event" {
		t.Errorf("%q runs", got)
	}
	testkit.Await(t, d.taken, "the other's outcome")
	close(finish)
	testkit.Await(t, d.taken, "the outcome")
	stop()
	if got := d.reported(); !slices.Equal(got, []string{"other: another event", "twice: the first"}) {
		t.Errorf("reports: %q", got)
	}
	warnings := logs.FilterLevelExact(zapcore.WarnLevel).All()
	if len(warnings) != 1 || warnings[0].ContextMap()["requestId"] != "twice" {
		t.Errorf("warnings: %+v", warnings)
	}
}

func TestARepetitionThatBreaksOffGetsNoReportEither(t *testing.T) {
	d := newDesk()
	running, finish := make(chan struct{}), make(chan struct{})
	_, stop := d.serve(t, 2, func(ctx context.Context, inv *adapter.Invocation, out io.Writer) error {
		close(running)
		<-finish
		return echo(ctx, inv, out)
	})
	d.hand(t, "twice", "whole")
	testkit.Await(t, running, "the event")
	d.hand(t, "twice", brokenOff)
	d.hand(t, "twice", brokenOff) // the poller has come for more
	close(finish)
	testkit.Await(t, d.taken, "the outcome")
	stop()
	if got := d.reported(); !slices.Equal(got, []string{"twice: whole"}) {
		t.Errorf("reports: %q", got)
	}
}

func TestAfterItsOutcomeAnIDMayComeAgain(t *testing.T) {
	d := newDesk()
	logs, stop := d.serve(t, 3, echo)
	for n := range 100 {
		payload := fmt.Sprint("try ", n)
		d.hand(t, "retried", payload)
		if got := testkit.Await(t, d.taken, "the outcome"); got != "retried: "+payload {
			t.Errorf("got %q", got)
		}
	}
	stop()
	if n := logs.FilterLevelExact(zapcore.WarnLevel).Len(); n != 0 {
		t.Errorf("%d warnings", n)
	}
}

// The retry comes by another connection, before the answer to the report of the first try.
func TestARetryThatOvertakesTheAnswerToTheReportIsRun(t *testing.T) {
	d := newDesk()
	d.answer = make(chan struct{})
	running := make(chan string, 10)
	d.serve(t, 2, func(_ context.Context, inv *adapter.Invocation, _ io.Writer) error {
		running <- string(inv.Payload)
		return &adapter.Error{Type: "Mine", Message: string(inv.Payload)}
	})
	d.hand(t, "retried", "first try")
	testkit.Await(t, d.taken, "the report")
	d.hand(t, "retried", "second try")
	d.answer <- struct{}{}
	if got := testkit.Await(t, d.taken, "the second report"); got != "retried: failed: second try" {
		t.Errorf("got %q", got)
	}
	d.answer <- struct{}{}
	for _, want := range []string{"first try", "second try"} {
		if got := testkit.Await(t, running, "the run"); got != want {
			t.Errorf("%q ran, not the %s", got, want)
		}
	}
}
