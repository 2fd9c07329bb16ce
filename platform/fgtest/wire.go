package fgtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
)

// GetEvent is the request that polls for an event.
const GetEvent = "GET /v1/runtime/invocation/request HTTP/1.1\r\nHost: x\r\n\r\n"

// PostHead is the head of a report up to the headers that say how long its body is.
func PostHead(kind, id string) string {
	return "POST /v1/runtime/invocation/" + kind + "/" + id + " HTTP/1.1\r\nHost: x\r\n"
}

// Wire is a connection on which a test speaks HTTP by hand, as a bootstrap or as a client of a
// door. An error of the connection fails the test.
type Wire struct {
	*net.TCPConn
	In *bufio.Reader // what the other side sends
	t  *testing.T
}

// Dial connects; the connection is closed when the test ends, and good for testkit.Patience.
func Dial(t *testing.T, addr string) *Wire {
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
	_ = tcp.SetDeadline(time.Now().Add(testkit.Patience))
	return &Wire{tcp, bufio.NewReader(tcp), t}
}

// Send writes the text as it is.
func (w *Wire) Send(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		w.t.Fatal(err)
	}
}

// Reply is an answer, as far as it came; Err says why it ended early.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
	Err    error
}

// ID is the request id of an event.
func (r Reply) ID() string { return r.Header.Get("X-Cff-Request-Id") }

// Receive reads one answer to GET or POST.
func (w *Wire) Receive() Reply {
	w.t.Helper()
	return w.AnswerTo(http.MethodGet)
}

// AnswerTo reads one answer to a request of that method.
func (w *Wire) AnswerTo(method string) Reply {
	w.t.Helper()
	resp, err := http.ReadResponse(w.In, &http.Request{Method: method})
	if err != nil {
		return Reply{Err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return Reply{resp.StatusCode, resp.Header, b, err}
}

// Ask sends the text and reads one answer to that method.
func (w *Wire) Ask(method, text string) Reply {
	w.t.Helper()
	w.Send(text)
	return w.AnswerTo(method)
}

// Poll asks for an event and reads it.
func (w *Wire) Poll() Reply {
	w.t.Helper()
	w.Send(GetEvent)
	return w.Receive()
}

// Post reports and reads the answer.
func (w *Wire) Post(kind, id, body string) Reply {
	w.t.Helper()
	w.Send(PostHead(kind, id) + fmt.Sprintf("content-length: %d\r\n\r\n", len(body)))
	w.Send(body)
	return w.Receive()
}

// OpenStream begins a chunked response.
func (w *Wire) OpenStream(id string) {
	w.t.Helper()
	w.Send(PostHead("response", id) + "Transfer-Encoding: chunked\r\n\r\n")
}

// Chunk sends a piece of it.
func (w *Wire) Chunk(data string) {
	w.t.Helper()
	w.Send(fmt.Sprintf("%x\r\n%s\r\n", len(data), data))
}

// EndStream ends it.
func (w *Wire) EndStream() {
	w.t.Helper()
	w.Send("0\r\n\r\n")
}

// Abort resets the connection.
func (w *Wire) Abort() {
	_ = w.SetLinger(0)
	_ = w.Close()
}

// Serve answers n events on one connection with what work returns for them. The channel has room
// for the one error, or nil.
func Serve(t *testing.T, addr string, n int, work func(event []byte) (kind, body string)) <-chan error {
	t.Helper()
	w := Dial(t, addr)
	done := make(chan error, 1)
	go func() {
		for range n {
			ev := w.Poll()
			kind, body := work(ev.Body)
			if r := w.Post(kind, ev.ID(), body); r.Err != nil || r.Status != 200 {
				done <- fmt.Errorf("report: status %d, %w", r.Status, r.Err)
				return
			}
		}
		done <- nil
	}()
	return done
}

// Echo is work for Serve.
func Echo(event []byte) (kind, body string) { return "response", string(event) }

// IsReset reports whether a connection ended before its answer did.
func IsReset(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "reset") || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF))
}
