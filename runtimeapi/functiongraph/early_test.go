package functiongraph_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// hasty is a platform that answers the first report once it has its head, and reads no more of it.
// Later ones it takes.
type hasty struct {
	t      *testing.T
	addr   string
	status int
	leave  func(*net.TCPConn) // what it does with the connection then
	again  chan struct{}      // closed by the second poll
	events chan string        // ids to hand out

	once  sync.Once // for again
	mu    sync.Mutex
	posts []string // "response 5000000" or "error 413", with the size that was read
}

// manners are the ways to leave a connection whose request is not read.
func manners() map[string]func(*net.TCPConn) {
	return map[string]func(*net.TCPConn){
		"closed": func(c *net.TCPConn) { _ = c.Close() }, // a reset, since there is unread data
		"reset a moment later": func(c *net.TCPConn) {
			<-time.After(50 * time.Millisecond)
			_ = c.SetLinger(0)
			_ = c.Close()
		},
		"left as it is": func(*net.TCPConn) {},
	}
}

func newHasty(t *testing.T, status int, leave func(*net.TCPConn)) *hasty {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hasty{t: t, addr: l.Addr().String(), status: status, leave: leave, again: make(chan struct{}), events: make(chan string, 1)}
	h.events <- "1"
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = c.Close() })
			go h.serve(c.(*net.TCPConn))
		}
	}()
	return h
}

func (h *hasty) serve(c *net.TCPConn) {
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if r.Method == http.MethodGet {
			select {
			case id := <-h.events:
				_, _ = io.WriteString(c, event(id))
			default:
				h.once.Do(func() { close(h.again) })
				return
			}
			continue
		}
		kind := strings.Split(r.URL.Path, "/")[4]
		if h.note(kind+" unread") == 1 {
			_, _ = fmt.Fprintf(c, "HTTP/1.1 %d Early\r\nContent-Length: 8\r\n\r\nbecause.", h.status)
			h.leave(c)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			body = []byte("cut")
		}
		h.replace(fmt.Sprintf("%s %d", kind, len(body)), body)
		_, _ = io.WriteString(c, ok)
	}
}

func (h *hasty) note(post string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.posts = append(h.posts, post)
	return len(h.posts)
}

func (h *hasty) replace(post string, body []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if strings.HasPrefix(post, "error") {
		post = "error " + failureOf(h.t, body).Message
	}
	h.posts[len(h.posts)-1] = post
}

func (h *hasty) reports() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.posts)
}

// early runs a test for each manner.
func early(t *testing.T, status int, test func(t *testing.T, h *hasty)) {
	for manner, leave := range manners() {
		t.Run(fmt.Sprintf("%d, %s", status, manner), func(t *testing.T) {
			t.Parallel()
			test(t, newHasty(t, status, leave))
		})
	}
}

const large = 5_000_000

func TestAFinalAnswerThatComesEarlyIsReadAndTheReportNotRepeated(t *testing.T) {
	t.Parallel()
	for _, status := range []int{413, 404, 400, 301} {
		early(t, status, func(t *testing.T, h *hasty) {
			i := start(t, h.addr, settings{program: func(_ context.Context, _ *adapter.Invocation, w io.Writer) error {
				_, err := w.Write(make([]byte, large))
				return err
			}})
			testkit.Await(t, h.again, "the next poll")
			i.stop()
			if got := h.reports(); len(got) != 1 {
				t.Errorf("reports: %q", got)
			}
			mustLog(t, i, "the response did not reach the platform", fmt.Sprintf("refused the report with status %d: because.", h.status))
		})
	}
}

func TestAServersErrorThatComesEarlyIsFollowedByTheSameReport(t *testing.T) {
	t.Parallel()
	for _, status := range []int{500, 503} {
		early(t, status, func(t *testing.T, h *hasty) {
			start(t, h.addr, settings{program: func(_ context.Context, _ *adapter.Invocation, w io.Writer) error {
				_, err := w.Write(make([]byte, large))
				return err
			}})
			testkit.Await(t, h.again, "the next poll")
			if got := h.reports(); !slices.Equal(got, []string{"response unread", fmt.Sprint("response ", large)}) {
				t.Errorf("reports: %q", got)
			}
		})
	}
}

func TestAnErrorReportThatIsRefusedEarlyIsNotRepeated(t *testing.T) {
	t.Parallel()
	early(t, 413, func(t *testing.T, h *hasty) {
		c := client(h.addr, testkit.Patience, 0, zap.NewNop())
		inv, err := c.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = c.Fail(t.Context(), inv, &adapter.Error{Message: strings.Repeat("x", large)})
		if !errors.Is(err, adapter.ErrRefused) || !strings.Contains(err.Error(), "413") {
			t.Errorf("got %v", err)
		}
		if got := h.reports(); len(got) != 1 {
			t.Errorf("reports: %q", got)
		}
	})
}

// writers are programs whose response is refused while they write it.
func writers() map[string]program {
	forever := func(w io.Writer) error {
		for {
			if _, err := w.Write(make([]byte, 50_000)); err != nil {
				return err
			}
		}
	}
	return map[string]program{
		"hands the error on": func(_ context.Context, _ *adapter.Invocation, w io.Writer) error { return forever(w) },
		"has an error of its own": func(_ context.Context, _ *adapter.Invocation, w io.Writer) error {
			_ = forever(w)
			return &adapter.Error{Type: "Mine", Message: "it was stopped"}
		},
		"does not notice": func(_ context.Context, _ *adapter.Invocation, w io.Writer) error {
			_ = forever(w)
			return nil
		},
		"is read": func(_ context.Context, _ *adapter.Invocation, w io.Writer) error {
			_, err := w.(*adapter.Response).ReadFrom(endless{})
			return err
		},
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestAStreamThatIsRefusedEarlyIsFollowedByNothing(t *testing.T) {
	t.Parallel()
	for name, program := range writers() {
		t.Run(name, func(t *testing.T) {
			for _, status := range []int{413, 404} {
				early(t, status, func(t *testing.T, h *hasty) {
					i := start(t, h.addr, settings{streaming: true, limit: 1 << 40, program: program})
					testkit.Await(t, h.again, "the next poll")
					i.stop()
					if got := h.reports(); len(got) != 1 {
						t.Errorf("reports: %q", got)
					}
					mustLog(t, i, "the response did not reach the platform", fmt.Sprintf("refused the report with status %d: because.", status))
				})
			}
		})
	}
}

func TestAServersErrorInAStreamIsNamedInTheErrorReport(t *testing.T) {
	t.Parallel()
	for name, program := range writers() {
		t.Run(name, func(t *testing.T) {
			early(t, 500, func(t *testing.T, h *hasty) {
				i := start(t, h.addr, settings{streaming: true, limit: 1 << 40, program: program})
				testkit.Await(t, h.again, "the next poll")
				i.stop()
				const want = "The platform answered the streamed response with status 500 before it was complete."
				if got := h.reports(); !slices.Equal(got, []string{"response unread", "error " + want}) {
					t.Errorf("reports: %q", got)
				}
				mustLog(t, i, want)
			})
		})
	}
}

// An answer of success to half a report is one that nobody can rely on; it is not repeated.
func TestASuccessThatComesEarlyIsNotFollowedByAnError(t *testing.T) {
	t.Parallel()
	for _, streaming := range []bool{false, true} {
		t.Run(fmt.Sprint(streaming), func(t *testing.T) {
			early(t, 200, func(t *testing.T, h *hasty) {
				i := start(t, h.addr, settings{streaming: streaming, limit: 64 << 20, program: func(_ context.Context, _ *adapter.Invocation, w io.Writer) error {
					_, err := w.Write(make([]byte, 64<<20))
					return err
				}})
				testkit.Await(t, h.again, "the next poll")
				i.stop()
				if got := h.reports(); len(got) != 1 {
					t.Errorf("reports: %q", got)
				}
				mustLog(t, i, "the platform has not confirmed the response; it may be lost", "status 200 before it had read everything")
			})
		})
	}
}

// A slow reader is no platform that has answered: what it says at the end counts.
func TestAPlatformThatReadsSlowlyIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := listen(t)
	start(t, s.addr, settings{program: func(_ context.Context, _ *adapter.Invocation, w io.Writer) error {
		_, err := w.Write(bytes.Repeat([]byte("x"), large))
		return err
	}})
	p := s.accept()
	p.poll()
	p.send(event("1"))
	r, err := http.ReadRequest(p.in)
	if err != nil {
		t.Fatal(err)
	}
	p.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 20") // an answer's beginning is no answer
	for range 3 {
		<-time.After(400 * time.Millisecond)
		if _, err := io.CopyN(io.Discard, r.Body, 1000); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := io.Copy(io.Discard, r.Body); n != large-3000 || err != nil {
		t.Errorf("%d bytes of the rest: %v", n, err)
	}
	p.send("0 OK\r\nContent-Length: 0\r\n\r\n")
	p.poll() // on the same connection
}

func mustLog(t *testing.T, i *instance, texts ...string) {
	t.Helper()
	var all strings.Builder
	for _, entry := range i.logs.FilterLevelExact(zapcore.ErrorLevel).All() {
		line := entry.Message + fmt.Sprint(entry.ContextMap())
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
			return
		}
		all.WriteString(line + "\n")
	}
	t.Errorf("no line at ERROR says %q, but: %s", texts, all.String())
}
