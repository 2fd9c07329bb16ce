package platform_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"fgbootstrap/platform"
)

func TestAnEventIsAnsweredByteForByte(t *testing.T) {
	for _, body := range []string{"", "{}", "\x00\xff\r\n", strings.Repeat("x", 6<<20)} {
		a := newAPI(t, platform.Config{})
		served := serve(t, a.Addr(), 1, echo)
		r := await(t, invoke(a, platform.Event{Payload: []byte(body)}))
		if r.err != nil || r.Failed || r.Code != 0 || string(r.Payload) != body || r.Size != int64(len(body)) {
			t.Errorf("%.20q: got %.200s", body, r)
		}
		if err := await(t, served); err != nil {
			t.Error(err)
		}
	}
}

func TestMetadataHeadersHaveThePlatformsNames(t *testing.T) {
	a := newAPI(t, platform.Config{
		Credentials: platform.Credentials{AccessKey: "ak", AuthToken: "token"},
		Headers:     map[string]string{"X-Cff-Workflow-Id": "w", "X-Cff-Gone": "1"},
	})
	w := dial(t, a.Addr())
	w.send(getEvent)
	done := invoke(a, platform.Event{RequestID: "id-1", Async: true, Headers: map[string]string{"x-cff-gone": "", "X-Stream-A": "s"}})
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := w.r.ReadString('\n')
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
	w.post("response", "id-1", "")
	await(t, done)
}

func TestEventsGoToPollersInOrder(t *testing.T) {
	a := newAPI(t, platform.Config{})
	var results []<-chan outcome
	first := dial(t, a.Addr())
	first.send(getEvent)
	eventually(t, "the first poll is there", func() bool { return a.Polls() == 1 })
	second := dial(t, a.Addr())
	second.send(getEvent)
	eventually(t, "the second poll is there", func() bool { return a.Polls() == 2 })
	for i, w := range []*wire{first, second} {
		results = append(results, invoke(a, platform.Event{Payload: fmt.Append(nil, i)}))
		ev := w.read()
		if string(ev.body) != fmt.Sprint(i) {
			t.Errorf("poller %d got event %s", i, ev.body)
		}
		w.post("response", ev.id(), "done "+string(ev.body))
	}
	for i, r := range results {
		if got := await(t, r); string(got.Payload) != fmt.Sprint("done ", i) {
			t.Errorf("event %d: %s", i, got)
		}
	}
	if n := len(a.PollTimes()); n != 2 {
		t.Errorf("%d poll times", n)
	}
}

func TestADeadPollerSwallowsNoEvent(t *testing.T) {
	for name, die := range map[string]func(*wire){"closed": func(w *wire) { _ = w.Close() }, "reset": (*wire).abort} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, platform.Config{})
			for i := range 20 {
				w := dial(t, a.Addr())
				w.send(getEvent)
				eventually(t, "it polls", func() bool { return a.Polls() == 2*i+1 })
				die(w)
				done := invoke(a, platform.Event{Payload: []byte("precious")})
				if err := await(t, serve(t, a.Addr(), 1, echo)); err != nil {
					t.Fatal(err)
				}
				if r := await(t, done); string(r.Payload) != "precious" {
					t.Fatal(r)
				}
			}
		})
	}
}

func TestOnlyTheFirstReportCounts(t *testing.T) {
	a := newAPI(t, platform.Config{})
	done := invoke(a, platform.Event{})
	w := dial(t, a.Addr())
	id := w.poll().id()
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
		if r := w.post(step.kind, step.id, step.body); r.status != step.status || (r.status == 404 && !strings.Contains(string(r.body), "error_msg")) {
			t.Errorf("%+v: got %d %s", step, r.status, r.body)
		}
	}
	if r := await(t, done); string(r.Payload) != "a" {
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
	a := newAPI(t, platform.Config{})
	done := invoke(a, platform.Event{RequestID: "a/b c"})
	w := dial(t, a.Addr())
	w.poll()
	if r := w.post("response", "a%2Fb%20c", "x"); r.status != 200 {
		t.Error(r)
	}
	await(t, done)
}

func TestAnErrorReportIsAFailedResult(t *testing.T) {
	a := newAPI(t, platform.Config{})
	const body = `{"errorType":"T","errorMessage":"it broke"}`
	served := serve(t, a.Addr(), 1, func([]byte) (string, string) { return "error", body })
	r := await(t, invoke(a, platform.Event{}))
	if !r.Failed || r.Code != 0 || string(r.Payload) != body || r.Reason() != "it broke" {
		t.Error(r)
	}
	if err := await(t, served); err != nil {
		t.Error(err)
	}
}

func TestUnknownPathsAreRefused(t *testing.T) {
	a := newAPI(t, platform.Config{})
	for _, head := range []string{"GET /", "POST /v1/runtime/invocation/request", "GET /v1/runtime/invocation/response/x", "PUT /v1/runtime/invocation/response/x", "POST /v1/runtime/invocation/init/x", "POST /v1/runtime/invocation/response/"} {
		w := dial(t, a.Addr())
		w.send(head + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
		if r := w.read(); r.status != 404 {
			t.Errorf("%s: %d %v", head, r.status, r.err)
		}
	}
}

func TestEventsOverTheLimitAreRefused(t *testing.T) {
	a := newAPI(t, platform.Config{})
	for _, ev := range []platform.Event{
		{Payload: make([]byte, platform.MaxPayload+1)},
		{Payload: make([]byte, platform.MaxAsync+1), Async: true},
	} {
		if r := await(t, invoke(a, ev)); !errors.Is(r.err, platform.ErrEventTooLarge) {
			t.Error(r)
		}
	}
}

func TestAResponseAtTheLimitPassesAndOneByteMoreDoesNot(t *testing.T) {
	a := newAPI(t, platform.Config{})
	for _, over := range []int{0, 1} {
		done := invoke(a, platform.Event{})
		w := dial(t, a.Addr())
		posted := w.post("response", w.poll().id(), strings.Repeat("x", platform.MaxPayload+over))
		r := await(t, done)
		if over == 0 && (posted.status != 200 || r.Failed || r.Size != platform.MaxPayload) {
			t.Errorf("at the limit: %d %v, code %d", posted.status, posted.err, r.Code)
		}
		if over == 1 && (posted.status != 413 || r.Code != platform.CodeTooLarge || !strings.Contains(string(r.Payload), "FSS.4008")) {
			t.Errorf("over the limit: %d %v, code %d", posted.status, posted.err, r.Code)
		}
	}
}

func TestAnEventThatNobodyAnswersTimesOut(t *testing.T) {
	expired := make(chan int, 1)
	a := newAPI(t, platform.Config{Timeout: 50 * time.Millisecond, Expired: func(n int) { expired <- n }})
	done := invoke(a, platform.Event{})
	w := dial(t, a.Addr())
	id := w.poll().id()
	r := await(t, done)
	if !r.Failed || r.Code != platform.CodeTimeout || r.Duration < 50*time.Millisecond || !strings.Contains(string(r.Payload), `"error_code":"FSS.4010"`) {
		t.Error(r)
	}
	await(t, expired)
	if late := w.post("response", id, "late"); late.status != 404 {
		t.Error(late)
	}
}

func TestAnEventThatNobodyPollsForTimesOut(t *testing.T) {
	a := newAPI(t, platform.Config{LoadTimeout: 50 * time.Millisecond})
	if r := await(t, invoke(a, platform.Event{})); r.Code != platform.CodeLoadTimeout {
		t.Error(r)
	}
	if err := await(t, func() <-chan error { // the event that timed out is no longer there
		done := invoke(a, platform.Event{Payload: []byte("next")})
		served := serve(t, a.Addr(), 1, echo)
		if r := await(t, done); string(r.Payload) != "next" {
			t.Error(r)
		}
		return served
	}()); err != nil {
		t.Error(err)
	}
}

func TestInvokeEndsWithItsContext(t *testing.T) {
	a := newAPI(t, platform.Config{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := a.Invoke(ctx, platform.Event{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	w := dial(t, a.Addr())
	w.send(getEvent)
	go func() {
		w.read()
		cancel()
	}()
	if _, err := a.Invoke(ctx, platform.Event{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestARequestIDIsUsedOnce(t *testing.T) {
	a := newAPI(t, platform.Config{})
	first := invoke(a, platform.Event{RequestID: "same"})
	w := dial(t, a.Addr())
	w.poll()
	if r := await(t, invoke(a, platform.Event{RequestID: "same"})); r.err == nil {
		t.Error("accepted twice")
	}
	w.post("response", "same", "")
	await(t, first)
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	a := newAPI(t, platform.Config{Timeout: time.Hour})
	taken, waiting := invoke(a, platform.Event{}), invoke(a, platform.Event{})
	w := dial(t, a.Addr())
	w.poll()
	w.send(getEvent)
	w.read()
	w.send(getEvent) // parked
	eventually(t, "it is parked", func() bool { return a.Polls() == 3 })
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	for _, c := range []<-chan outcome{taken, waiting} {
		if r := await(t, c); !errors.Is(r.err, platform.ErrClosed) {
			t.Error(r)
		}
	}
	if r := w.read(); !isReset(r.err) {
		t.Error(r)
	}
	if _, err := a.Invoke(context.Background(), platform.Event{}); !errors.Is(err, platform.ErrClosed) {
		t.Error(err)
	}
}

func TestACutReportIsNoOutcome(t *testing.T) {
	for name, begin := range map[string]string{
		"declared": "Content-Length: 20000\r\n\r\n" + strings.Repeat("x", 10000),
		"chunked":  "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, platform.Config{})
			done := invoke(a, platform.Event{})
			w := dial(t, a.Addr())
			id := w.poll().id()
			cut := dial(t, a.Addr())
			cut.send(postHead("response", id) + begin)
			_ = cut.CloseWrite()
			eventually(t, "the cut report is seen", func() bool { return len(a.Reports(id)) == 1 })
			if r := a.Reports(id)[0]; r.Complete || r.Status != 0 || r.Counted || r.Chunked != (name == "chunked") {
				t.Errorf("%+v", r)
			}
			if r := w.post("response", id, "whole"); r.status != 200 {
				t.Error(r)
			}
			if r := await(t, done); string(r.Payload) != "whole" || r.Cut {
				t.Error(r)
			}
		})
	}
}

func TestAChunkedResponseIsHeldWhileStreamingIsOff(t *testing.T) {
	a := newAPI(t, platform.Config{})
	done := invoke(a, platform.Event{})
	w := dial(t, a.Addr())
	w.openStream(w.poll().id())
	w.chunk("one ")
	w.chunk("two")
	w.send("0\r\n\r\n")
	if r := w.read(); r.status != 200 {
		t.Error(r)
	}
	if r := await(t, done); string(r.Payload) != "one two" || r.Streamed {
		t.Error(r)
	}
}

// pipeEvent is an event whose stream is read from the returned reader.
func pipeEvent() (platform.Event, *io.PipeReader) {
	r, w := io.Pipe()
	return platform.Event{Stream: w}, r
}

func TestAStreamArrivesAsItFlows(t *testing.T) {
	a := newAPI(t, platform.Config{Streaming: true})
	ev, got := pipeEvent()
	done := invoke(a, ev)
	w := dial(t, a.Addr())
	w.openStream(w.poll().id())
	buf := make([]byte, 5)
	for _, piece := range []string{"first", "again"} {
		w.chunk(piece)
		if _, err := io.ReadFull(got, buf); err != nil || string(buf) != piece {
			t.Fatalf("%s, %v", buf, err)
		}
	}
	w.send("0\r\n\r\n")
	if r := w.read(); r.status != 200 {
		t.Error(r)
	}
	if r := await(t, done); !r.Streamed || r.Cut || r.Failed || r.Size != 10 || r.Payload != nil {
		t.Error(r)
	}
}

func TestAStreamWithoutAWriterIsTheResult(t *testing.T) {
	a := newAPI(t, platform.Config{Streaming: true})
	done := invoke(a, platform.Event{})
	w := dial(t, a.Addr())
	id := w.poll().id()
	w.openStream(id)
	piece := strings.Repeat("x", 1<<20)
	for range 8 {
		w.chunk(piece)
	}
	w.send("0\r\n\r\n")
	w.read()
	if r := await(t, done); len(r.Payload) != 8<<20 || !r.Streamed {
		t.Errorf("%d bytes, streamed %v", len(r.Payload), r.Streamed)
	}
	if r := a.Reports(id)[0]; r.SHA256 != sha256.Sum256([]byte(strings.Repeat(piece, 8))) || r.Body != nil || !r.Counted {
		t.Errorf("%+v", r)
	}
}

func TestAReaderThatStopsHoldsTheStreamBack(t *testing.T) {
	a := newAPI(t, platform.Config{Streaming: true, Timeout: patience})
	ev, got := pipeEvent()
	done := invoke(a, ev)
	w := dial(t, a.Addr())
	w.openStream(w.poll().id())
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
	await(t, done)
}

func TestACutStreamLeavesTheIDOpenForTheError(t *testing.T) {
	a := newAPI(t, platform.Config{Streaming: true})
	ev, got := pipeEvent()
	done := invoke(a, ev)
	w := dial(t, a.Addr())
	id := w.poll().id()
	stream := dial(t, a.Addr())
	stream.openStream(id)
	stream.chunk("half")
	buf := make([]byte, 4)
	if _, err := io.ReadFull(got, buf); err != nil {
		t.Fatal(err)
	}
	_ = stream.Close() // between two chunks: the parser's own end of a body looks the same
	if r := w.post("response", id, "again"); r.status != 404 {
		t.Errorf("a second response: %d", r.status)
	}
	if r := w.post("error", id, "{}"); r.status != 200 {
		t.Errorf("the error: %d", r.status)
	}
	if r := await(t, done); !r.Failed || !r.Cut || !r.Streamed || string(r.Payload) != "{}" {
		t.Error(r)
	}
	if r := a.Reports(id)[0]; r.Complete || r.Size != 4 || !r.Chunked {
		t.Errorf("%+v", r)
	}
}

func TestAWriterThatFailsCutsTheStream(t *testing.T) {
	a := newAPI(t, platform.Config{Streaming: true})
	ev, got := pipeEvent()
	_ = got.Close()
	done := invoke(a, ev)
	w := dial(t, a.Addr())
	id := w.poll().id()
	stream := dial(t, a.Addr())
	stream.openStream(id)
	stream.chunk("data")
	if r := stream.read(); !isReset(r.err) {
		t.Error(r)
	}
	w.post("error", id, "{}")
	if r := await(t, done); !r.Cut || !r.Failed {
		t.Error(r)
	}
}

func TestAStreamOverItsLimitIsTooLarge(t *testing.T) {
	a := newAPI(t, platform.Config{Streaming: true, MaxStream: 100})
	done := invoke(a, platform.Event{})
	w := dial(t, a.Addr())
	w.openStream(w.poll().id())
	w.chunk(strings.Repeat("x", 101))
	w.send("0\r\n\r\n")
	if r := w.read(); r.status != 413 {
		t.Error(r)
	}
	if r := await(t, done); r.Code != platform.CodeTooLarge || !r.Cut {
		t.Error(r)
	}
}

func TestADeadlineBreaksAStreamOff(t *testing.T) {
	a := newAPI(t, platform.Config{Streaming: true, Timeout: 100 * time.Millisecond})
	ev, got := pipeEvent()
	go func() { _, _ = io.Copy(io.Discard, got) }()
	done := invoke(a, ev)
	w := dial(t, a.Addr())
	w.openStream(w.poll().id())
	w.chunk("data")
	if r := w.read(); !isReset(r.err) {
		t.Error(r)
	}
	if r := await(t, done); r.Code != platform.CodeTimeout || !r.Cut || !r.Streamed {
		t.Error(r)
	}
	_ = got.Close()
}
