package adapter

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"fgbootstrap/internal/apig"
	"fgbootstrap/internal/testkit"
)

// sink takes a stream and remembers it write by write.
type sink struct {
	mu     sync.Mutex
	writes [][]byte
	err    error // how the stream ended
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, bytes.Clone(p))
	return len(p), nil
}

func (s *sink) take(r *Response) error {
	_, err := r.WriteTo(s)
	s.err = err
	return err
}

func (s *sink) all() string { return string(bytes.Join(s.writes, nil)) }

// streamed sends what write writes in answer to event.
func streamed(t testing.TB, limit int64, wrap bool, event string, write func(io.Writer) error) (*sink, *Response, error) {
	t.Helper()
	s := &sink{}
	r := newResponse(t, ResponseOptions{Limit: limit, Stream: s.take})
	if wrap {
		r.Envelope = gateway
	}
	r.Reset([]byte(event))
	return s, r, r.End(write(r))
}

func pieces(all ...string) func(io.Writer) error {
	return func(w io.Writer) error {
		for _, p := range all {
			if _, err := io.WriteString(w, p); err != nil {
				return err
			}
		}
		return nil
	}
}

const blank64K = 64 << 10

func TestAStreamedResultForTheGatewayIsDecidedByItsFirstByte(t *testing.T) {
	long := strings.Repeat("long ", 20_000)
	for name, c := range map[string]struct {
		parts []string
		want  string // a content type, or "" for untouched
	}{
		"an object":                     {[]string{`{"statusCode":200,"body":"`, long, `"}`}, ""},
		"an object that is no envelope": {[]string{`{`, long}, ""},
		"an object after blanks":        {[]string{" \r\n\t", "{", long}, ""},
		"text":                          {[]string{long}, "text/plain; charset=utf-8"},
		"text in pieces":                {[]string{"a", long, "b", long, "cc"}, "text/plain; charset=utf-8"},
		"text after blanks":             {[]string{"  ", long}, "text/plain; charset=utf-8"},
		"HTML":                          {[]string{"<!doctype html>", long}, "text/plain; charset=utf-8"},
		"bytes":                         {[]string{"\xff", long}, "application/octet-stream"},
		"blanks of 64 KB":               {[]string{strings.Repeat(" ", blank64K), `{"statusCode":200}`}, "text/plain; charset=utf-8"},
		"nearly as many":                {[]string{strings.Repeat(" ", blank64K-1), `{"statusCode":200}`}, ""},
		"a character cut at 64 KB":      {[]string{strings.Repeat("x", blank64K-1) + "é" + long}, "text/plain; charset=utf-8"},
		"a longer one":                  {[]string{strings.Repeat("x", blank64K-3) + "\U0001F600" + long}, "text/plain; charset=utf-8"},
		"half a character at 64 KB":     {[]string{strings.Repeat("x", blank64K-2) + "\xc3x" + long}, "application/octet-stream"},
	} {
		t.Run(name, func(t *testing.T) {
			result := strings.Join(c.parts, "")
			s, r, err := streamed(t, 1<<20, true, apigEvent, pieces(c.parts...))
			if err != nil || s.err != nil {
				t.Fatal(err, s.err)
			}
			if _, whole := r.Whole(); whole {
				t.Fatal("it was held")
			}
			if c.want == "" {
				if s.all() != result {
					t.Errorf("%d bytes became %d others", len(result), len(s.all()))
				}
				return
			}
			body, contentType, binary := open(t, s.all())
			if body != result || contentType != c.want || !binary {
				t.Errorf("%d bytes became %d, %s, base64 %t", len(result), len(body), contentType, binary)
			}
		})
	}
}

func TestAStreamedResultForAnotherEventStaysAsItIs(t *testing.T) {
	text := strings.Repeat("text ", 100_000)
	for event, wrap := range map[string]bool{`{}`: true, apigEvent: false} {
		s, _, err := streamed(t, 1<<20, wrap, event, pieces(text))
		if err != nil || s.all() != text {
			t.Errorf("%v: %d bytes became %d", err, len(text), len(s.all()))
		}
	}
}

// A short response may be committed or not, as it happens: what becomes of it
// must not depend on that.
func TestAShortStreamedResultIsWrappedByItsFirstByte(t *testing.T) {
	for _, result := range []string{"", "  ", "hello", `{"a":1}`, `{"statusCode":200}`, "\xff"} {
		s, r, err := streamed(t, 1<<20, true, apigEvent, pieces(result))
		if err != nil {
			t.Fatal(err)
		}
		got := s.all()
		if body, whole := r.Whole(); whole {
			got = string(body)
		}
		if strings.HasPrefix(result, "{") {
			if got != result {
				t.Errorf("%q became %q", result, got)
			}
		} else if body, _, base64 := open(t, got); body != result || !base64 {
			t.Errorf("%q became %q", result, got)
		}
	}
}

func TestAStreamIsCommittedTenMillisecondsAfterItsFirstByte(t *testing.T) {
	for _, first := range []string{"x", "{", " "} {
		committed := make(chan time.Time, 1)
		s := &sink{}
		r := newResponse(t, ResponseOptions{Limit: 1000, Envelope: gateway, Stream: func(r *Response) error {
			committed <- time.Now()
			return s.take(r)
		}})
		r.Reset([]byte(apigEvent))
		began := time.Now()
		if _, err := io.WriteString(r, first); err != nil {
			t.Fatal(err)
		}
		if first == " " { // says nothing yet about what follows
			<-time.After(3 * commitDelay)
			if len(committed) > 0 {
				t.Error("a blank was committed")
			}
			if _, err := io.WriteString(r, "{"); err != nil {
				t.Fatal(err)
			}
		}
		if after := (<-committed).Sub(began); after < commitDelay {
			t.Errorf("%q was committed after %s", first, after)
		}
		if err := r.End(nil); err != nil {
			t.Error(err)
		}
	}
}

// While a held response is reported its 10 ms may pass: a commit then would be
// a second outcome.
func TestNothingIsCommittedAfterTheEnd(t *testing.T) {
	s := &sink{}
	for range 10 {
		r := newResponse(t, ResponseOptions{Limit: 100, Stream: s.take})
		r.Reset(nil)
		if _, err := io.WriteString(r, "short"); err != nil {
			t.Fatal(err)
		}
		if err := r.End(nil); err != nil {
			t.Fatal(err)
		}
		_, held := r.Whole() // always, but on a slow machine
		<-time.After(3 * commitDelay)
		if _, still := r.Whole(); still != held {
			t.Fatal("it was committed after its end")
		}
	}
}

// The same where the end of the invocation and the 10 ms meet.
func TestACommitThatComesTooLateIsNone(t *testing.T) {
	s := &sink{}
	r := newResponse(t, ResponseOptions{Limit: 100, Stream: s.take})
	r.mu.Lock()
	r.n = copy(r.held, "short")
	r.heldMore()
	<-time.After(3 * commitDelay) // the commit waits for the lock
	r.stopTimer()                 // which the end had got first
	r.mu.Unlock()
	<-time.After(commitDelay)
	if _, held := r.Whole(); !held {
		t.Error("it was committed after its end")
	}
}

func TestAFailedHandlerBreaksItsStreamOff(t *testing.T) {
	cause := errors.New("the program failed")
	for _, wrap := range []bool{false, true} {
		s, _, err := streamed(t, 1<<20, wrap, apigEvent, func(w io.Writer) error {
			_, _ = w.Write(make([]byte, 100_000))
			return cause
		})
		if !errors.Is(err, cause) {
			t.Errorf("ended with %v", err)
		}
		if !errors.Is(s.err, cause) {
			t.Errorf("the sender saw %v", s.err)
		}
		if wrap && strings.HasSuffix(s.all(), apig.End) {
			t.Error("the envelope passes for complete")
		}
	}
}

func TestTheLimitOfAStreamHoldsForWhatIsSent(t *testing.T) {
	const limit = 1 << 20
	fits := (limit - int(apig.OK("").Size()(0))) / 4 * 3
	for _, c := range []struct {
		wrap bool
		size int
		fits bool
	}{
		{false, limit, true}, {false, limit + 1, false}, {true, fits, true}, {true, fits + 1, false}, {true, limit, false},
	} {
		for how, write := range map[string]func(w io.Writer, p []byte) error{
			"at once": func(w io.Writer, p []byte) error { _, err := w.Write(p); return err },
			"in pieces": func(w io.Writer, p []byte) error {
				_, err := io.Copy(onlyWriter{w}, onlyReader{bytes.NewReader(p)})
				return err
			},
			"read":    func(w io.Writer, p []byte) error { _, err := io.Copy(w, onlyReader{bytes.NewReader(p)}); return err },
			"ignored": func(w io.Writer, p []byte) error { _, _ = io.Copy(w, onlyReader{bytes.NewReader(p)}); return nil },
		} {
			s, _, err := streamed(t, limit, c.wrap, apigEvent, func(w io.Writer) error { return write(w, make([]byte, c.size)) })
			if sent := len(s.all()); sent > limit {
				t.Errorf("wrap %t, %d bytes %s: %d were sent", c.wrap, c.size, how, sent)
			}
			if c.fits && (err != nil || s.err != nil) || !c.fits && (!isTooLarge(err) || s.writes != nil && s.err == nil) {
				t.Errorf("wrap %t, %d bytes %s: %v, the sender saw %v", c.wrap, c.size, how, err, s.err)
			}
		}
	}
}

func TestAnEnvelopeOverTheLimitIsNotBegun(t *testing.T) {
	// What is held fits, its envelope does not, and nothing more is written.
	s, _, err := streamed(t, 70_000, true, apigEvent, pieces(strings.Repeat("x", 64<<10)))
	if !isTooLarge(err) || s.writes != nil {
		t.Errorf("ended with %v after %d writes", err, len(s.writes))
	}
}

func TestAnEnvelopeGoesOutInLargeWrites(t *testing.T) {
	s, _, err := streamed(t, 8<<20, true, apigEvent, func(w io.Writer) error {
		for range 10 {
			if _, err := w.Write(make([]byte, streamBytes)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.writes); n > 14 {
		t.Errorf("%d writes", n)
	}
}

func TestASenderThatGivesUpEndsTheWriter(t *testing.T) {
	broken := errors.New("reset by peer")
	for name, send := range map[string]func(*Response) error{
		"at once":   func(*Response) error { return broken },
		"meanwhile": func(r *Response) error { _, _ = r.WriteTo(&limited{left: 100_000}); return broken },
	} {
		r := newResponse(t, ResponseOptions{Limit: 1 << 40, Stream: send})
		r.Reset(nil)
		var err error
		for err == nil {
			_, err = r.Write(make([]byte, 10_000))
		}
		if !errors.Is(err, broken) {
			t.Errorf("%s: the writer got %v", name, err)
		}
		if err := r.End(nil); !errors.Is(err, broken) {
			t.Errorf("%s: ended with %v", name, err)
		}
	}
}

// limited takes so many bytes and then no more.
type limited struct{ left int }

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		return 0, io.ErrShortWrite
	}
	l.left -= len(p)
	return len(p), nil
}

func TestASenderThatFinishesEarlyWithoutAnErrorIsOneToo(t *testing.T) {
	r := newResponse(t, ResponseOptions{Limit: 1 << 40, Stream: func(*Response) error { return nil }})
	r.Reset(nil)
	var err error
	for err == nil {
		_, err = r.Write(make([]byte, 10_000))
	}
	if err := r.End(err); err == nil {
		t.Error("half a response passed for a whole one")
	}
}

func TestAStreamsHeadGoesOutBeforeItsBody(t *testing.T) {
	first, rest := make(chan string, 1), make(chan string, 1)
	r := newResponse(t, ResponseOptions{Limit: 1 << 20, Envelope: gateway, Stream: func(r *Response) error {
		from, to := io.Pipe()
		go func() {
			piece := make([]byte, 1000)
			n, _ := from.Read(piece)
			first <- string(piece[:n])
			all, _ := io.ReadAll(from)
			rest <- string(all)
		}()
		_, err := r.WriteTo(to)
		_ = to.Close()
		return err
	}})
	r.Reset([]byte(apigEvent))
	r.SetHead(head(201, "text/event-stream"), false)
	want := `{"statusCode":201,"headers":{"Set-Cookie":["a=1","b=2"],"content-type":"text/event-stream"},"isBase64Encoded":false,"body":"`
	if got := testkit.Await(t, first, "the head"); got != want && got != "" {
		t.Errorf("got %s", got)
	}
	if _, err := io.WriteString(r, "data: é\xff\n\n"); err != nil {
		t.Fatal(err)
	}
	if err := r.End(nil); err != nil {
		t.Fatal(err)
	}
	if got := testkit.Await(t, rest, "the body"); got != `data: é`+"\ufffd"+`\n\n"}` {
		t.Errorf("got %s", got)
	}
}

func TestAStreamOfTextThatIsTooLargeWhenEscapedBreaksOff(t *testing.T) {
	s := &sink{}
	r := newResponse(t, ResponseOptions{Limit: 300_000, Envelope: gateway, Stream: s.take})
	r.Reset([]byte(apigEvent))
	r.SetHead(head(200, "application/json"), false)
	_, err := io.WriteString(r, strings.Repeat("\x01", 200_000))
	if err := r.End(err); !isTooLarge(err) {
		t.Errorf("got %v", err)
	}
}
