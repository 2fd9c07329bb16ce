package api_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"
	"fgbootstrap/platform/fgtest"
)

// newAPI opens a runtime API; at the test's end nothing of it may be left.
func newAPI(t *testing.T, cfg api.Config) (a *api.Server, addr string) {
	t.Helper()
	testkit.NoLeaks(t)
	if cfg.Timeout == 0 {
		cfg.Timeout = testkit.Patience
	}
	a, err := api.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a, listen(t, a).Addr()
}

// listen opens a listener, at a free port.
func listen(t *testing.T, a *api.Server) *api.Listener {
	t.Helper()
	l, err := a.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAnEventIsAnsweredByteForByte(t *testing.T) {
	for _, body := range []string{"", "{}", "\x00\xff\r\n", strings.Repeat("x", 6<<20)} {
		a, addr := newAPI(t, api.Config{})
		served := fgtest.Serve(t, addr, 1, fgtest.Echo)
		r := testkit.Await(t, fgtest.Invoke(a, api.Event{Payload: []byte(body)}), "the outcome")
		if r.Err != nil || r.Failed || r.Code != 0 || string(r.Payload) != body || r.Size != int64(len(body)) {
			t.Errorf("%.20q: got %.200s", body, r)
		}
		if err := testkit.Await(t, served, "all events to be served"); err != nil {
			t.Error(err)
		}
	}
}

func TestMetadataHeadersHaveThePlatformsNames(t *testing.T) {
	a, addr := newAPI(t, api.Config{
		Credentials: api.Credentials{AccessKey: "ak", AuthToken: "token"},
		Headers:     map[string]string{"X-Cff-Workflow-Id": "w", "X-Cff-Gone": "1"},
	})
	w := fgtest.Dial(t, addr)
	w.Send(fgtest.GetEvent)
	done := fgtest.Invoke(a, api.Event{RequestID: "id-1", Async: true, Headers: map[string]string{"x-cff-gone": "", "X-Stream-A": "s"}})
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := w.In.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		head.WriteString(line)
	}
	for _, want := range []string{"X-Cff-Request-Id: id-1", "X-CFF-Invoke-Type: async", "X-CFF-Access-Key: ak",
		"X-CFF-Auth-Token: token", "X-Cff-Workflow-Id: w", "X-Stream-A: s"} {
		if !strings.Contains(head.String(), "\r\n"+want+"\r\n") {
			t.Errorf("no %q in\n%s", want, head.String())
		}
	}
	for _, not := range []string{"Secret", "Gone", "gone"} {
		if strings.Contains(head.String(), not) {
			t.Errorf("%q in\n%s", not, head.String())
		}
	}
	w.Post("response", "id-1", "")
	testkit.Await(t, done, "the outcome")
}

func TestEventsGoToPollersInOrder(t *testing.T) {
	a, addr := newAPI(t, api.Config{})
	var results []<-chan fgtest.Outcome
	first := fgtest.Dial(t, addr)
	first.Send(fgtest.GetEvent)
	testkit.Eventually(t, "the first poll is there", func() bool { return a.Polls() == 1 })
	second := fgtest.Dial(t, addr)
	second.Send(fgtest.GetEvent)
	testkit.Eventually(t, "the second poll is there", func() bool { return a.Polls() == 2 })
	for i, w := range []*fgtest.Wire{first, second} {
		results = append(results, fgtest.Invoke(a, api.Event{Payload: fmt.Append(nil, i)}))
		ev := w.Receive()
		if string(ev.Body) != fmt.Sprint(i) {
			t.Errorf("poller %d got event %s", i, ev.Body)
		}
		w.Post("response", ev.ID(), "done "+string(ev.Body))
	}
	for i, r := range results {
		if got := testkit.Await(t, r, "the outcome"); string(got.Payload) != fmt.Sprint("done ", i) {
			t.Errorf("event %d: %s", i, got)
		}
	}
	if n := len(a.PollTimes()); n != 2 {
		t.Errorf("%d poll times", n)
	}
}

func TestADeadPollerSwallowsNoEvent(t *testing.T) {
	for name, die := range map[string]func(*fgtest.Wire){"closed": func(w *fgtest.Wire) { _ = w.Close() }, "reset": (*fgtest.Wire).Abort} {
		t.Run(name, func(t *testing.T) {
			a, addr := newAPI(t, api.Config{})
			for i := range 20 {
				w := fgtest.Dial(t, addr)
				w.Send(fgtest.GetEvent)
				testkit.Eventually(t, "it polls", func() bool { return a.Polls() == 2*i+1 })
				die(w)
				done := fgtest.Invoke(a, api.Event{Payload: []byte("precious")})
				if err := testkit.Await(t, fgtest.Serve(t, addr, 1, fgtest.Echo), "all events to be served"); err != nil {
					t.Fatal(err)
				}
				if r := testkit.Await(t, done, "the outcome"); string(r.Payload) != "precious" {
					t.Fatal(r)
				}
			}
		})
	}
}

func TestOnlyTheFirstReportCounts(t *testing.T) {
	a, addr := newAPI(t, api.Config{})
	done := fgtest.Invoke(a, api.Event{})
	w := fgtest.Dial(t, addr)
	id := w.Poll().ID()
	for _, step := range []struct {
		kind, id, body string
		status         int
	}{
		{"response", "unknown", "a", 404},
		{"response", id, "a", 200},
		{"response", id, "a", 200},
		{"response", id, "b", 404},
		{"error", id, "a", 404},
	} {
		if r := w.Post(step.kind, step.id, step.body); r.Status != step.status || (r.Status == 404 && !strings.Contains(string(r.Body), "error_msg")) {
			t.Errorf("%+v: got %d %s", step, r.Status, r.Body)
		}
	}
	if r := testkit.Await(t, done, "the outcome"); string(r.Payload) != "a" {
		t.Error(r)
	}
	var got strings.Builder
	for _, r := range a.Reports(id) {
		fmt.Fprintf(&got, "%s %d %s counted=%v repeated=%v complete=%v; ", r.Kind, r.Status, r.Body, r.Counted, r.Repeated, r.Complete)
		if r.SHA256 != sha256.Sum256(r.Body) || r.Size != 1 || r.At.IsZero() {
			t.Errorf("%+v", r)
		}
	}
	want := "response 200 a counted=true repeated=false complete=true; response 200 a counted=false repeated=true complete=true; " +
		"response 404 b counted=false repeated=false complete=true; error 404 a counted=false repeated=false complete=true; "
	if got.String() != want {
		t.Errorf("got  %s\nwant %s", got.String(), want)
	}
	if n := len(a.AllReports()); n != 5 {
		t.Errorf("%d reports in all", n)
	}
}

func TestAnEscapedRequestIDIsTheSameID(t *testing.T) {
	a, addr := newAPI(t, api.Config{})
	done := fgtest.Invoke(a, api.Event{RequestID: "a/b c"})
	w := fgtest.Dial(t, addr)
	w.Poll()
	if r := w.Post("response", "a%2Fb%20c", "x"); r.Status != 200 {
		t.Error(r)
	}
	testkit.Await(t, done, "the outcome")
}

func TestAnErrorReportIsAFailedResult(t *testing.T) {
	a, addr := newAPI(t, api.Config{})
	const body = `{"errorType":"T","errorMessage":"it broke"}`
	served := fgtest.Serve(t, addr, 1, func([]byte) (string, string) { return "error", body })
	r := testkit.Await(t, fgtest.Invoke(a, api.Event{}), "the outcome")
	if !r.Failed || r.Code != 0 || string(r.Payload) != body || r.Reason() != "it broke" {
		t.Error(r)
	}
	if err := testkit.Await(t, served, "all events to be served"); err != nil {
		t.Error(err)
	}
}

func TestUnknownPathsAreRefused(t *testing.T) {
	_, addr := newAPI(t, api.Config{})
	for _, head := range []string{"GET /", "POST /v1/runtime/invocation/request", "GET /v1/runtime/invocation/response/x", "PUT /v1/runtime/invocation/response/x", "POST /v1/runtime/invocation/init/x", "POST /v1/runtime/invocation/response/"} {
		w := fgtest.Dial(t, addr)
		w.Send(head + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
		if r := w.Receive(); r.Status != 404 {
			t.Errorf("%s: %d %v", head, r.Status, r.Err)
		}
	}
}

func TestEventsOverTheLimitAreRefused(t *testing.T) {
	a, _ := newAPI(t, api.Config{})
	for _, ev := range []api.Event{
		{Payload: make([]byte, api.MaxPayload+1)},
		{Payload: make([]byte, api.MaxAsync+1), Async: true},
	} {
		if r := testkit.Await(t, fgtest.Invoke(a, ev), "the outcome"); !errors.Is(r.Err, api.ErrEventTooLarge) {
			t.Error(r)
		}
	}
}

func TestAResponseAtTheLimitPassesAndOneByteMoreDoesNot(t *testing.T) {
	a, addr := newAPI(t, api.Config{})
	for _, over := range []int{0, 1} {
		done := fgtest.Invoke(a, api.Event{})
		w := fgtest.Dial(t, addr)
		posted := w.Post("response", w.Poll().ID(), strings.Repeat("x", api.MaxPayload+over))
		r := testkit.Await(t, done, "the outcome")
		if over == 0 && (posted.Status != 200 || r.Failed || r.Size != api.MaxPayload) {
			t.Errorf("at the limit: %d %v, code %d", posted.Status, posted.Err, r.Code)
		}
		if over == 1 && (posted.Status != 413 || r.Code != api.CodeTooLarge || !strings.Contains(string(r.Payload), "FSS.4008")) {
			t.Errorf("over the limit: %d %v, code %d", posted.Status, posted.Err, r.Code)
		}
	}
}

func TestAnEventThatNobodyAnswersTimesOut(t *testing.T) {
	expired := make(chan int, 1)
	a, addr := newAPI(t, api.Config{Timeout: 50 * time.Millisecond, Expired: func(n int) { expired <- n }})
	done := fgtest.Invoke(a, api.Event{})
	w := fgtest.Dial(t, addr)
	id := w.Poll().ID()
	r := testkit.Await(t, done, "the outcome")
	if !r.Failed || r.Code != api.CodeTimeout || r.Duration < 50*time.Millisecond || !strings.Contains(string(r.Payload), `"error_code":"FSS.4010"`) {
		t.Error(r)
	}
	testkit.Await(t, expired, "the load timeout")
	if late := w.Post("response", id, "late"); late.Status != 404 {
		t.Error(late)
	}
}

func TestAnEventThatNobodyPollsForTimesOut(t *testing.T) {
	a, addr := newAPI(t, api.Config{LoadTimeout: 50 * time.Millisecond})
	if r := testkit.Await(t, fgtest.Invoke(a, api.Event{}), "the outcome"); r.Code != api.CodeLoadTimeout {
		t.Error(r)
	}
	if err := testkit.Await(t, func() <-chan error { // the event that timed out is no longer there
		done := fgtest.Invoke(a, api.Event{Payload: []byte("next")})
		served := fgtest.Serve(t, addr, 1, fgtest.Echo)
		if r := testkit.Await(t, done, "the outcome"); string(r.Payload) != "next" {
			t.Error(r)
		}
		return served
	}(), "all events to be served"); err != nil {
		t.Error(err)
	}
}

func TestInvokeEndsWithItsContext(t *testing.T) {
	a, addr := newAPI(t, api.Config{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := a.Invoke(ctx, api.Event{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	w := fgtest.Dial(t, addr)
	w.Send(fgtest.GetEvent)
	go func() {
		w.Receive()
		cancel()
	}()
	if _, err := a.Invoke(ctx, api.Event{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestARequestIDIsUsedOnce(t *testing.T) {
	a, addr := newAPI(t, api.Config{})
	first := fgtest.Invoke(a, api.Event{RequestID: "same"})
	w := fgtest.Dial(t, addr)
	w.Poll()
	if r := testkit.Await(t, fgtest.Invoke(a, api.Event{RequestID: "same"}), "the outcome"); r.Err == nil {
		t.Error("accepted twice")
	}
	w.Post("response", "same", "")
	testkit.Await(t, first, "the outcome")
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	a, addr := newAPI(t, api.Config{Timeout: time.Hour})
	taken, waiting := fgtest.Invoke(a, api.Event{}), fgtest.Invoke(a, api.Event{})
	w := fgtest.Dial(t, addr)
	w.Poll()
	w.Send(fgtest.GetEvent)
	w.Receive()
	w.Send(fgtest.GetEvent) // parked
	testkit.Eventually(t, "it is parked", func() bool { return a.Polls() == 3 })
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	for _, c := range []<-chan fgtest.Outcome{taken, waiting} {
		if r := testkit.Await(t, c, "the outcome"); !errors.Is(r.Err, api.ErrClosed) {
			t.Error(r)
		}
	}
	if r := w.Receive(); !fgtest.IsReset(r.Err) {
		t.Error(r)
	}
	if _, err := a.Invoke(context.Background(), api.Event{}); !errors.Is(err, api.ErrClosed) {
		t.Error(err)
	}
}

func TestACutReportIsNoOutcome(t *testing.T) {
	for name, begin := range map[string]string{
		"declared": "Content-Length: 20000\r\n\r\n" + strings.Repeat("x", 10000),
		"chunked":  "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			a, addr := newAPI(t, api.Config{})
			done := fgtest.Invoke(a, api.Event{})
			w := fgtest.Dial(t, addr)
			id := w.Poll().ID()
			cut := fgtest.Dial(t, addr)
			cut.Send(fgtest.PostHead("response", id) + begin)
			_ = cut.CloseWrite()
			testkit.Eventually(t, "the cut report is seen", func() bool { return len(a.Reports(id)) == 1 })
			if r := a.Reports(id)[0]; r.Complete || r.Status != 0 || r.Counted || r.Chunked != (name == "chunked") {
				t.Errorf("%+v", r)
			}
			if r := w.Post("response", id, "whole"); r.Status != 200 {
				t.Error(r)
			}
			if r := testkit.Await(t, done, "the outcome"); string(r.Payload) != "whole" || r.Cut {
				t.Error(r)
			}
		})
	}
}

func TestAChunkedResponseIsHeldWhileStreamingIsOff(t *testing.T) {
	a, addr := newAPI(t, api.Config{})
	done := fgtest.Invoke(a, api.Event{})
	w := fgtest.Dial(t, addr)
	w.OpenStream(w.Poll().ID())
	w.Chunk("one ")
	w.Chunk("two")
	w.EndStream()
	if r := w.Receive(); r.Status != 200 {
		t.Error(r)
	}
	if r := testkit.Await(t, done, "the outcome"); string(r.Payload) != "one two" || r.Streamed {
		t.Error(r)
	}
}

// pipeEvent is an event whose stream is read from the returned reader.
func pipeEvent() (api.Event, *io.PipeReader) {
	r, w := io.Pipe()
	return api.Event{Stream: w}, r
}

func TestAStreamArrivesAsItFlows(t *testing.T) {
	a, addr := newAPI(t, api.Config{Streaming: true})
	ev, got := pipeEvent()
	done := fgtest.Invoke(a, ev)
	w := fgtest.Dial(t, addr)
	w.OpenStream(w.Poll().ID())
	buf := make([]byte, 5)
	for _, piece := range []string{"first", "again"} {
		w.Chunk(piece)
		if _, err := io.ReadFull(got, buf); err != nil || string(buf) != piece {
			t.Fatalf("%s, %v", buf, err)
		}
	}
	w.EndStream()
	if r := w.Receive(); r.Status != 200 {
		t.Error(r)
	}
	if r := testkit.Await(t, done, "the outcome"); !r.Streamed || r.Cut || r.Failed || r.Size != 10 || r.Payload != nil {
		t.Error(r)
	}
}

func TestAStreamWithoutAWriterIsTheResult(t *testing.T) {
	a, addr := newAPI(t, api.Config{Streaming: true})
	done := fgtest.Invoke(a, api.Event{})
	w := fgtest.Dial(t, addr)
	id := w.Poll().ID()
	w.OpenStream(id)
	piece := strings.Repeat("x", 1<<20)
	for range 8 {
		w.Chunk(piece)
	}
	w.EndStream()
	w.Receive()
	if r := testkit.Await(t, done, "the outcome"); len(r.Payload) != 8<<20 || !r.Streamed {
		t.Errorf("%d bytes, streamed %v", len(r.Payload), r.Streamed)
	}
	if r := a.Reports(id)[0]; r.SHA256 != sha256.Sum256([]byte(strings.Repeat(piece, 8))) || r.Body != nil || !r.Counted {
		t.Errorf("%+v", r)
	}
}

func TestAReaderThatStopsHoldsTheStreamBack(t *testing.T) {
	a, addr := newAPI(t, api.Config{Streaming: true, Timeout: testkit.Patience})
	ev, got := pipeEvent()
	done := fgtest.Invoke(a, ev)
	w := fgtest.Dial(t, addr)
	w.OpenStream(w.Poll().ID())
	piece := strings.Repeat("x", 1<<20)
	stuck := false
	for range 64 { // more than the sockets hold
		_ = w.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		if _, err := fmt.Fprintf(w, "%x\r\n%s\r\n", len(piece), piece); err != nil {
			stuck = true
			break
		}
	}
	if !stuck {
		t.Error("64 MB were taken although nobody read them")
	}
	_ = got.Close()
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	testkit.Await(t, done, "the outcome")
}

func TestACutStreamLeavesTheIDOpenForTheError(t *testing.T) {
	a, addr := newAPI(t, api.Config{Streaming: true})
	ev, got := pipeEvent()
	done := fgtest.Invoke(a, ev)
	w := fgtest.Dial(t, addr)
	id := w.Poll().ID()
	stream := fgtest.Dial(t, addr)
	stream.OpenStream(id)
	stream.Chunk("half")
	buf := make([]byte, 4)
	if _, err := io.ReadFull(got, buf); err != nil {
		t.Fatal(err)
	}
	_ = stream.Close() // between two chunks: the parser's own end of a body looks the same
	if r := w.Post("response", id, "again"); r.Status != 404 {
		t.Errorf("a second response: %d", r.Status)
	}
	if r := w.Post("error", id, "{}"); r.Status != 200 {
		t.Errorf("the error: %d", r.Status)
	}
	if r := testkit.Await(t, done, "the outcome"); !r.Failed || !r.Cut || !r.Streamed || string(r.Payload) != "{}" {
		t.Error(r)
	}
	if r := a.Reports(id)[0]; r.Complete || r.Size != 4 || !r.Chunked {
		t.Errorf("%+v", r)
	}
}

func TestAWriterThatFailsCutsTheStream(t *testing.T) {
	a, addr := newAPI(t, api.Config{Streaming: true})
	ev, got := pipeEvent()
	_ = got.Close()
	done := fgtest.Invoke(a, ev)
	w := fgtest.Dial(t, addr)
	id := w.Poll().ID()
	stream := fgtest.Dial(t, addr)
	stream.OpenStream(id)
	stream.Chunk("data")
	if r := stream.Receive(); !fgtest.IsReset(r.Err) {
		t.Error(r)
	}
	w.Post("error", id, "{}")
	if r := testkit.Await(t, done, "the outcome"); !r.Cut || !r.Failed {
		t.Error(r)
	}
}

func TestAStreamOverItsLimitIsTooLarge(t *testing.T) {
	a, addr := newAPI(t, api.Config{Streaming: true, MaxStream: 100})
	done := fgtest.Invoke(a, api.Event{})
	w := fgtest.Dial(t, addr)
	w.OpenStream(w.Poll().ID())
	w.Chunk(strings.Repeat("x", 101))
	w.EndStream()
	if r := w.Receive(); r.Status != 413 {
		t.Error(r)
	}
	if r := testkit.Await(t, done, "the outcome"); r.Code != api.CodeTooLarge || !r.Cut {
		t.Error(r)
	}
}

func TestADeadlineBreaksAStreamOff(t *testing.T) {
	a, addr := newAPI(t, api.Config{Streaming: true, Timeout: 100 * time.Millisecond})
	ev, got := pipeEvent()
	go func() { _, _ = io.Copy(io.Discard, got) }()
	done := fgtest.Invoke(a, ev)
	w := fgtest.Dial(t, addr)
	w.OpenStream(w.Poll().ID())
	w.Chunk("data")
	if r := w.Receive(); !fgtest.IsReset(r.Err) {
		t.Error(r)
	}
	if r := testkit.Await(t, done, "the outcome"); r.Code != api.CodeTimeout || !r.Cut || !r.Streamed {
		t.Error(r)
	}
	_ = got.Close()
}
