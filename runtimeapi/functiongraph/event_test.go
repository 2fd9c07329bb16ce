package functiongraph_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"
)

// noise is n bytes of anything.
func noise(n int) []byte {
	source := rand.NewChaCha8([32]byte{1})
	b := make([]byte, n)
	_, _ = source.Read(b) // never fails
	return b
}

func TestEventsOfEverySizeArriveByteForByte(t *testing.T) {
	t.Parallel()
	srv, addr := runtimeAPI(t, api.Config{})
	start(t, addr, settings{limit: api.MaxPayload})
	// Around the sizes of buffers, large and small in turns.
	for _, size := range []int{0, 1, 6 << 20, 4095, 64<<10 + 1, 1 << 20, 1<<20 + 1, 0, 1<<20 - 1, api.MaxPayload, 3} {
		payload := noise(size)
		if r := invoke(t, srv, api.Event{Payload: payload}); r.Failed || !bytes.Equal(r.Payload, payload) {
			t.Errorf("%d bytes: got %d, failed %t (%s)", size, len(r.Payload), r.Failed, r.Reason())
		}
	}
}

func TestAnEventThatBreaksOffIsFailedOnce(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nX-Cff-Request-Id: broken\r\n"
	for name, answer := range map[string]string{
		"with a length":           head + "Content-Length: 100\r\n\r\n" + strings.Repeat("x", 50),
		"with a length over 1 MB": head + "Content-Length: 2000000\r\n\r\n" + strings.Repeat("x", 1<<20),
		"without a byte of it":    head + "Content-Length: 100\r\n\r\n",
		"in a chunk":              head + "Transfer-Encoding: chunked\r\n\r\n10\r\n0123",
		"in a chunk's size":       head + "Transfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n1",
		"between two chunks":      head + "Transfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n",
		"before the first chunk":  head + "Transfer-Encoding: chunked\r\n\r\n",
		"in a junk chunk":         head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
	} {
		for ending, end := range map[string]func(*peer){
			"closed": func(p *peer) { _ = p.Close() },
			"reset":  (*peer).reset,
		} {
			t.Run(name+", "+ending, func(t *testing.T) {
				t.Parallel()
				s := listen(t)
				start(t, s.addr, settings{program: func(_ context.Context, inv *adapter.Invocation, w io.Writer) error {
					if inv.ID == "broken" {
						t.Error("the program got half an event")
					}
					return echo(context.Background(), inv, w)
				}})
				p := s.accept()
				p.poll()
				p.send(answer)
				if ending == "reset" {
					awaitRead(t, p) // or the reset overtakes the head
				}
				end(p)
				p = s.accept()
				report := p.post("error/broken")
				if f := failureOf(t, []byte(report)); f.Type != adapter.TypeInternal || !strings.Contains(f.Message, "broke off") {
					t.Errorf("the report is %s", report)
				}
				p.send(ok)
				s.serveOne(p, "next")
			})
		}
	}
}

func TestAnEventCutByThePlatformIsFailedOnce(t *testing.T) {
	t.Parallel()
	srv, addr := runtimeAPI(t, api.Config{Faults: faults(t, "poll:cut*2")})
	start(t, addr, settings{})
	for _, size := range []int{1000, 6 << 20} {
		r := invoke(t, srv, api.Event{Payload: noise(size)})
		if !r.Failed || failureOf(t, r.Payload).Type != adapter.TypeInternal {
			t.Errorf("got %+v", r)
		}
		if n := len(srv.Reports(r.RequestID)); n != 1 {
			t.Errorf("%d reports", n)
		}
	}
	if r := invoke(t, srv, api.Event{Payload: []byte("next")}); string(r.Payload) != "next" {
		t.Errorf("the next one: %+v", r)
	}
}

func TestAHeadThatBreaksOffIsFollowedByTheNextPollAndShowsNoCredentials(t *testing.T) {
	t.Parallel()
	const token = "a-token-that-nobody-may-see"
	for name, answer := range map[string]string{
		"in the middle":           "HTTP/1.1 200 OK\r\nX-Cff-Request-Id: half\r\nX-CFF-Auth-Token: " + token + "\r\nX-Cff-",
		"by a value that is none": "HTTP/1.1 200 OK\r\nX-Cff-Request-Id: half\r\nX-CFF-Auth-Token: " + token + "\x01\r\n\r\n",
		"by a line that is none":  "HTTP/1.1 200 OK\r\nX-Cff-Request-Id: half\r\nX-CFF-Auth-Token " + token + "\r\n\r\n",
		"by a length that is none": "HTTP/1.1 200 OK\r\nX-Cff-Request-Id: half\r\nX-CFF-Auth-Token: " + token +
			"\r\nContent-Length: 99999999999999999999999\r\n\r\n",
		"by its size": "HTTP/1.1 200 OK\r\nX-Cff-Request-Id: half\r\nX-CFF-Auth-Token: " + strings.Repeat(token, 5000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := listen(t)
			i := start(t, s.addr, settings{})
			p := s.accept()
			p.poll()
			p.send(answer)
			_ = p.Close()
			s.serveOne(s.accept(), "next")
			i.stop()
			for _, e := range i.logs.All() {
				if text := fmt.Sprint(e.Message, e.ContextMap()); strings.Contains(text, token[2:8]) {
					t.Errorf("logged: %s", text)
				}
			}
		})
	}
}

func TestAnAnswerWithoutAnEventIsSkipped(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"204":                  "HTTP/1.1 204 No Content\r\n\r\n",
		"204 with an id":       "HTTP/1.1 204 No Content\r\nX-Cff-Request-Id: none\r\n\r\n",
		"304":                  "HTTP/1.1 304 Not Modified\r\n\r\n",
		"200 without an id":    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"200 with no id":       "HTTP/1.1 200 OK\r\nX-Cff-Request-Id:\r\nContent-Length: 2\r\n\r\n{}",
		"200 without a length": "HTTP/1.0 200 OK\r\n\r\n{}",
		"500 with an id":       "HTTP/1.1 500 Oops\r\nX-Cff-Request-Id: none\r\nContent-Length: 2\r\n\r\n{}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := listen(t)
			start(t, s.addr, settings{})
			p := s.accept()
			p.poll()
			p.send(answer)
			_ = p.CloseWrite()
			s.serveOne(s.accept(), "1")
		})
	}
}

func TestAnEventWhoseSizeIsNotKnownArrivesWhole(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 5000, 1 << 20, 6 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			payload := noise(size)
			s := listen(t)
			got := make(chan [32]byte, 2)
			start(t, s.addr, settings{program: func(_ context.Context, inv *adapter.Invocation, _ io.Writer) error {
				got <- sha256.Sum256(inv.Payload)
				return nil
			}})
			check := func() {
				if sum := testkit.Await(t, got, "the event"); sum != sha256.Sum256(payload) {
					t.Error("another payload arrived")
				}
			}
			p := s.accept()
			p.poll()
			p.send("HTTP/1.1 200 OK\r\nX-Cff-Request-Id: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
			for chunk := range slices.Chunk(payload, 70_001) {
				p.send(fmt.Sprintf("%x\r\n%s\r\n", len(chunk), chunk))
			}
			p.send("0\r\n\r\n")
			p.post("response/1") // on the same connection: the body was read to its end
			p.send(ok)
			check()

			p.poll()
			p.send("HTTP/1.1 200 OK\r\nX-Cff-Request-Id: 2\r\nConnection: close\r\n\r\n" + string(payload))
			_ = p.CloseWrite()
			p = s.accept()
			p.post("response/2")
			p.send(ok)
			check()
		})
	}
}

func TestALengthThatIsTooSmallCutsTheEventAndNothingElse(t *testing.T) {
	t.Parallel()
	s := listen(t)
	start(t, s.addr, settings{})
	p := s.accept()
	p.poll()
	p.send("HTTP/1.1 200 OK\r\nX-Cff-Request-Id: 1\r\nContent-Length: 2\r\n\r\n{} and some more")
	if got := p.post("response/1"); got != "{}" {
		t.Errorf("the event was %q", got)
	}
	p.send(ok)
	s.serveOne(p, "2")
}

func TestASlowEventIsWaitedForUntilTheDeadline(t *testing.T) {
	t.Parallel()
	s := listen(t)
	start(t, s.addr, settings{timeout: 5 * time.Second, margin: time.Second})
	p := s.accept()
	p.poll()
	p.send("HTTP/1.1 200 OK\r\nX-Cff-Request-Id: slow\r\nContent-Length: 5\r\n\r\n")
	for _, piece := range "slow!" {
		<-time.After(20 * time.Millisecond) // the platform is slow
		p.send(string(piece))
	}
	if got := p.post("response/slow"); got != "slow!" {
		t.Errorf("got %q", got)
	}
	p.send(ok)

	p.poll()
	p.send("HTTP/1.1 200 OK\r\nX-Cff-Request-Id: slower\r\nContent-Length: 6\r\n\r\n")
	began := time.Now()
	p.send("slo")
	p = s.accept() // of the old one no more than half an answer is to be had
	report := p.post("error/slower")
	if took := time.Since(began); took < 3900*time.Millisecond {
		t.Errorf("it was given up after %s", took)
	}
	f := failureOf(t, []byte(report))
	if f.Type != adapter.TypeTimeout || !strings.Contains(f.Message, "3 of its 6 bytes") {
		t.Errorf("the report is %s", report)
	}
	p.send(ok)
	s.serveOne(p, "next")
}

func TestTheTimesOfAnInvocationCountFromTheFirstByteOfItsEvent(t *testing.T) {
	t.Parallel()
	s := listen(t)
	got := make(chan adapter.Invocation, 1)
	start(t, s.addr, settings{timeout: 9 * time.Second, margin: 2 * time.Second,
		program: func(_ context.Context, inv *adapter.Invocation, _ io.Writer) error {
			got <- *inv
			return nil
		}})
	p := s.accept()
	p.poll()
	<-time.After(50 * time.Millisecond) // the poll is long
	before := time.Now()
	p.send("H")
	awaitRead(t, p)
	after := time.Now()
	<-time.After(2 * time.Second) // the answer is slow
	p.send(event("1")[1:])
	p.post("response/1")
	p.send(ok)
	inv := testkit.Await(t, got, "the event")
	if inv.Received.Before(before) || inv.Received.After(after.Add(time.Second)) {
		t.Errorf("received at %s, the first byte was sent between %s and %s", inv.Received, before, after)
	}
	if d := inv.Expires.Sub(inv.Received); d != 9*time.Second {
		t.Errorf("it expires after %s", d)
	}
	if d := inv.Deadline.Sub(inv.Received); d != 7*time.Second {
		t.Errorf("its deadline is after %s", d)
	}
}

func TestHeadsOf32KBWithATokenOf6KBArriveWhole(t *testing.T) {
	t.Parallel()
	token := strings.Repeat("t0ken.", 1<<10)
	srv, addr := runtimeAPI(t, api.Config{
		Credentials: api.Credentials{SecurityToken: token},
		Faults:      faults(t, "poll:bighead=26K"),
	})
	sizes := make(chan int, 1)
	start(t, addr, settings{program: func(_ context.Context, inv *adapter.Invocation, w io.Writer) error {
		all := 0
		for _, h := range inv.Headers {
			all += len(h.Name) + len(": ") + len(h.Value) + len("\r\n")
		}
		sizes <- all
		_, err := io.WriteString(w, inv.Header("x-cff-security-token"))
		return err
	}})
	if r := invoke(t, srv, api.Event{}); string(r.Payload) != token {
		t.Errorf("the token has %d bytes", len(r.Payload))
	}
	if size := testkit.Await(t, sizes, "the event"); size < 32<<10 {
		t.Errorf("the headers have %d bytes", size)
	}
}

func TestHeadersThatMayCarryACredentialAreHeldBack(t *testing.T) {
	t.Parallel()
	s := listen(t)
	got := make(chan map[string]bool, 1)
	start(t, s.addr, settings{program: func(_ context.Context, inv *adapter.Invocation, _ io.Writer) error {
		held := map[string]bool{}
		for _, h := range inv.Headers {
			held[h.Name] = h.Secret
		}
		got <- held
		return nil
	}})
	want := map[string]bool{
		"x-cff-request-id": false, "x-cff-invoke-type": false, "x-cff-func-name": false, "x-cff-func-version": false, "x-cff-memory": false,
		"x-cff-timeout": false, "x-cff-project-id": false, "x-cff-package": false, "x-cff-region": false, "x-cff-trace-id": false,
		"x-cff-workflow-run-id": false, "x-cff-origin-version-tag": false, "x-stream-id": false,
		"x-cff-secret": true, "x-cff-auth": true, "x-cff-authorization": true, "x-cff-auth-token-v2": true, "x-cff-token-type2": true,
		"x-cff-access-key": true, "x-cff-secret-key": true, "x-cff-apikey-1": true, "x-cff-db-password": true, "x-stream-token": true,
	}
	p := s.accept()
	p.poll()
	p.send("HTTP/1.1 200 OK\r\n")
	for name := range want {
		p.send(strings.ToUpper(name) + ": 1\r\n")
	}
	p.send("Content-Length: 0\r\n\r\n")
	p.post("response/1")
	p.send(ok)
	if held := testkit.Await(t, got, "the event"); !maps.Equal(held, want) {
		t.Errorf("got %v", held)
	}
}

func TestMetadataHeadersHaveLowerCaseNamesWhateverTheyCameAs(t *testing.T) {
	t.Parallel()
	s := listen(t)
	got := make(chan map[string]string, 1)
	start(t, s.addr, settings{program: func(_ context.Context, inv *adapter.Invocation, _ io.Writer) error {
		headers := make(map[string]string)
		for _, h := range inv.Headers {
			headers[h.Name] = h.Value
		}
		got <- headers
		return nil
	}})
	p := s.accept()
	for i, convert := range []func(string) string{strings.ToLower, strings.ToUpper, func(s string) string { return s }} {
		id := fmt.Sprint(i)
		p.poll()
		p.send("HTTP/1.1 200 OK\r\n")
		for name, value := range map[string]string{
			"X-Cff-Request-Id": id, "X-CFF-Invoke-Type": "sync", "X-CFF-Auth-Token": "Tok", "X-Stream-Id": " Spaced ",
			"X-Cff-Workflow-Run-Id": "", "X-Other": "no", "Content-Type": "no", "Content-Length": "2", "Cff-Id": "no",
		} {
			p.send(convert(name) + ": " + value + "\r\n")
		}
		p.send("\r\n{}")
		p.post("response/" + id)
		p.send(ok)
		want := map[string]string{
			"x-cff-request-id": id, "x-cff-invoke-type": "sync", "x-cff-auth-token": "Tok", "x-stream-id": "Spaced",
			"x-cff-workflow-run-id": "",
		}
		if headers := testkit.Await(t, got, "the event"); !maps.Equal(headers, want) {
			t.Errorf("got %q", headers)
		}
	}
}

func TestOddRequestIDsAreEscapedInThePath(t *testing.T) {
	t.Parallel()
	s := listen(t)
	start(t, s.addr, settings{})
	p := s.accept()
	for id, path := range map[string]string{
		"a/b c?#%":      "a%2Fb%20c%3F%23%25",
		"..":            "..",
		"../../../etc":  "..%2F..%2F..%2Fetc",
		"//host/x":      "%2F%2Fhost%2Fx",
		"日本":            "%E6%97%A5%E6%9C%AC",
		"%41":           "%2541",
		"a+b&c=d;e:f@g": "a+b&c=d%3Be:f@g",
		"\"<>\\^`{|}":   "%22%3C%3E%5C%5E%60%7B%7C%7D",
	} {
		p.poll()
		p.send(event(id))
		p.post("response/" + path)
		p.send(ok)
	}
}

func TestOddRequestIDsComeBackToTheLocalPlatform(t *testing.T) {
	t.Parallel()
	srv, addr := runtimeAPI(t, api.Config{})
	start(t, addr, settings{})
	for _, id := range []string{"a/b c?#%", "..", "日本", "%41", "a+b"} {
		if r := invoke(t, srv, api.Event{RequestID: id, Payload: []byte(id)}); string(r.Payload) != id {
			t.Errorf("%q: got %+v", id, r)
		}
	}
}
