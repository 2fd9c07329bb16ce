package httpproxy_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
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
	"fgbootstrap/modes/httpproxy"
	"fgbootstrap/runtimeapi/functiongraph"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sys/unix"
)

// patience is for what must happen; nothing waits for it to pass.
const patience = 60 * time.Second

// childVariable makes this test binary one of programs.
const childVariable = "HTTPPROXY_TEST_CHILD"

// reaper is this process's only one. It is made by the first test that needs it,
// for it would take the children of go test -fuzz away from it.
var reaper = sync.OnceValue(func() *process.Reaper { return process.NewReaper(zap.NewNop()) })

func TestMain(m *testing.M) {
	if name := os.Getenv(childVariable); name != "" {
		programs[name]()
		os.Exit(0)
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
		if left := leftBehind(); left != "" {
			fmt.Println("FAIL: after all tests there is still " + left)
			code = 1
		}
	}
	os.Exit(code)
}

// leftBehind is a goroutine of the mode's, or a connection, that has outlived all tests.
func leftBehind() (what string) {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		what = ""
		stacks := make([]byte, 4<<20)
		for _, stack := range strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
			if strings.Contains(stack, "modes/httpproxy.") || strings.Contains(stack, "supervise.(*Supervisor") {
				what = "a goroutine: " + stack
			}
		}
		links, _ := filepath.Glob("/proc/self/fd/*")
		for _, link := range links {
			if name, _ := os.Readlink(link); strings.HasPrefix(name, "socket:") {
				what = "the descriptor " + link + " of a " + name
			}
		}
		if what == "" || time.Now().After(end) {
			return what
		}
	}
}

// house is an http mode under test.
type house struct {
	t *testing.T
	*httpproxy.Mode
	logs      *observer.ObservedLogs
	limit     int64
	streaming bool
	closed    bool // by the test
}

// open starts one of programs and waits until it is ready; change may change what it
// likes.
func open(t *testing.T, program string, change func(*httpproxy.Config)) *house {
	t.Helper()
	return openWithin(t, patience, program, change)
}

// openWithin does not wait for longer.
func openWithin(t *testing.T, wait time.Duration, program string, change func(*httpproxy.Config)) *house {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	log := zap.New(core)
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := httpproxy.Config{
		Resident: resident.Config{
			Program: failure.Program{
				Command: doctor.Command{Words: []string{self}, CodeRoot: dir, Dir: dir, Path: os.Getenv("PATH")},
				OOM:     &procfs.OOM{}, Timeout: patience, Full: true,
			},
			// The race detector has every program sleep for a second before it ends.
			Env:   append(os.Environ(), "GORACE=atexit_sleep_ms=0", childVariable+"="+program),
			Grace: 400 * time.Millisecond, Mask: secret.NewMask("a planted secret"), Reaper: reaper(), Log: log, Output: log,
		},
		EventPath: "/invoke", Fails: func(int) bool { return false }, IsMetadata: functiongraph.IsMetadata,
		Concurrency: 1,
	}
	if change != nil {
		change(&c)
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	h := &house{t: t, Mode: httpproxy.New(ctx, c), logs: logs, limit: 6 << 20}
	t.Cleanup(func() {
		h.shutdown()
		if t.Failed() {
			all := logs.All()
			for _, entry := range all[max(0, len(all)-50):] {
				t.Log(entry.Level, entry.Message, entry.ContextMap())
			}
		}
	})
	return h
}

// shutdown stops the mode, and wants it done soon.
func (h *house) shutdown() {
	if h.closed {
		return
	}
	h.closed = true
	began := time.Now()
	_ = h.Shutdown(context.Background())
	if took := time.Since(began); took > 20*time.Second {
		h.t.Errorf("the shutdown took %s", took)
	}
}

// margin is between the deadline of an event and the platform's.
const margin = 2 * time.Second

// invoke runs one event, which has so long, and returns its response.
func (h *house) invoke(id, event string, within time.Duration) (string, error) {
	h.t.Helper()
	o := adapter.ResponseOptions{Limit: h.limit}
	if h.streaming {
		o.Stream = func(r *adapter.Response) error {
			_, err := r.WriteTo(io.Discard)
			return err
		}
	}
	response, err := adapter.NewResponse(o)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Free()
	response.Reset([]byte(event))
	now := time.Now()
	inv := &adapter.Invocation{
		ID: id, Payload: []byte(event), Received: now, Deadline: now.Add(within), Expires: now.Add(within + margin),
		Headers: []adapter.Header{{Name: "x-cff-request-id", Value: id}, {Name: "x-cff-security-token", Value: "token-of-an-event", Secret: true}},
	}
	ctx, cancel := context.WithDeadline(context.Background(), inv.Deadline)
	defer cancel()
	err = response.End(h.Invoke(ctx, inv, response))
	if late := time.Since(inv.Expires) - 20*time.Second; late > 0 { // on a machine that does nothing else it is none
		h.t.Errorf("event %s ended %s too late", id, late)
	}
	if err != nil {
		return "", err
	}
	body, _ := response.Whole()
	return string(body), nil
}

// envelope is what the gateway gets.
type envelope struct {
	StatusCode      int
	Headers         map[string]any
	IsBase64Encoded bool
	Body            string // decoded
}

func readEnvelope(text string) (e envelope, err error) {
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return e, fmt.Errorf("%w: %.200q", err, text)
	}
	if e.IsBase64Encoded {
		body, err := base64.StdEncoding.DecodeString(e.Body)
		if err != nil {
			return e, err
		}
		e.Body = string(body)
	}
	return e, nil
}

// answer is the envelope for a call that must succeed.
func (h *house) answer(event string) envelope {
	h.t.Helper()
	got, err := h.invoke("some-id", event, patience)
	if err != nil {
		h.t.Fatalf("%.200s: %v", event, err)
	}
	e, err := readEnvelope(got)
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

// pid is that of the server.
func (h *house) pid() string {
	h.t.Helper()
	return h.answer(call("GET", "/pid", "")).Body
}

// fails wants an error of that type whose message holds all these texts.
func (h *house) fails(event string, within time.Duration, errorType string, texts ...string) adapter.Error {
	h.t.Helper()
	got, err := h.invoke("some-id", event, within)
	return h.fits(got, err, errorType, texts...)
}

// fits wants an event to have ended with such an error.
func (h *house) fits(got string, err error, errorType string, texts ...string) adapter.Error {
	h.t.Helper()
	var told *adapter.Error
	if !errors.As(err, &told) {
		h.t.Fatalf("got %.200q, %v", got, err)
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

// object is a JSON object.
type object map[string]any

func (o object) String() string {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// call is the event of a gateway's call; more are members in their places.
func call(method, path, body string, more ...object) string {
	event := object{"httpMethod": method, "path": path, "requestContext": object{}, "body": body, "isBase64Encoded": false}
	for _, o := range more {
		for name, value := range o {
			event[name] = value
		}
	}
	return event.String()
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not so: " + what)
		}
	}
}

// freePort is one on which nobody listens.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

// env adds variables to the program's environment.
func env(more ...string) func(*httpproxy.Config) {
	return func(c *httpproxy.Config) { c.Resident.Env = append(c.Resident.Env, more...) }
}

// all makes several changes.
func all(changes ...func(*httpproxy.Config)) func(*httpproxy.Config) {
	return func(c *httpproxy.Config) {
		for _, change := range changes {
			change(c)
		}
	}
}

// in has the program run in a folder of the test's.
func in(dir string) func(*httpproxy.Config) {
	return func(c *httpproxy.Config) {
		c.Resident.Program.Command.Dir, c.Resident.Program.Command.CodeRoot = dir, dir
	}
}

// atATime gives the server so many events at a time.
func atATime(n int) func(*httpproxy.Config) {
	return func(c *httpproxy.Config) { c.Concurrency = n }
}

// socket has the program listen on a unix socket, whose path SOCKET is.
func socket(t *testing.T) func(*httpproxy.Config) {
	path := filepath.Join(t.TempDir(), "s")
	return func(c *httpproxy.Config) {
		c.Socket = path
		c.Resident.Env = append(c.Resident.Env, "SOCKET="+path)
	}
}
