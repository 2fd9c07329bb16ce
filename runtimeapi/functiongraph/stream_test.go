package functiongraph_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"

	"go.uber.org/zap/zapcore"
)

// arrivals is an Event.Stream that hands on what arrives.
type arrivals chan string

func (a arrivals) Write(p []byte) (int, error) {
	a <- string(p)
	return len(p), nil
}

// until returns what arrived once it is want, however it was cut.
func (a arrivals) until(t *testing.T, want string) {
	t.Helper()
	got := ""
	for got != want && !t.Failed() {
		got += testkit.Await(t, a, "the rest of "+want)
	}
}

// invokeAside runs an event while the test goes on.
func invokeAside(t *testing.T, srv *api.Server, e api.Event) <-chan *api.Result {
	done := make(chan *api.Result, 1)
	go func() {
		r, err := srv.Invoke(context.Background(), e)
		if err != nil {
			t.Error(err)
			r = &api.Result{}
		}
		done <- r
	}()
	return done
}

func TestAStreamReachesThePlatformAsItIsWritten(t *testing.T) {
	t.Parallel()
	srv, addr := runtimeAPI(t, api.Config{Streaming: true})
	words := make(chan string)
	start(t, addr, settings{streaming: true, program: func(_ context.Context, _ *adapter.Invocation, w io.Writer) error {
		for word := range words {
			if _, err := io.WriteString(w, word); err != nil {
				return err
			}
		}
		return nil
	}})
	got := make(arrivals, 100)
	done := invokeAside(t, srv, api.Event{Stream: got})
	for _, word := range []string{"a", "word ", "and another", strings.Repeat("x", 100_000), "."} {
		words <- word
		got.until(t, word) // before the next is written
	}
	close(words)
	if r := testkit.Await(t, done, "the end"); r.Failed || !r.Streamed || r.Cut {
		t.Errorf("got %+v", r)
	}
}

func TestWrittenInOneGoAStreamCommitsAt64KB(t *testing.T) {
	t.Parallel()
	s := listen(t)
	start(t, s.addr, settings{streaming: true, program: func(_ context.Context, inv *adapter.Invocation, w io.Writer) error {
		size := 64 << 10
		if inv.ID == "less" {
			size--
		}
		_, err := w.Write(make([]byte, size))
		return err
	}})
	p := s.accept()
	p.poll()
	p.send(event("less"))
	r, body := p.request()
	// On a slow machine 10 ms may pass first.
	if r.ContentLength != int64(64<<10-1) && len(r.TransferEncoding) == 0 || len(body) != 64<<10-1 {
		t.Errorf("got %+v", r)
	}
	p.send(ok)
	s.pollOn(&p)
	p.send(event("enough"))
	p = s.accept() // a stream can't be repeated: it trusts no old connection
	if r, body := p.request(); len(r.TransferEncoding) != 1 || r.TransferEncoding[0] != "chunked" || len(body) != 64<<10 {
		t.Errorf("got %+v", r)
	}
	p.send(ok)
}

// pollOn takes the next poll on p or, if that was closed, on a new connection.
func (s *server) pollOn(p **peer) {
	s.t.Helper()
	if _, err := (*p).in.Peek(1); err != nil {
		*p = s.accept()
	}
	(*p).poll()
}

func TestALargeStreamArrivesByteForByte(t *testing.T) {
	t.Parallel()
	const size = 6<<20 + 1
	payload := noise(size)
	for _, wrap := range []bool{false, true} {
		srv, addr := runtimeAPI(t, api.Config{Streaming: true})
		start(t, addr, settings{streaming: true, wrap: wrap, limit: 2 * size,
			program: func(_ context.Context, _ *adapter.Invocation, w io.Writer) error {
				_, err := io.Copy(w, struct{ io.Reader }{bytes.NewReader(payload)})
				return err
			}})
		var got bytes.Buffer
		event := api.Event{Stream: &got, Payload: []byte(`{"httpMethod":"GET","path":"/","requestContext":{}}`)}
		if r := invoke(t, srv, event); r.Failed || !r.Streamed {
			t.Errorf("got %+v", r)
		}
		body := got.Bytes()
		if wrap {
			var envelope struct {
				StatusCode      int
				IsBase64Encoded bool
				Body            []byte
			}
			if err := json.Unmarshal(body, &envelope); err != nil || envelope.StatusCode != 200 || !envelope.IsBase64Encoded {
				t.Errorf("envelope: %v", err)
			}
			body = envelope.Body
		}
		if sha256.Sum256(body) != sha256.Sum256(payload) {
			t.Errorf("wrap %t: got %d other bytes", wrap, len(body))
		}
	}
}

func TestAnEnvelopeGoesOutAsItsBodyIsWritten(t *testing.T) {
	t.Parallel()
	srv, addr := runtimeAPI(t, api.Config{Streaming: true})
	words := make(chan string)
	start(t, addr, settings{streaming: true, wrap: true,
		program: func(_ context.Context, _ *adapter.Invocation, w io.Writer) error {
			for word := range words {
				if _, err := io.WriteString(w, word); err != nil {
					return err
				}
			}
			return nil
		}})
	got := make(arrivals, 100)
	done := invokeAside(t, srv, api.Event{Stream: got, Payload: []byte(`{"httpMethod":"GET","path":"/","requestContext":{}}`)})
	words <- "one"
	got.until(t, `{"statusCode":200,"headers":{"Content-Type":"text/plain; charset=utf-8","X-Content-Type-Options":"nosniff"},"isBase64Encoded":true,"body":"`+
		base64.StdEncoding.EncodeToString([]byte("one")))
	words <- "two"
	got.until(t, base64.StdEncoding.EncodeToString([]byte("two")))
	close(words)
	got.until(t, `"}`)
	if r := testkit.Await(t, done, "the end"); r.Failed || r.Cut {
		t.Errorf("got %+v", r)
	}
}

// checkCut wants a stream that the platform saw break off and then one error.
func checkCut(t *testing.T, srv *api.Server, r *api.Result, errorType string) {
	t.Helper()
	if !r.Failed || !r.Cut || r.Code != 0 || failureOf(t, r.Payload).Type != errorType {
		t.Errorf("got %+v with %s", r, r.Payload)
	}
	all := srv.Reports(r.RequestID)
	if len(all) != 2 || all[0].Kind != api.KindResponse || all[0].Complete || all[1].Kind != api.KindError || !all[1].Counted {
		t.Errorf("reports: %+v", all)
	}
}

// seen is an Event.Stream that is closed by the first bytes that arrive.
type seen chan struct{}

func (s seen) Write(p []byte) (int, error) {
	select {
	case <-s:
	default:
		close(s)
	}
	return len(p), nil
}

func TestAFailureAfterTheCommitCutsTheStreamAndIsReportedOnce(t *testing.T) {
	t.Parallel()
	large := make([]byte, 100_000)
	for name, c := range map[string]struct {
		want string
		// rest is what the program does once the platform has the first bytes.
		rest func(io.Writer) error
	}{
		"an error": {"Mine", func(io.Writer) error { return &adapter.Error{Type: "Mine"} }},
		"a panic":  {adapter.TypeInternal, func(io.Writer) error { panic("oops") }},
		"the limit": {adapter.TypeTooLarge, func(w io.Writer) error {
			for {
				if _, err := w.Write(large); err != nil {
					return errors.New("the program was stopped")
				}
			}
		}},
		"the limit, ignored": {adapter.TypeTooLarge, func(w io.Writer) error {
			for range 100 {
				_, _ = w.Write(large)
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, addr := runtimeAPI(t, api.Config{Streaming: true})
			arrived := make(chan seen, 1)
			start(t, addr, settings{streaming: true, limit: 1 << 20,
				program: func(_ context.Context, _ *adapter.Invocation, w io.Writer) error {
					_, _ = w.Write(large)
					testkit.Await(t, <-arrived, "the stream's beginning") // or the report might overtake it
					return c.rest(w)
				}})
			for range 2 {
				first := make(seen)
				arrived <- first
				checkCut(t, srv, invoke(t, srv, api.Event{Stream: first}), c.want)
			}
		})
	}
}

func TestAFailureBeforeTheCommitIsAnErrorReport(t *testing.T) {
	t.Parallel()
	s := listen(t)
	start(t, s.addr, settings{streaming: true, program: func(context.Context, *adapter.Invocation, io.Writer) error {
		return &adapter.Error{Type: "Mine"}
	}})
	p := s.accept()
	p.poll()
	p.send(event("1"))
	p.post("error/1")
	p.send(ok)
	p.poll()
}

func TestAPlatformThatResetsTheStreamIsToldOfTheErrorOnce(t *testing.T) {
	t.Parallel()
	for name, swallow := range map[string]bool{"noticed by the program": false, "not noticed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, addr := runtimeAPI(t, api.Config{Streaming: true, Faults: faults(t, "post:cut")})
			start(t, addr, settings{streaming: true, limit: 1 << 40,
				program: func(_ context.Context, inv *adapter.Invocation, w io.Writer) error {
					if string(inv.Payload) == "next" {
						return nil
					}
					for {
						if _, err := w.Write(make([]byte, 50_000)); err != nil {
							if swallow {
								return nil
							}
							return err
						}
					}
				}})
			var got bytes.Buffer
			checkCut(t, srv, invoke(t, srv, api.Event{Stream: &got}), adapter.TypeInternal)
			if r := invoke(t, srv, api.Event{Payload: []byte("next")}); r.Failed {
				t.Errorf("the next one: %+v", r)
			}
		})
	}
}

func TestARefusedStreamIsFollowedByNothing(t *testing.T) {
	t.Parallel()
	srv, addr := runtimeAPI(t, api.Config{Streaming: true, Faults: faults(t, "post:404")})
	i := start(t, addr, settings{streaming: true, program: func(_ context.Context, _ *adapter.Invocation, w io.Writer) error {
		_, err := w.Write(make([]byte, 100_000))
		return err
	}})
	refused := invoke(t, srv, api.Event{})
	if r := invoke(t, srv, api.Event{}); r.Failed {
		t.Errorf("the next one: %+v", r)
	}
	i.stop()
	if all := srv.Reports(refused.RequestID); len(all) != 1 || !all[0].Complete {
		t.Errorf("reports: %+v", all)
	}
}

func TestARefusedStreamAsksForTheSwitch(t *testing.T) {
	t.Parallel()
	srv, addr := runtimeAPI(t, api.Config{}) // the switch is off
	i := start(t, addr, settings{streaming: true, limit: 8 << 20, program: func(_ context.Context, _ *adapter.Invocation, w io.Writer) error {
		_, err := w.Write(make([]byte, 7<<20))
		return err
	}})
	invoke(t, srv, api.Event{})
	i.stop()
	var text string
	for _, entry := range i.logs.FilterLevelExact(zapcore.ErrorLevel).All() {
		text += entry.Message + fmt.Sprint(entry.ContextMap())
	}
	if !strings.Contains(text, "status 413") || strings.Count(text, "(is the function's Streaming Response switched on?)") != 1 {
		t.Errorf("the log says %s", text)
	}
}

// fill writes until it fails and tells when it is held up: when the platform
// takes nothing and the buffers on the way are full.
func fill(w io.Writer, written chan<- int64) error {
	block := make([]byte, 256<<10)
	for {
		n, err := w.Write(block)
		written <- int64(n)
		if err != nil {
			return err
		}
	}
}

func TestAPlatformThatStopsReadingHoldsUpTheProgramUntilTheDeadline(t *testing.T) {
	t.Parallel()
	s := listen(t)
	written := make(chan int64, 1<<20)
	start(t, s.addr, settings{streaming: true, limit: 1 << 40, timeout: 2 * time.Second, margin: 500 * time.Millisecond,
		program: func(ctx context.Context, inv *adapter.Invocation, w io.Writer) error {
			if inv.ID == "next" {
				return echo(ctx, inv, w)
			}
			_ = fill(w, written)
			return &adapter.Error{Type: adapter.TypeTimeout}
		}})
	p := s.accept()
	p.poll()
	p.send(event("1"))
	began := time.Now()
	p = s.accept() // the stream; nothing of it is read
	q := s.accept()
	if f := failureOf(t, []byte(q.post("error/1"))); f.Type != adapter.TypeTimeout {
		t.Errorf("the report is %+v", f)
	}
	if took := time.Since(began); took < time.Second || took > testkit.Patience/2 {
		t.Errorf("the report came after %s", took)
	}
	q.send(ok)
	var total int64
	for len(written) > 0 {
		total += <-written
	}
	if total > 64<<20 {
		t.Errorf("%d bytes went nowhere", total)
	}
	rest, err := io.ReadAll(p)
	if err == nil && bytes.HasSuffix(rest, []byte("0\r\n\r\n")) {
		t.Error("the stream passes for complete")
	}
	s.serveOne(q, "next")
}

func TestAShutdownCutsAStreamThatThePlatformDoesNotRead(t *testing.T) {
	t.Parallel()
	s := listen(t)
	written := make(chan int64, 1<<20)
	i := start(t, s.addr, settings{streaming: true, limit: 1 << 40, grace: time.Millisecond,
		program: func(ctx context.Context, _ *adapter.Invocation, w io.Writer) error {
			_ = fill(w, written)
			return &adapter.Error{Type: adapter.TypeShutdown, Message: context.Cause(ctx).Error()}
		}})
	p := s.accept()
	p.poll()
	p.send(event("1"))
	s.accept()
	testkit.Await(t, written, "the program's first bytes")
	i.end()
	q := s.accept()
	if f := failureOf(t, []byte(q.post("error/1"))); f.Type != adapter.TypeShutdown || f.Message != adapter.ErrShutdown.Error() {
		t.Errorf("the report is %+v", f)
	}
	q.send(ok)
	testkit.Await(t, i.done, "the stop")
}
