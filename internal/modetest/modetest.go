// Package modetest is what the tests of the modes share: a Reaper, the configuration of a
// program under test, a Response for each event, and the error that an event must end with.
package modetest

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/doctor"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/resident"
	"fgbootstrap/internal/secret"
	"fgbootstrap/internal/testkit"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// Reaper returns this process's only one. The first test that needs it makes it, because it
// would take the children of go test -fuzz away from that.
var Reaper = sync.OnceValue(func() *process.Reaper { return process.NewReaper(zap.NewNop()) })

// Main is testkit.Main for a package whose tests use Reaper. It closes that before the checks
// after, which hangs if a child is left.
func Main(m *testing.M, programs map[string]func(), after ...func() error) {
	closed := func() error {
		Reaper().Close()
		return nil
	}
	testkit.Main(m, programs, append([]func() error{closed}, after...)...)
}

// Program is a command with a folder of its own for its code.
func Program(dir string, words ...string) failure.Program {
	return failure.Program{
		Command: doctor.Command{Words: words, CodeRoot: dir, Dir: dir, Path: os.Getenv("PATH")},
		OOM:     &procfs.OOM{}, Timeout: testkit.Patience, Full: true,
	}
}

// Resident is the configuration of a program that stays. Its environment makes a test binary the
// program of that name.
func Resident(t *testing.T, log *zap.Logger, name string, words ...string) resident.Config {
	t.Helper()
	return resident.Config{
		Program: Program(t.TempDir(), words...), Env: testkit.Environ(name),
		Grace: 400 * time.Millisecond, Mask: secret.NewMask("a planted secret"), Reaper: Reaper(), Log: log, Output: log,
	}
}

// Logger returns a logger and what it has logged. A test that fails prints the end of that after
// the cleanups that are registered later.
func Logger(t *testing.T) (*zap.Logger, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		all := logs.All()
		for _, entry := range all[max(0, len(all)-50):] {
			t.Log(entry.Level, entry.Message, entry.ContextMap())
		}
	})
	return zap.New(core), logs
}

// Event is an event, and the terms on which a mode gets it.
type Event struct {
	ID, Text string
	Headers  []adapter.Header
	// Within is the time until its deadline, Margin the time from that to the platform's.
	Within, Margin time.Duration
	// Limit is the most bytes of its response.
	Limit int64
	// Streaming lets the response begin before its end. It is not kept then.
	Streaming bool
}

// Invoke runs an event to its end, and returns its response unless that was streamed.
func Invoke(t *testing.T, h adapter.Handler, e Event) (string, error) {
	t.Helper()
	o := adapter.ResponseOptions{Limit: e.Limit}
	if e.Streaming {
		o.Stream = func(r *adapter.Response) error {
			_, err := r.WriteTo(io.Discard)
			return err
		}
	}
	response, err := adapter.NewResponse(o)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Free()
	response.Reset([]byte(e.Text))
	now := time.Now()
	inv := &adapter.Invocation{
		ID: e.ID, Payload: []byte(e.Text), Headers: e.Headers,
		Received: now, Deadline: now.Add(e.Within), Expires: now.Add(e.Within + e.Margin),
	}
	ctx, cancel := context.WithDeadline(context.Background(), inv.Deadline)
	defer cancel()
	err = h.Invoke(ctx, inv, response)
	if e.Streaming {
		err = response.End(err)
	}
	if late := time.Since(inv.Deadline) - e.Margin/2; late > 20*time.Second { // a machine that does nothing else is never late
		t.Errorf("event %s ended %s too late", e.ID, late)
	}
	if err != nil {
		return "", err
	}
	body, _ := response.Whole()
	return string(body), nil
}

// Fails returns the error that an event has ended with. It must have that type and a message
// with all these texts.
func Fails(t *testing.T, got string, err error, errorType string, texts ...string) adapter.Error {
	t.Helper()
	var reported *adapter.Error
	if !errors.As(err, &reported) {
		t.Fatalf("want %s, got %.200q, %v", errorType, got, err)
	}
	if reported.Type != errorType {
		t.Fatalf("want %s, got %v", errorType, reported)
	}
	for _, text := range texts {
		if !strings.Contains(reported.Message, text) {
			t.Fatalf("want %q in the message, got: %s", text, reported.Message)
		}
	}
	return *reported
}
