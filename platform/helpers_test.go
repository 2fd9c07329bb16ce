package platform_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"fgbootstrap/platform"
)

const patience = 60 * time.Second

// newAPI opens a runtime API; at the test's end nothing of it may be left.
func newAPI(t *testing.T, cfg platform.Config) *platform.API {
	t.Helper()
	noLeaks(t)
	if cfg.Timeout == 0 {
		cfg.Timeout = patience // a busy machine may need more than the platform's 3 s
	}
	a, err := platform.NewAPI(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// noLeaks compares goroutines and descriptors of before and after the test.
func noLeaks(t *testing.T) {
	t.Helper()
	goroutines, fds := countGoroutines(), openFiles(t)
	t.Cleanup(func() {
		eventually(t, "goroutines and descriptors are back", func() bool {
			return countGoroutines() <= goroutines && openFiles(t) <= fds
		})
	})
}

// countGoroutines leaves out the clock of the HTTP library, which it starts once and for ever.
func countGoroutines() int {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	return bytes.Count(buf, []byte("\ngoroutine ")) - bytes.Count(buf, []byte("fasthttp.updateServerDate.func"))
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// need skips a test that can't do without a program, or, where CI has to install it, fails it.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed, and CI has to install it", program)
	}
	t.Skipf("%s is not installed", program)
}

// eventually asks until the answer is yes.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			buf := make([]byte, 1<<16)
			t.Errorf("never: %s\n%s", what, buf[:runtime.Stack(buf, true)])
			return
		}
	}
}

// outcome is what Invoke returned.
type outcome struct {
	*platform.Result
	err error
}

func invoke(a interface {
	Invoke(context.Context, platform.Event) (*platform.Result, error)
}, ev platform.Event) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		r, err := a.Invoke(context.Background(), ev)
		done <- outcome{r, err}
	}()
	return done
}

func (o outcome) String() string {
	if o.err != nil {
		return o.err.Error()
	}
	return fmt.Sprintf("%+v %s", *o.Result, o.Payload)
}

// await is the value of a channel, in time.
func await[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		buf := make([]byte, 1<<16)
		t.Fatalf("nothing came\n%s", buf[:runtime.Stack(buf, true)])
		panic("unreachable")
	}
}

// wire is a connection of a bootstrap made by hand.
type wire struct {
	*net.TCPConn
	t *testing.T
	r *bufio.Reader
}

func dial(t *testing.T, addr string) *wire {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		t.Fatalf("a %T", nc)
	}
	_ = tcp.SetDeadline(time.Now().Add(patience))
	return &wire{tcp, t, bufio.NewReader(tcp)}
}

func (w *wire) send(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		w.t.Fatal(err)
	}
}

const getEvent = "GET /v1/runtime/invocation/request HTTP/1.1\r\nHost: x\r\n\r\n"

// reply is an answer, as far as it came.
type reply struct {
	status int
	header http.Header
	body   []byte
	err    error
}

func (r reply) id() string { return r.header.Get("X-Cff-Request-Id") }

func (w *wire) read() reply {
	w.t.Helper()
	resp, err := http.ReadResponse(w.r, nil)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, b, err}
}

// poll asks for an event and reads it.
func (w *wire) poll() reply {
	w.t.Helper()
	w.send(getEvent)
	return w.read()
}

// post reports and reads the answer.
func (w *wire) post(kind, id, body string) reply {
	w.t.Helper()
	w.send(postHead(kind, id) + fmt.Sprintf("content-length: %d\r\n\r\n", len(body)))
	w.send(body)
	return w.read()
}

func postHead(kind, id string) string {
	return "POST /v1/runtime/invocation/" + kind + "/" + id + " HTTP/1.1\r\nHost: x\r\n"
}

// openStream begins a chunked response.
func (w *wire) openStream(id string) {
	w.t.Helper()
	w.send(postHead("response", id) + "Transfer-Encoding: chunked\r\n\r\n")
}

func (w *wire) chunk(data string) {
	w.t.Helper()
	w.send(fmt.Sprintf("%x\r\n%s\r\n", len(data), data))
}

// abort resets the connection.
func (w *wire) abort() {
	_ = w.SetLinger(0)
	_ = w.Close()
}

// serve answers n events with what work makes of them, on one connection.
func serve(t *testing.T, addr string, n int, work func(event []byte) (kind, body string)) <-chan error {
	t.Helper()
	w := dial(t, addr)
	done := make(chan error, 1)
	go func() {
		for range n {
			ev := w.poll()
			kind, body := work(ev.body)
			if r := w.post(kind, ev.id(), body); r.err != nil || r.status != 200 {
				done <- fmt.Errorf("report: status %d, %w", r.status, r.err)
				return
			}
		}
		done <- nil
	}()
	return done
}

func echo(event []byte) (string, string) { return "response", string(event) }

func isReset(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "reset") || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF))
}
