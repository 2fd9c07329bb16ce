package adapter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/secret"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"
	"fgbootstrap/runtimeapi/functiongraph"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// program is a Handler of two functions.
type program struct {
	invoke   func(ctx context.Context, inv *adapter.Invocation, w io.Writer) error
	reported func(inFlight int)
	shutdown func(ctx context.Context) error
}

func (p program) Invoke(ctx context.Context, inv *adapter.Invocation, w *adapter.Response) error {
	return p.invoke(ctx, inv, w)
}

func (p program) Reported(inFlight int) {
	if p.reported != nil {
		p.reported(inFlight)
	}
}

func (p program) Shutdown(ctx context.Context) error {
	if p.shutdown == nil {
		return nil
	}
	return p.shutdown(ctx)
}

func echo(_ context.Context, inv *adapter.Invocation, w io.Writer) error {
	_, err := w.Write(inv.Payload)
	return err
}

// world is a loop that runs against the local platform.
type world struct {
	t    *testing.T
	api  *api.Server
	logs *observer.ObservedLogs
	end  context.CancelFunc // of the loop, as a signal would
	done chan error         // how the loop ended
}

// begin runs l, of which the test sets what it is about, with so many pollers.
func begin(t *testing.T, l *adapter.Loop, pollers int, c api.Config, timeout time.Duration) *world {
	t.Helper()
	c.Timeout = testkit.Patience
	srv, err := api.New(c)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zapcore.DebugLevel)
	l.Log = zap.New(core)
	if l.Limit == 0 {
		l.Limit = 6 << 20
	}
	if l.Grace == 0 {
		l.Grace = testkit.Patience
	}
	for range pollers {
		l.Pollers = append(l.Pollers, functiongraph.New(functiongraph.Config{
			Addr: listener.Addr(), Timeout: timeout, Margin: timeout / 10, Log: l.Log,
		}))
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &world{t: t, api: srv, logs: logs, end: cancel, done: make(chan error, 1)}
	go func() { w.done <- l.Run(ctx) }()
	t.Cleanup(func() {
		_ = w.stop()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// stop ends the loop and waits for its end.
func (w *world) stop() error {
	w.end()
	err := testkit.Await(w.t, w.done, "the loop's end")
	w.done <- err // for the next one who asks
	return err
}

func (w *world) invoke(e api.Event) *api.Result {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	r, err := w.api.Invoke(ctx, e)
	if err != nil {
		w.t.Error(err)
		return &api.Result{}
	}
	return r
}

// invokeAside runs an event while the test goes on.
func (w *world) invokeAside(e api.Event) <-chan *api.Result {
	done := make(chan *api.Result, 1)
	go func() { done <- w.invoke(e) }()
	return done
}

func failureOf(t *testing.T, r *api.Result) (e adapter.Error) {
	t.Helper()
	if !r.Failed || r.Code != 0 {
		t.Errorf("not a failure of the function: %+v with %s", r, r.Payload)
	}
	if err := json.Unmarshal(r.Payload, &e); err != nil {
		t.Errorf("error report %q: %v", r.Payload, err)
	}
	return e
}

// behave does what the event says.
func behave(ctx context.Context, inv *adapter.Invocation, w io.Writer) error {
	switch what := string(inv.Payload); what {
	case "fail":
		return &adapter.Error{Type: "Mine", Message: "it failed", Stack: []string{"here"}, Cause: errors.New("inner")}
	case "write and fail":
		_, _ = io.WriteString(w, "half an answer")
		return &adapter.Error{Type: "Mine", Message: "it failed"}
	case "plain":
		return errors.New("a plain error")
	case "panic":
		panic("a panic")
	case "nil pointer":
		var none *adapter.Invocation
		_, _ = io.WriteString(w, none.ID)
		return nil
	case "too large":
		_, _ = w.Write(make([]byte, 7<<20))
		return nil
	default:
		return echo(ctx, inv, w)
	}
}

func TestEveryEventGetsOneOutcome(t *testing.T) {
	for _, streaming := range []bool{false, true} {
		w := begin(t, &adapter.Loop{Handler: program{invoke: behave}, Streaming: streaming}, 2, api.Config{Streaming: streaming}, testkit.Patience)
		for event, want := range map[string]string{
			"hello": "", "": "", "fail": "Mine", "write and fail": "Mine", "plain": adapter.TypeInternal,
			"panic": adapter.TypeInternal, "nil pointer": adapter.TypeInternal, "too large": adapter.TypeTooLarge,
		} {
			r := w.invoke(api.Event{Payload: []byte(event)})
			if want == "" {
				if r.Failed || string(r.Payload) != event {
					t.Errorf("%q: got %+v", event, r)
				}
			} else if f := failureOf(t, r); f.Type != want || f.Message == "" {
				t.Errorf("%q: got %s", event, r.Payload)
			}
			if n := len(w.api.Reports(r.RequestID)); n != 1 {
				t.Errorf("%q: %d reports", event, n)
			}
		}
		_ = w.stop()
		for text, where := range map[string]string{"a panic": "loop_test.go", "a plain error": "", "inner": "", "nil pointer": "loop_test.go"} {
			if !logged(w.logs, text, where) {
				t.Errorf("the log does not have %q with %q", text, where)
			}
		}
	}
}

// logged reports whether one entry holds all texts.
func logged(logs *observer.ObservedLogs, texts ...string) bool {
	for _, e := range logs.All() {
		line, all := fmt.Sprint(e.Message, e.ContextMap()), true
		for _, text := range texts {
			all = all && strings.Contains(line, text)
		}
		if all {
			return true
		}
	}
	return false
}

func TestARefusalAnswersEveryEventWithItsReason(t *testing.T) {
	reason := &adapter.Error{Type: adapter.TypeConfig, Message: "A setting is wrong.", Stack: []string{"BOOTSTRAP_MODE"}}
	w := begin(t, &adapter.Loop{Handler: adapter.Refusal{Reason: reason}}, 1, api.Config{}, testkit.Patience)
	for range 3 {
		if f := failureOf(t, w.invoke(api.Event{})); f.Type != reason.Type || f.Message != reason.Message || len(f.Stack) != 1 {
			t.Errorf("got %+v", f)
		}
	}
}

func TestNoErrorLacksTheNote(t *testing.T) {
	for _, streaming := range []bool{false, true} {
		w := begin(t, &adapter.Loop{Handler: program{invoke: behave}, Note: "A note.", Streaming: streaming}, 1, api.Config{Streaming: streaming}, testkit.Patience)
		for _, event := range []string{"fail", "write and fail", "plain", "panic", "too large"} {
			if f := failureOf(t, w.invoke(api.Event{Payload: []byte(event)})); !strings.HasSuffix(f.Message, ". A note.") {
				t.Errorf("%s: %s", event, f.Message)
			}
		}
		if r := w.invoke(api.Event{Payload: []byte("hello")}); r.Failed || string(r.Payload) != "hello" {
			t.Errorf("got %+v", r)
		}
		_ = w.stop()
	}
}

func TestAHandlersContextEndsAtTheDeadline(t *testing.T) {
	w := begin(t, &adapter.Loop{Handler: program{invoke: func(ctx context.Context, inv *adapter.Invocation, _ io.Writer) error {
		if end, ok := ctx.Deadline(); !ok || !end.Equal(inv.Deadline) {
			t.Errorf("the deadline is %s, of the invocation %s", end, inv.Deadline)
		}
		<-ctx.Done()
		return &adapter.Error{Type: adapter.TypeTimeout, Message: context.Cause(ctx).Error()}
	}}}, 1, api.Config{}, 200*time.Millisecond)
	if f := failureOf(t, w.invoke(api.Event{})); f.Type != adapter.TypeTimeout || f.Message != context.DeadlineExceeded.Error() {
		t.Errorf("got %+v", f)
	}
}

func TestWhatRunsAtAShutdownMayFinishWithinTheGrace(t *testing.T) {
	running, finish := make(chan struct{}), make(chan struct{})
	var order []string
	w := begin(t, &adapter.Loop{Handler: program{
		invoke: func(ctx context.Context, inv *adapter.Invocation, out io.Writer) error {
			close(running)
			select {
			case <-finish:
			case <-ctx.Done():
				t.Error("it was stopped")
			}
			order = append(order, "invoke")
			return echo(ctx, inv, out)
		},
		shutdown: func(ctx context.Context) error {
			if _, ok := ctx.Deadline(); !ok {
				t.Error("the handler's shutdown may take for ever")
			}
			order = append(order, "shutdown")
			return errors.New("the handler's error")
		},
	}}, 2, api.Config{}, testkit.Patience)
	result := w.invokeAside(api.Event{Payload: []byte("last words")})
	testkit.Await(t, running, "the event")
	w.end()
	close(finish)
	if r := testkit.Await(t, result, "the outcome"); r.Failed || string(r.Payload) != "last words" {
		t.Errorf("got %+v", r)
	}
	if err := w.stop(); err == nil || err.Error() != "the handler's error" {
		t.Errorf("Run: %v", err)
	}
	if fmt.Sprint(order) != "[invoke shutdown]" {
		t.Errorf("order: %v", order)
	}
}

func TestWhatRunsLongerThanTheGraceIsStopped(t *testing.T) {
	running := make(chan struct{})
	grace := 50 * time.Millisecond
	w := begin(t, &adapter.Loop{Grace: grace, Handler: program{
		invoke: func(ctx context.Context, _ *adapter.Invocation, _ io.Writer) error {
			close(running)
			<-ctx.Done()
			return &adapter.Error{Type: adapter.TypeShutdown, Cause: context.Cause(ctx)}
		},
	}}, 1, api.Config{}, testkit.Patience)
	result := w.invokeAside(api.Event{})
	testkit.Await(t, running, "the event")
	ended := time.Now()
	w.end()
	if f := failureOf(t, testkit.Await(t, result, "the outcome")); f.Type != adapter.TypeShutdown {
		t.Errorf("got %+v", f)
	}
	if took := time.Since(ended); took < grace {
		t.Errorf("it was stopped after %s", took)
	}
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	if !logged(w.logs, adapter.TypeShutdown, adapter.ErrShutdown.Error()) {
		t.Error("the context's cause was another")
	}
}

func TestNothingIsPolledForAfterTheEnd(t *testing.T) {
	running, finish := make(chan struct{}, 3), make(chan struct{})
	w := begin(t, &adapter.Loop{Handler: program{invoke: func(ctx context.Context, inv *adapter.Invocation, out io.Writer) error {
		running <- struct{}{}
		<-finish
		return echo(ctx, inv, out)
	}}}, 3, api.Config{}, testkit.Patience)
	var results []<-chan *api.Result
	for range 3 {
		results = append(results, w.invokeAside(api.Event{}))
	}
	for range 3 {
		testkit.Await(t, running, "an event")
	}
	polls := w.api.Polls()
	w.end()
	close(finish)
	for _, r := range results {
		testkit.Await(t, r, "an outcome")
	}
	_ = w.stop()
	if n := w.api.Polls(); n != polls {
		t.Errorf("%d polls after the end", n-polls)
	}
}

func TestPollersWorkSideBySide(t *testing.T) {
	const pollers = 8
	var together sync.WaitGroup
	together.Add(pollers)
	w := begin(t, &adapter.Loop{Handler: program{invoke: func(ctx context.Context, inv *adapter.Invocation, out io.Writer) error {
		together.Done()
		together.Wait() // for all the others
		return echo(ctx, inv, out)
	}}}, pollers, api.Config{}, testkit.Patience)
	results := make(map[string]<-chan *api.Result)
	for n := range pollers {
		event := fmt.Sprint("event ", n)
		results[event] = w.invokeAside(api.Event{Payload: []byte(event)})
	}
	for event, result := range results {
		if r := testkit.Await(t, result, "an outcome"); string(r.Payload) != event {
			t.Errorf("%s: got %+v", event, r)
		}
	}
}

func TestNoEventIsInFlightWhenZeroAreReported(t *testing.T) {
	var inFlight, reporting, zeros atomic.Int64
	w := begin(t, &adapter.Loop{Handler: program{
		invoke: func(ctx context.Context, inv *adapter.Invocation, out io.Writer) error {
			inFlight.Add(1)
			defer inFlight.Add(-1)
			if reporting.Load() > 0 {
				t.Error("an event began before Reported(0) had returned")
			}
			runtime.Gosched()
			return echo(ctx, inv, out)
		},
		reported: func(left int) {
			if left > 0 {
				return
			}
			if n := reporting.Add(1); n > 1 {
				t.Errorf("%d calls of Reported(0) at once", n)
			}
			defer reporting.Add(-1)
			zeros.Add(1)
			for range 20 {
				if n := inFlight.Load(); n > 0 {
					t.Errorf("%d events in flight", n)
				}
				runtime.Gosched()
			}
		},
	}}, 4, api.Config{}, testkit.Patience)
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for range 100 {
				w.invoke(api.Event{})
			}
		})
	}
	callers.Wait()
	_ = w.stop()
	if zeros.Load() == 0 {
		t.Error("it was never called")
	}
}

func TestEachEventIsReportedWithHowManyAreLeft(t *testing.T) {
	left := make(chan int, 1)
	begun, release := make(chan struct{}), make(chan struct{})
	w := begin(t, &adapter.Loop{Handler: program{
		invoke: func(ctx context.Context, inv *adapter.Invocation, out io.Writer) error {
			if string(inv.Payload) == "waits" {
				close(begun)
				<-release
			}
			return echo(ctx, inv, out)
		},
		reported: func(inFlight int) { left <- inFlight },
	}}, 3, api.Config{}, testkit.Patience)
	for range 20 {
		w.invoke(api.Event{})
		if n := testkit.Await(t, left, "Reported"); n != 0 {
			t.Fatalf("%d are left", n)
		}
	}
	waits := w.invokeAside(api.Event{Payload: []byte("waits")})
	testkit.Await(t, begun, "the event")
	w.invoke(api.Event{})
	if n := testkit.Await(t, left, "Reported"); n != 1 {
		t.Errorf("%d are left beside the one that waits", n)
	}
	close(release)
	testkit.Await(t, waits, "an outcome")
	if n := testkit.Await(t, left, "Reported"); n != 0 {
		t.Errorf("%d are left at the end", n)
	}
}

func TestSecretsGoIntoNoErrorReportAndNoLog(t *testing.T) {
	credentials := api.Credentials{
		AccessKey: "plain-access-key-1", SecretKey: "plain-secret-key-2", SecurityToken: "plain-token-3", AuthToken: "plain-auth-4",
		SecurityAccessKey: "plain-access-key-5", SecuritySecretKey: "plain-secret-key-6",
	}
	all := "plain-access-key-1 plain-secret-key-2 plain-token-3 plain-auth-4 plain-access-key-5 plain-secret-key-6 plain-user-data-7"
	w := begin(t, &adapter.Loop{
		Mask: secret.NewMask("plain-user-data-7"),
		Handler: program{invoke: func(_ context.Context, inv *adapter.Invocation, _ io.Writer) error {
			switch string(inv.Payload) {
			case "panic":
				panic(all)
			case "plain":
				return errors.New(all)
			default:
				return &adapter.Error{Type: all, Message: all, Stack: []string{all, all}, Cause: errors.New(all)}
			}
		}},
	}, 1, api.Config{Credentials: credentials, Faults: api.Faults{{Door: api.DoorPost, Kind: "500", Count: 1}}}, testkit.Patience)
	for _, event := range []string{"error", "panic", "plain"} {
		f := failureOf(t, w.invoke(api.Event{Payload: []byte(event)}))
		if text := fmt.Sprint(f.Type, f.Message, f.Stack); strings.Contains(text, "plain-") {
			t.Errorf("%s: reported: %s", event, text)
		}
		if event == "error" && (f.Message != "**** **** **** **** **** **** ****" || len(f.Stack) != 2) {
			t.Errorf("reported: %+v", f)
		}
	}
	_ = w.stop()
	for _, e := range w.logs.All() {
		if text := fmt.Sprint(e.Message, e.ContextMap()); strings.Contains(text, "plain-") {
			t.Errorf("logged: %s", text)
		}
	}
	if !logged(w.logs, "****") {
		t.Error("nothing was logged: this test can't fail")
	}
}

func TestAResponseIsForgottenWithItsEvent(t *testing.T) {
	writers := make(chan io.Writer, 1)
	w := begin(t, &adapter.Loop{Handler: program{invoke: func(ctx context.Context, inv *adapter.Invocation, out io.Writer) error {
		writers <- out
		return echo(ctx, inv, out)
	}}}, 1, api.Config{}, testkit.Patience)
	w.invoke(api.Event{Payload: make([]byte, 6<<20)})
	response, ok := (<-writers).(*adapter.Response)
	if !ok {
		t.Fatal("the writer is something else")
	}
	testkit.Eventually(t, "6 MB are forgotten before the next event", func() bool { return response.Written() == 0 })
}

func TestALoopLeavesNoGoroutinesAndDescriptorsBehind(t *testing.T) {
	goroutines, descriptors := testkit.Goroutines(), testkit.Descriptors(t)
	t.Run("loops", func(t *testing.T) {
		for range 20 {
			w := begin(t, &adapter.Loop{Handler: program{invoke: echo}}, 2, api.Config{}, testkit.Patience)
			for range 3 {
				w.invoke(api.Event{Payload: make([]byte, 100_000)})
			}
		}
	})
	// What cleans a client's connections up may sleep for ten seconds.
	goroutines += 2 * 20
	testkit.AtMost(t, goroutines+2, "goroutines", testkit.Goroutines)
	testkit.AtMost(t, descriptors+2, "descriptors", func() int { return testkit.Descriptors(t) })
}

func TestAPlatformThatTakesNoReportDoesNotKeepAnInstanceThatIsToStop(t *testing.T) {
	t.Parallel()
	faults, err := api.ParseFaults("post:slow=1h")
	if err != nil {
		t.Fatal(err)
	}
	began := make(chan struct{})
	w := begin(t, &adapter.Loop{
		Grace: time.Millisecond,
		Handler: program{invoke: func(context.Context, *adapter.Invocation, io.Writer) error {
			close(began)
			return nil
		}},
	}, 1, api.Config{Faults: faults}, time.Hour)
	go func() { _, _ = w.api.Invoke(context.Background(), api.Event{}) }()
	testkit.Await(t, began, "the event")
	if err := w.stop(); err == nil || !strings.Contains(err.Error(), "last reports") {
		t.Errorf("the loop ended with %v", err)
	}
}
