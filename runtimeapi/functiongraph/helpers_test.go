package functiongraph_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/apig"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"
	"fgbootstrap/runtimeapi/functiongraph"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// program is a Handler made of one function.
type program func(ctx context.Context, inv *adapter.Invocation, w io.Writer) error

func (p program) Invoke(ctx context.Context, inv *adapter.Invocation, w *adapter.Response) error {
	return p(ctx, inv, w)
}
func (program) Reported(int) {}

func (program) Shutdown(context.Context) error { return nil }

// echo answers with the event.
func echo(_ context.Context, inv *adapter.Invocation, w io.Writer) error {
	_, err := w.Write(inv.Payload)
	return err
}

// settings are those of an instance under test; zero values get a default.
type settings struct {
	timeout, margin, grace time.Duration
	limit                  int64
	streaming, wrap        bool
	program                program
}

// instance is a loop that runs against a runtime API.
type instance struct {
	logs *observer.ObservedLogs
	end  context.CancelFunc
	done <-chan struct{} // closed at its end
	stop func()          // ends it and waits for its end
}

func start(t *testing.T, addr string, s settings) *instance {
	t.Helper()
	if s.timeout == 0 {
		s.timeout = testkit.Patience
	}
	if s.margin == 0 {
		s.margin = 100 * time.Millisecond
	}
	if s.grace == 0 {
		s.grace = testkit.Patience
	}
	if s.limit == 0 {
		s.limit = 6 << 20
	}
	if s.program == nil {
		s.program = echo
	}
	core, logs := observer.New(zapcore.DebugLevel)
	loop := &adapter.Loop{
		Handler:   s.program,
		Pollers:   []adapter.RuntimeAPI{client(addr, s.timeout, s.margin, zap.New(core))},
		Limit:     s.limit,
		Streaming: s.streaming,
		Grace:     s.grace,
		Log:       zap.New(core),
	}
	if s.wrap {
		loop.Envelope = &adapter.Envelope{
			Wants: apig.IsCall, Is: apig.IsEnvelope, Begins: apig.Begins, Bare: apig.OK(""), Doubts: apig.Doubts, Lacks: apig.Lacks,
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := loop.Run(ctx); err != nil {
			t.Error("the loop ended with", err)
		}
	}()
	i := &instance{logs: logs, end: cancel, done: done, stop: func() {
		cancel()
		testkit.Await(t, done, "the loop's end")
	}}
	t.Cleanup(i.stop)
	return i
}

func client(addr string, timeout, margin time.Duration, log *zap.Logger) *functiongraph.Client {
	return functiongraph.New(functiongraph.Config{Addr: addr, Timeout: timeout, Margin: margin, Log: log})
}

// runtimeAPI is the local platform's, and its address.
func runtimeAPI(t *testing.T, c api.Config) (srv *api.Server, addr string) {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = testkit.Patience
	}
	srv, err := api.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	listener, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return srv, listener.Addr()
}

func faults(t *testing.T, text string) api.Faults {
	t.Helper()
	f, err := api.ParseFaults(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func invoke(t *testing.T, srv *api.Server, e api.Event) *api.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	r, err := srv.Invoke(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// failure is the body of an error report.
type failure struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func failureOf(t *testing.T, body []byte) failure {
	t.Helper()
	var f failure
	if err := json.Unmarshal(body, &f); err != nil {
		t.Errorf("error report %q: %v", body, err)
	}
	return f
}

// server is a runtime API whose bytes the test writes itself.
type server struct {
	t     *testing.T
	addr  string
	conns chan *peer
}

func listen(t *testing.T) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, addr: l.Addr().String(), conns: make(chan *peer, 100)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(testkit.Patience))
			t.Cleanup(func() { _ = c.Close() })
			s.conns <- &peer{TCPConn: c.(*net.TCPConn), t: t, in: bufio.NewReader(c)}
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return s
}

// accept is the next connection.
func (s *server) accept() *peer {
	s.t.Helper()
	return testkit.Await(s.t, s.conns, "a connection")
}

// peer is a connection from the client under test.
type peer struct {
	*net.TCPConn
	t  *testing.T
	in *bufio.Reader
}

// request reads the next request with its body.
func (p *peer) request() (*http.Request, string) {
	p.t.Helper()
	r, err := http.ReadRequest(p.in)
	if err != nil {
		p.t.Fatal("read a request:", err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Fatal("read a request's body:", err)
	}
	return r, string(body)
}

// poll reads a request, which has to be a poll.
func (p *peer) poll() {
	p.t.Helper()
	if r, _ := p.request(); r.Method != "GET" || r.RequestURI != "/v1/runtime/invocation/request" {
		p.t.Fatalf("got %s %s instead of a poll", r.Method, r.RequestURI)
	}
}

// post reads a request, which has to go to path.
func (p *peer) post(path string) (body string) {
	p.t.Helper()
	r, body := p.request()
	if r.Method != "POST" || r.RequestURI != "/v1/runtime/invocation/"+path {
		p.t.Fatalf("got %s %s instead of a POST to …/%s", r.Method, r.RequestURI, path)
	}
	return body
}

func (p *peer) send(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.TCPConn, text); err != nil {
		p.t.Error("send:", err)
	}
}

func (p *peer) reset() {
	_ = p.SetLinger(0)
	_ = p.Close()
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

// event is a whole answer with the event `{}`.
func event(id string) string {
	return "HTTP/1.1 200 OK\r\nX-Cff-Request-Id: " + id + "\r\nContent-Length: 2\r\n\r\n{}"
}

// serveOne answers one more event as it should be, on whatever connection it
// is asked for.
func (s *server) serveOne(p *peer, id string) {
	s.t.Helper()
	p.poll()
	p.send(event(id))
	if got := p.post("response/" + id); got != "{}" {
		s.t.Errorf("the response to %s is %q", id, got)
	}
	p.send(ok)
}

// awaitRead returns when the client has taken all that was sent: at first its
// kernel (nothing is unacknowledged), then, as nothing but it can tell, its
// process, by a read that takes a byte out of /proc/net/tcp's receive queue.
func awaitRead(t *testing.T, p *peer) {
	t.Helper()
	testkit.Eventually(t, "the client has read what was sent", func() bool {
		return queued(t, p.RemoteAddr().String(), p.LocalAddr().String()) == 0
	})
}

// queued is how many bytes wait to be read on the connection with this local
// and remote address.
func queued(t *testing.T, local, remote string) int64 {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) > 4 && f[1] == procAddr(t, local) && f[2] == procAddr(t, remote) {
			_, rx, _ := strings.Cut(f[4], ":")
			n, err := strconv.ParseInt(rx, 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no connection %s to %s", local, remote)
	return 0
}

func procAddr(t *testing.T, addr string) string {
	t.Helper()
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	ip := a.Addr().As4()
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], a.Port())
}

// above lets log entries pass that are more serious than level.
func above(level zapcore.Level) func(observer.LoggedEntry) bool {
	return func(e observer.LoggedEntry) bool { return e.Level > level }
}
