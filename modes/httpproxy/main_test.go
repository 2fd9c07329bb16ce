package httpproxy_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/modetest"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/modes/httpproxy"
	"fgbootstrap/runtimeapi/functiongraph"

	"go.uber.org/zap/zaptest/observer"
)

func TestMain(m *testing.M) {
	addGracePrograms()
	addReasonPrograms()
	addSurplusPrograms()
	modetest.Main(m, programs, leftBehind)
}

// leftBehind is an error if a goroutine of the mode's, or a connection, outlives all tests.
func leftBehind() error {
	what := ""
	for end := time.Now().Add(testkit.Patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
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
		if what == "" {
			return nil
		}
	}
	return errors.New("there is still " + what)
}

// fixture is an http mode under test.
type fixture struct {
	t *testing.T
	*httpproxy.Handler
	logs      *observer.ObservedLogs
	limit     int64
	streaming bool
	closed    bool // by the test
}

// open starts one of programs and waits until it is ready; change may change what it
// likes.
func open(t *testing.T, program string, change func(*httpproxy.Config)) *fixture {
	t.Helper()
	return openWithin(t, testkit.Patience, program, change)
}

// openWithin does not wait for longer.
func openWithin(t *testing.T, wait time.Duration, program string, change func(*httpproxy.Config)) *fixture {
	t.Helper()
	log, logs := modetest.Logger(t)
	c := httpproxy.Config{
		Resident:  modetest.Resident(t, log, program, testkit.Self()),
		EventPath: "/invoke", Fails: func(int) bool { return false }, IsMetadata: functiongraph.IsMetadata,
		Concurrency: 1,
	}
	if change != nil {
		change(&c)
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	f := &fixture{t: t, Handler: httpproxy.New(ctx, c), logs: logs, limit: 6 << 20}
	t.Cleanup(f.shutdown)
	return f
}

// shutdown stops the mode, and wants it done soon.
func (f *fixture) shutdown() {
	if f.closed {
		return
	}
	f.closed = true
	began := time.Now()
	_ = f.Shutdown(context.Background())
	if took := time.Since(began); took > 20*time.Second {
		f.t.Errorf("the shutdown took %s", took)
	}
}

// margin is between the deadline of an event and the platform's.
const margin = 2 * time.Second

// invoke runs one event, which has so long, and returns its response.
func (f *fixture) invoke(id, event string, within time.Duration) (string, error) {
	f.t.Helper()
	return modetest.Invoke(f.t, f, modetest.Event{
		ID: id, Text: event, Within: within, Margin: margin, Limit: f.limit, Streaming: f.streaming,
		Headers: []adapter.Header{{Name: "x-cff-request-id", Value: id}, {Name: "x-cff-security-token", Value: "token-of-an-event", Secret: true}},
	})
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
func (f *fixture) answer(event string) envelope {
	f.t.Helper()
	got, err := f.invoke("some-id", event, testkit.Patience)
	if err != nil {
		f.t.Fatalf("%.200s: %v", event, err)
	}
	e, err := readEnvelope(got)
	if err != nil {
		f.t.Fatal(err)
	}
	return e
}

// pid is that of the server.
func (f *fixture) pid() string {
	f.t.Helper()
	return f.answer(call("GET", "/pid", "")).Body
}

// fails wants an error of that type whose message holds all these texts.
func (f *fixture) fails(event string, within time.Duration, errorType string, texts ...string) adapter.Error {
	f.t.Helper()
	got, err := f.invoke("some-id", event, within)
	return modetest.Fails(f.t, got, err, errorType, texts...)
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
