package adapter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"unicode/utf8"
	"unsafe"

	"fgbootstrap/internal/apig"
	"fgbootstrap/internal/offheap"
)

const apigEvent = `{"httpMethod":"GET","path":"/","requestContext":{"requestId":"r"},"body":"","isBase64Encoded":true}`

// gateway is how bootstrap wraps results.
var gateway = &Envelope{Wants: apig.IsCall, Is: apig.IsEnvelope, Begins: apig.Begins, Bare: apig.OK(""), Doubts: apig.Doubts, Lacks: apig.Lacks}

func newResponse(t testing.TB, o ResponseOptions) *Response {
	t.Helper()
	r, err := NewResponse(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Free)
	return r
}

func isTooLarge(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Type == TypeTooLarge
}

func TestAResponseMayBeAsLargeAsTheLimitAndNotAByteLarger(t *testing.T) {
	for _, limit := range []int{1, 100, 64 << 10, 1<<20 + 1, 6 << 20} {
		r := newResponse(t, ResponseOptions{Limit: int64(limit)})
		for how, put := range map[string]func([]byte) error{
			"at once": func(p []byte) error { _, err := r.Write(p); return err },
			"read":    func(p []byte) error { _, err := r.ReadFrom(bytes.NewReader(p)); return err },
			"in pieces": func(p []byte) error {
				_, err := io.CopyBuffer(onlyWriter{r}, onlyReader{bytes.NewReader(p)}, make([]byte, 1000))
				return err
			},
		} {
			r.Reset(nil)
			whole := bytes.Repeat([]byte{'x'}, limit)
			if err := put(whole); err != nil {
				t.Errorf("%s, %d bytes: %v", how, limit, err)
			}
			if err := r.End(nil); err != nil {
				t.Errorf("%s, %d bytes: %v", how, limit, err)
			}
			if body, ok := r.Whole(); !ok || !bytes.Equal(body, whole) || r.Written() != int64(limit) {
				t.Errorf("%s, %d bytes: got %d, %t, %d", how, limit, len(body), ok, r.Written())
			}
			r.Reset(nil)
			if err := put(append(whole, 'x')); !isTooLarge(err) {
				t.Errorf("%s, %d bytes and one: %v", how, limit, err)
			}
			if _, err := r.Write([]byte{'x'}); !isTooLarge(err) {
				t.Errorf("%s, %d bytes and two: %v", how, limit, err)
			}
			// The handler's error is only what came of it.
			if err := r.End(errors.New("broken pipe")); !isTooLarge(err) {
				t.Errorf("%s, %d bytes and one: ended with %v", how, limit, err)
			}
		}
	}
}

type onlyWriter struct{ io.Writer }

type onlyReader struct{ io.Reader }

func TestReadFromAndWriteAgree(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	bytesOfAnyKind := rand.NewChaCha8([32]byte{1})
	const limit = 300_000
	read, written := newResponse(t, ResponseOptions{Limit: limit}), newResponse(t, ResponseOptions{Limit: limit})
	for range 300 {
		read.Reset(nil)
		written.Reset(nil)
		var rerr, werr error
		for rerr == nil && werr == nil && random.IntN(5) > 0 {
			part := make([]byte, random.IntN(130_000))
			_, _ = bytesOfAnyKind.Read(part) // never fails
			var src io.Reader = bytes.NewReader(part)
			switch random.IntN(3) {
			case 0:
				src = iotest.DataErrReader(src)
			case 1:
				src = iotest.HalfReader(src)
			}
			_, rerr = read.ReadFrom(src)
			_, werr = written.Write(part)
		}
		if (rerr == nil) != (werr == nil) {
			t.Fatalf("ReadFrom: %v, Write: %v", rerr, werr)
		}
		if (read.End(rerr) == nil) != (written.End(werr) == nil) {
			t.Fatalf("ReadFrom: %v, Write: %v", rerr, werr)
		}
		if rerr != nil {
			continue
		}
		r, _ := read.Whole()
		w, _ := written.Whole()
		if !bytes.Equal(r, w) || read.Written() != written.Written() {
			t.Fatalf("ReadFrom: %d bytes, Write: %d bytes", len(r), len(w))
		}
	}
}

func TestReadFromHandsOnTheErrorsOfItsSource(t *testing.T) {
	r := newResponse(t, ResponseOptions{Limit: 100})
	broken := errors.New("broken")
	n, err := r.ReadFrom(io.MultiReader(strings.NewReader("some"), iotest.ErrReader(broken)))
	if n != 4 || !errors.Is(err, broken) {
		t.Errorf("got %d, %v", n, err)
	}
}

func TestALargeResponseGivesItsMemoryBack(t *testing.T) {
	r := newResponse(t, ResponseOptions{Limit: 6 << 20, Envelope: gateway})
	r.Reset([]byte(apigEvent))
	if _, err := r.Write(bytes.Repeat([]byte{0xff}, 4<<20)); err != nil {
		t.Fatal(err)
	}
	if err := r.End(nil); err != nil {
		t.Fatal(err)
	}
	if n := resident(t, r.held) + resident(t, r.wrapped); n < 8<<20 {
		t.Fatalf("%d bytes are resident: this test can't fail", n)
	}
	r.Reset(nil)
	if n := resident(t, r.held) + resident(t, r.wrapped); n > 2*offheap.Keep {
		t.Errorf("%d bytes are still resident", n)
	}
	// And what is used again is clean.
	if _, err := r.Write([]byte("small")); err != nil {
		t.Fatal(err)
	}
	if body, _ := r.Whole(); string(body) != "small" {
		t.Errorf("got %q", body)
	}
}

// resident is how many bytes of m the system holds for us.
func resident(t *testing.T, m offheap.Buffer) int {
	t.Helper()
	page := os.Getpagesize()
	pages := make([]byte, (len(m)+page-1)/page)
	if _, _, errno := syscall.Syscall(syscall.SYS_MINCORE, uintptr(unsafe.Pointer(&m[0])), uintptr(len(m)),
		uintptr(unsafe.Pointer(&pages[0]))); errno != 0 {
		t.Fatal(errno)
	}
	n := 0
	for _, p := range pages {
		n += int(p&1) * page
	}
	return n
}

// wrapped is what becomes of result as the answer to event.
func wrapped(t testing.TB, limit int, event, result string) (string, error) {
	t.Helper()
	r := newResponse(t, ResponseOptions{Limit: int64(limit), Envelope: gateway})
	r.Reset([]byte(event))
	if _, err := r.Write([]byte(result)); err != nil {
		return "", err
	}
	err := r.End(nil)
	body, _ := r.Whole()
	return string(body), err
}

// envelope is what the gateway understands.
type envelope struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Body            *string           `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// open takes text out of an envelope.
func open(t testing.TB, text string) (body, contentType string, binary bool) {
	t.Helper()
	var e envelope
	strict := json.NewDecoder(strings.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&e); err != nil {
		t.Fatalf("%v: %.200q", err, text)
	}
	if _, err := strict.Token(); err != io.EOF {
		t.Fatalf("something follows the envelope: %.200q", text)
	}
	if e.StatusCode != 200 || len(e.Headers) != 2 || e.Headers["X-Content-Type-Options"] != "nosniff" || e.Body == nil {
		t.Fatalf("got %.200q", text)
	}
	body = *e.Body
	if e.IsBase64Encoded {
		var raw []byte
		if err := json.Unmarshal([]byte(`"`+body+`"`), &raw); err != nil {
			t.Fatal(err)
		}
		body = string(raw)
	}
	return body, e.Headers["Content-Type"], e.IsBase64Encoded
}

func TestAResultForTheGatewayIsPutIntoAnEnvelope(t *testing.T) {
	const (
		text   = "text/plain; charset=utf-8"
		js     = "application/json"
		binary = "application/octet-stream"
	)
	for result, want := range map[string]string{
		"":      text,
		"hello": text,
		"  \n":  text,
		"{":     text,
		"tab\t\r\n\x01\x1f\"\\/\u2028é日\U0001F600": text,
		`{"a":1}`:                       js,
		` [1, 2] `:                      js,
		`"text"`:                        js,
		`17`:                            js,
		`null`:                          js,
		`{"statusCode":99}`:             js,
		`{"statusCode":1000}`:           js,
		`{"statusCode":"200"}`:          js,
		`{"statusCode":200.0}`:          js,
		`{"statusCode":2e2}`:            js,
		`{"statusCode":-20}`:            js,
		`{"statusCode":null}`:           js,
		`{"statusCode":[200]}`:          js,
		`{"a":{"statusCode":200}}`:      js,
		`{"a":"\"statusCode\":200"}`:    js,
		`{"statuscode":200}`:            js,
		`[{"statusCode":200}]`:          js,
		`{"statusCode":099}`:            text, // no JSON
		`{"statusCode":200} {}`:         text,
		`{"statusCode":200`:             text,
		`{"statusCode":200,}`:           text,
		`{"statusCode":200}trailing`:    text,
		"\ufeff" + `{"statusCode":200}`: text, // with a BOM it is no JSON to anybody
		"<!DOCTYPE html><p>":            text, // never by guess
		"\n <HTML lang=de>":             text, // never by guess
		"\ufeff<html>":                  text, // never by guess
		"<p>":                           text, // never by guess
		"<!-- x -->":                    text, // never by guess
		"<?xml version='1.0'?>":         text,
		"<pre>":                         text,
		"<":                             text,
		"<p":                            text,
		"\xff\xfe":                      binary,
		"half a character \xc3":         binary,
		`{"a":"` + "\xff" + `"}`:        binary,
		"\x89PNG\r\n\x1a\n\x00\x00\xde": "image/png",
		"a zero byte \x00":              binary, // UTF-8 all the same
	} {
		got, err := wrapped(t, 1<<20, apigEvent, result)
		if err != nil {
			t.Errorf("%q: %v", result, err)
			continue
		}
		body, contentType, encoded := open(t, got)
		if body != result || contentType != want || encoded == utf8.ValidString(result) {
			t.Errorf("%q became %q, %s, base64 %t", result, body, contentType, encoded)
		}
	}
}

func TestAnEnvelopeAndAnAnswerToAnotherEventStayAsTheyAre(t *testing.T) {
	for _, result := range []string{
		`{"statusCode":100}`, `{"statusCode":999}`, `{"statusCode":200}`,
		" \t\r\n{ \"statusCode\" : 200 , \"body\":\"x\"}\r\n ",
		`{"headers":{"statusCode":"x"},"body":"{\"statusCode\":1}","isBase64Encoded":false,"statusCode":404}`,
		`{"statusCode":1,"statusCode":201}`, // the last one counts, as it does for everybody
	} {
		if got, err := wrapped(t, 1<<20, apigEvent, result); err != nil || got != result {
			t.Errorf("%q became %q, %v", result, got, err)
		}
	}
	for _, event := range []string{
		``, `{}`, `[]`, `hello`,
		`{"httpMethod":"GET","path":"/"}`,
		`{"httpMethod":"GET","requestContext":{}}`,
		`{"path":"/","requestContext":{}}`,
		`{"httpMethod":1,"path":"/","requestContext":{}}`,
		`{"httpMethod":"GET","path":null,"requestContext":{}}`,
		`{"httpMethod":"GET","path":"/","requestContext":[]}`,
		`{"httpMethod":"GET","path":"/","requestContext":"{}"}`,
		`[{"httpMethod":"GET","path":"/","requestContext":{}}]`,
		`{"event":{"httpMethod":"GET","path":"/","requestContext":{}}}`,
		`{"httpMethod":"GET","path":"/","nested":{"requestContext":{}}}`,
		`{"text":"\"httpMethod\":\"GET\",\"path\":\"/\",\"requestContext\":{}"}`,
		`{"httpMethod":"GET","path":"/","requestContext":{}`,
		`{"httpMethod":"GET","path":"/","requestContext":{}}}`,
		`{"HTTPMethod":"GET","Path":"/","RequestContext":{}}`,
	} {
		for _, result := range []string{"", "hello", "\xff", `{"a":1}`} {
			if got, err := wrapped(t, 1<<20, event, result); err != nil || got != result {
				t.Errorf("answering %s, %q became %q, %v", event, result, got, err)
			}
		}
	}
}

func TestTheGatewaysEventIsKnownByThreeKeysInAnyOrder(t *testing.T) {
	for _, event := range []string{
		apigEvent,
		`{"requestContext":{},"path":"/","httpMethod":"GET"}`,
		" {\n\t\"path\" : \"/\" ,\r\n \"a\":[{\"requestContext\":1}], \"requestContext\" : { \"path\" : 1 } , \"httpMethod\" : \"\" } ",
		`{"body":"\\\"requestContext\\\":\"}{][","path":"\\","requestContext":{"a":"}\\"},"httpMethod":"\""}`,
		`{"path":1,"path":"/","requestContext":{},"httpMethod":"GET"}`,
	} {
		if got, err := wrapped(t, 1<<20, event, "hello"); err != nil || got == "hello" {
			t.Errorf("%s: got %q, %v", event, got, err)
		}
	}
}

func TestWithoutWrapEveryResultStaysAsItIs(t *testing.T) {
	r := newResponse(t, ResponseOptions{Limit: 100})
	r.Reset([]byte(apigEvent))
	if _, err := r.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := r.End(nil); err != nil {
		t.Fatal(err)
	}
	if body, ok := r.Whole(); !ok || string(body) != "hello" {
		t.Errorf("got %q, %t", body, ok)
	}
}

func TestTheLimitHoldsForTheEnvelopeToo(t *testing.T) {
	const limit = 1 << 20
	head := len(apig.OK("").Append(nil, nil, false, limit))
	binaryHead := len(apig.OK("").Append(nil, []byte("\xff"), false, limit)) - len("/w==")
	for name, c := range map[string]struct {
		result string
		fits   bool
	}{
		"text that just fits":            {strings.Repeat("x", limit-head), true},
		"text that does not":             {strings.Repeat("x", limit-head+1), false},
		"a full response":                {strings.Repeat("x", limit), false},
		"quotes that just fit":           {strings.Repeat(`"`, (limit-head)/2), true},
		"quotes that fit in base64 only": {strings.Repeat(`"`, (limit-head)/2+1), true},
		"zeros that fit in base64 only":  {strings.Repeat("\x00", (limit-head)/6+1), true},
		"zeros that do not":              {strings.Repeat("\x00", limit/4*3), false},
		"nothing but quotes":             {strings.Repeat(`"`, limit), false},
		"nothing but control characters": {strings.Repeat("\x01", limit), false},
		"quotes at the end":              {strings.Repeat("x", limit-head-10) + strings.Repeat(`"`, 10), false},
		"bytes that just fit":            {strings.Repeat("\xff", (limit-binaryHead)/4*3), true},
		"bytes that do not":              {strings.Repeat("\xff", (limit-binaryHead)/4*3+1), false},
		"nothing but bytes":              {strings.Repeat("\xff", limit), false},
	} {
		got, err := wrapped(t, limit, apigEvent, c.result)
		if c.fits {
			if err != nil || len(got) > limit {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			} else if body, _, _ := open(t, got); body != c.result {
				t.Errorf("%s: it became another", name)
			}
		} else if !isTooLarge(err) || !strings.Contains(err.Error(), fmt.Sprintf("of %d bytes", len(c.result))) || !strings.Contains(err.Error(), "base64") {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

func FuzzEveryEnvelopeHoldsItsResult(f *testing.F) {
	for _, seed := range []string{"", "hello", `{"a":1}`, "<p>", "\xff", "\x00\x1f\x7f\"\\", "\u2028\ufeff", `{"statusCode":200}`} {
		f.Add([]byte(seed), 1000)
	}
	f.Fuzz(func(t *testing.T, result []byte, limit int) {
		if limit < 1 || limit > 1<<16 || len(result) > limit {
			return
		}
		got, err := wrapped(t, limit, apigEvent, string(result))
		switch {
		case isTooLarge(err):
			if len(result)*6+200 < limit {
				t.Fatalf("%d bytes do not fit into %d", len(result), limit)
			}
		case err != nil:
			t.Fatal(err)
		case apig.IsEnvelope(result):
			if got != string(result) {
				t.Fatalf("the envelope %q became %q", result, got)
			}
		default:
			if len(got) > limit {
				t.Fatalf("%d bytes are over the limit %d", len(got), limit)
			}
			if body, _, _ := open(t, got); body != string(result) {
				t.Fatalf("%q became %q", result, body)
			}
		}
	})
}

func TestWhatIsMadeReadyInItsRoomIsTheResponse(t *testing.T) {
	r := newResponse(t, ResponseOptions{Limit: 3 << 20})
	r.Reset(nil)
	var want []byte
	for size := 1; ; size *= 7 {
		room := r.Room()
		if len(room) != 0 {
			t.Fatalf("the room has %d bytes", len(room))
		}
		piece := bytes.Repeat([]byte{byte('a' + size%26)}, size)
		n, err := r.Write(append(room, piece...))
		if err != nil {
			var told *Error
			if !errors.As(err, &told) || told.Type != TypeTooLarge || len(want)+size <= 3<<20 {
				t.Fatalf("after %d bytes, of %d more: %v", len(want), size, err)
			}
			break
		}
		want = append(want, piece...)
		if got, _ := r.Whole(); n != size || !bytes.Equal(got, want) {
			t.Fatalf("%d written; it has %d bytes, want %d", n, len(got), len(want))
		}
	}
}

func TestAStreamedResponseHasNoRoom(t *testing.T) {
	r := newResponse(t, ResponseOptions{Limit: 1 << 20, Stream: func(*Response) error { return nil }})
	r.Reset(nil)
	if cap(r.Room()) != 0 {
		t.Error("it has")
	}
}

func TestWhatIsDiscardedIsNotInTheResponse(t *testing.T) {
	r := newResponse(t, ResponseOptions{Limit: 10})
	r.Reset(nil)
	if _, err := r.Write([]byte("far too much")); err == nil {
		t.Fatal("it took more than its limit")
	}
	if !r.Discard() {
		t.Fatal("it is held, and not discarded")
	}
	if _, err := r.Write([]byte("new")); err != nil {
		t.Error(err)
	}
	if body, held := r.Whole(); string(body) != "new" || !held || r.Written() != 3 {
		t.Errorf("got %q, held %v, %d bytes", body, held, r.Written())
	}
}

func TestALimitThatStreamingDoesNotRaiseIsNoReasonToAdviseIt(t *testing.T) {
	for limit, advised := range map[int64]bool{6 << 20: true, 200<<20 - 1: true, 200 << 20: false, 1 << 30: false} {
		if got := TooLarge(limit, 0).Message; strings.Contains(got, "up to 200 MB") != advised || !strings.Contains(got, fmt.Sprint(limit, " bytes")) {
			t.Errorf("%d: %s", limit, got)
		}
	}
}

// head is one with what a bare result has not.
func head(status int, contentType string) apig.Answer {
	return apig.Answer{Status: status, Fields: []apig.Field{
		{Name: []byte("Set-Cookie"), Value: []byte("a=1")}, {Name: []byte("content-type"), Value: []byte(contentType)},
		{Name: []byte("set-cookie"), Value: []byte("b=2")},
	}}
}

func TestAResponseWithAHeadIsNeverTakenForAnEnvelope(t *testing.T) {
	const echoed = `{"statusCode":200,"body":"<script>"}`
	for _, streaming := range []bool{false, true} {
		s := &sink{}
		o := ResponseOptions{Limit: 1 << 20, Envelope: gateway}
		if streaming {
			o.Stream = s.take
		}
		r := newResponse(t, o)
		r.Reset([]byte(apigEvent))
		r.SetHead(head(404, "text/plain"), false)
		if _, err := io.WriteString(r, echoed); err != nil {
			t.Fatal(err)
		}
		if err := r.End(nil); err != nil {
			t.Fatal(err)
		}
		body, whole := r.Whole()
		want := `{"statusCode":404,"headers":{"Set-Cookie":["a=1","b=2"],"content-type":"text/plain"},"isBase64Encoded":`
		if !whole || !strings.HasPrefix(string(body), want) {
			t.Errorf("streaming %t: got %s", streaming, body)
		}
		r.Reset([]byte(apigEvent))
		if _, err := io.WriteString(r, echoed); err != nil {
			t.Fatal(err)
		}
		if err := r.End(nil); err != nil {
			t.Fatal(err)
		}
		if body, _ := r.Whole(); string(body) != echoed {
			t.Errorf("streaming %t: the next event has the head of the last one: %s", streaming, body)
		}
	}
}

func TestDiscardForgetsTheHead(t *testing.T) {
	r := newResponse(t, ResponseOptions{Limit: 1 << 20, Envelope: gateway})
	r.Reset([]byte(apigEvent))
	r.SetHead(head(404, "text/plain"), false)
	if !r.Discard() {
		t.Fatal("it is on its way")
	}
	if err := r.End(nil); err != nil {
		t.Fatal(err)
	}
	if body, _ := r.Whole(); !strings.HasPrefix(string(body), `{"statusCode":200,`) {
		t.Errorf("got %s", body)
	}
}
