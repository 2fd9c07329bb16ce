package worker_test

import (
	"context"
	"os"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/modetest"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/modes/worker"
	"fgbootstrap/modes/worker/codec"

	"go.uber.org/zap/zaptest/observer"
)

func TestMain(m *testing.M) {
	programs := map[string]func(){}
	for _, protocol := range []string{"lines", "jsonrpc", "actionloop"} {
		programs[protocol] = func() { os.Exit(misbehave(protocol)) }
	}
	for name, serve := range servers {
		programs[name] = func() { os.Exit(serveJSONRPC(serve)) }
	}
	modetest.Main(m, programs)
}

// fixture is a worker mode under test.
type fixture struct {
	t *testing.T
	*worker.Handler
	logs   *observer.ObservedLogs
	limit  int64
	margin time.Duration
	closed bool // by the test
}

// shell is a worker that is a script.
func shell(script string) []string { return []string{"/bin/sh", "-c", script} }

// open starts workers of a program and waits until they are ready; change may change
// what it likes.
func open(t *testing.T, protocol string, words []string, change func(*worker.Config)) *fixture {
	t.Helper()
	return openWithin(t, testkit.Patience, protocol, words, change)
}

// openWithin does not wait for longer.
func openWithin(t *testing.T, wait time.Duration, protocol string, words []string, change func(*worker.Config)) *fixture {
	t.Helper()
	p, known := codec.Get(protocol)
	if !known {
		t.Fatalf("no protocol %q", protocol)
	}
	log, logs := modetest.Logger(t)
	c := worker.Config{
		Resident: modetest.Resident(t, log, protocol, words...),
		Protocol: p, Descriptor3: p.Descriptor3,
		Count: 1, Capacity: 1, Margin: 2 * time.Second, MaxResponse: 6 << 20,
	}
	if change != nil {
		change(&c)
	}
	if c.Codec == nil {
		c.Codec = p.New(codec.Options{Getenv: getenv(c.Resident.Env)})
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	f := &fixture{t: t, Handler: worker.New(ctx, c), logs: logs, limit: c.MaxResponse, margin: c.Margin}
	t.Cleanup(func() {
		if !f.closed {
			_ = f.Shutdown(context.Background())
		}
	})
	return f
}

func getenv(env []string) func(string) string {
	return func(name string) string {
		for _, entry := range env {
			if value, found := strings.CutPrefix(entry, name+"="); found {
				return value
			}
		}
		return ""
	}
}

// self is this test binary as a command.
func self() []string { return []string{testkit.Self()} }

// invoke runs one event, which has so long, and returns its response.
func (f *fixture) invoke(id, event string, within time.Duration) (string, error) {
	f.t.Helper()
	return modetest.Invoke(f.t, f, modetest.Event{ID: id, Text: event, Within: within, Margin: f.margin, Limit: f.limit})
}

// answer is the response to an event that must succeed.
func (f *fixture) answer(event string) string {
	f.t.Helper()
	got, err := f.invoke("some-id", event, testkit.Patience)
	if err != nil {
		f.t.Fatalf("%s: %v", event, err)
	}
	return got
}

// fails wants an error of that type whose message holds all these texts.
func (f *fixture) fails(event string, within time.Duration, errorType string, texts ...string) adapter.Error {
	f.t.Helper()
	got, err := f.invoke("some-id", event, within)
	return modetest.Fails(f.t, got, err, errorType, texts...)
}

// goroutinesCreated is how many this process has made so far.
func goroutinesCreated(t *testing.T) uint64 {
	t.Helper()
	sample := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		t.Skip("this version of Go does not count goroutines")
	}
	return sample[0].Value.Uint64()
}
