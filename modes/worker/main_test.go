package worker_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/metrics"
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
	"fgbootstrap/modes/worker"
	"fgbootstrap/modes/worker/codec"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sys/unix"
)

// patience is for what must happen; nothing waits for it to pass.
const patience = 60 * time.Second

// childVariable makes this test binary a worker that misbehaves in that protocol,
// or one of servers.
const childVariable = "WORKER_TEST_CHILD"

// reaper is this process's only one. It is made by the first test that needs it,
// for it would take the children of go test -fuzz away from it.
var reaper = sync.OnceValue(func() *process.Reaper { return process.NewReaper(zap.NewNop()) })

func TestMain(m *testing.M) {
	if name := os.Getenv(childVariable); name != "" {
		if serve := servers[name]; serve != nil {
			os.Exit(serveJSONRPC(serve))
		}
		os.Exit(misbehave(name))
	}
	for fd := 3; fd < 1024; fd++ { // what we were given ourselves is not for the children
		unix.CloseOnExec(fd)
	}
	code := m.Run()
	if code == 0 {
		reaper().Close() // hangs if a child is left
		if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); !errors.Is(err, unix.ECHILD) {
			fmt.Println("FAIL: after all tests a child is left")
			code = 1
		}
	}
	os.Exit(code)
}

// house is a worker mode under test.
type house struct {
	t *testing.T
	*worker.Mode
	logs   *observer.ObservedLogs
	limit  int64
	margin time.Duration
	closed bool // by the test
}

// shell is a worker that is a script.
func shell(script string) []string { return []string{"/bin/sh", "-c", script} }

// open starts workers of a program and waits until they are ready; change may change
// what it likes.
func open(t *testing.T, protocol string, words []string, change func(*worker.Config)) *house {
	t.Helper()
	return openWithin(t, patience, protocol, words, change)
}

// openWithin does not wait for longer.
func openWithin(t *testing.T, wait time.Duration, protocol string, words []string, change func(*worker.Config)) *house {
	t.Helper()
	p, known := codec.Get(protocol)
	if !known {
		t.Fatalf("no protocol %q", protocol)
	}
	core, logs := observer.New(zapcore.DebugLevel)
	log := zap.New(core)
	dir := t.TempDir()
	c := worker.Config{
		Resident: resident.Config{
			Program: failure.Program{
				Command: doctor.Command{Words: words, CodeRoot: dir, Dir: dir, Path: os.Getenv("PATH")},
				OOM:     &procfs.OOM{}, Timeout: patience, Full: true,
			},
			// The race detector has every program sleep for a second before it ends.
			Env:   append(os.Environ(), "GORACE=atexit_sleep_ms=0", childVariable+"="+protocol),
			Grace: 400 * time.Millisecond, Mask: secret.NewMask("a planted secret"), Reaper: reaper(), Log: log, Output: log,
		},
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
	h := &house{t: t, Mode: worker.New(ctx, c), logs: logs, limit: c.MaxResponse, margin: c.Margin}
	t.Cleanup(func() {
		if !h.closed {
			_ = h.Shutdown(context.Background())
		}
		if t.Failed() {
			all := logs.All()
			for _, entry := range all[max(0, len(all)-50):] {
				t.Log(entry.Level, entry.Message, entry.ContextMap())
			}
		}
	})
	return h
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
func self(t *testing.T) []string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{path}
}

// invoke runs one event, which has so long, and returns its response.
func (h *house) invoke(id, event string, within time.Duration) (string, error) {
	h.t.Helper()
	response, err := adapter.NewResponse(adapter.ResponseOptions{Limit: h.limit})
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Free()
	response.Reset([]byte(event))
	now := time.Now()
	inv := &adapter.Invocation{
		ID: id, Payload: []byte(event), Received: now, Deadline: now.Add(within), Expires: now.Add(within + h.margin),
	}
	ctx, cancel := context.WithDeadline(context.Background(), inv.Deadline)
	defer cancel()
	err = h.Invoke(ctx, inv, response)
	if late := time.Since(inv.Deadline) - h.margin/2; late > 20*time.Second { // on a machine that does nothing else it is none
		h.t.Errorf("event %s ended %s too late", id, late)
	}
	if err != nil {
		return "", err
	}
	body, _ := response.Whole()
	return string(body), nil
}

// answer is the response to an event that must succeed.
func (h *house) answer(event string) string {
	h.t.Helper()
	got, err := h.invoke("some-id", event, patience)
	if err != nil {
		h.t.Fatalf("%s: %v", event, err)
	}
	return got
}

// fails wants an error of that type whose message holds all these texts.
func (h *house) fails(event string, within time.Duration, errorType string, texts ...string) adapter.Error {
	h.t.Helper()
	got, err := h.invoke("some-id", event, within)
	var told *adapter.Error
	if !errors.As(err, &told) {
		h.t.Fatalf("%s: got %q, %v", event, got, err)
	}
	if told.Type != errorType {
		h.t.Fatalf("want %s, got %v", errorType, told)
	}
	for _, text := range texts {
		if !strings.Contains(told.Message, text) {
			h.t.Fatalf("want %q in the message, got: %s", text, told.Message)
		}
	}
	return *told
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not so: " + what)
		}
	}
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
