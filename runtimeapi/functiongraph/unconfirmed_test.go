package functiongraph_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"fgbootstrap/adapter"
)

// endings are the ways of a connection to end without an answer.
func endings() map[string]func(*peer) {
	return map[string]func(*peer){
		"closed":       func(p *peer) { _ = p.Close() },
		"reset":        (*peer).reset,
		"half a head":  func(p *peer) { p.send("HTTP/1.1 200 OK\r\nConte"); _ = p.Close() },
		"half a body":  func(p *peer) { p.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"); _ = p.Close() },
		"no HTTP":      func(p *peer) { p.send("220 ready\r\n\r\n"); _ = p.Close() },
		"after a 100":  func(p *peer) { p.send("HTTP/1.1 100 Continue\r\n\r\n"); _ = p.Close() },
		"a bit later":  func(p *peer) { <-time.After(20 * time.Millisecond); p.reset() },
		"half a close": func(p *peer) { _ = p.CloseWrite() },
	}
}

func TestAStreamWhoseEndWasWrittenIsNotFollowedByAnError(t *testing.T) {
	t.Parallel()
	for name, end := range endings() {
		for _, size := range []int{64 << 10, 1 << 20} {
			t.Run(fmt.Sprintf("%s, %d", name, size), func(t *testing.T) {
				t.Parallel()
				s := listen(t)
				i := start(t, s.addr, settings{streaming: true, limit: 64 << 20,
					program: func(ctx context.Context, inv *adapter.Invocation, w io.Writer) error {
						if inv.ID == "next" {
							return echo(ctx, inv, w)
						}
						_, err := w.Write(make([]byte, size))
						return err
					}})
				p := s.accept()
				p.poll()
				p.send(event("1"))
				p = s.accept()
				if body := p.post("response/1"); len(body) != size { // up to the last chunk
					t.Errorf("%d bytes", len(body))
				}
				end(p)
				s.serveOne(s.accept(), "next") // no error report comes first
				i.stop()
				mustLog(t, i, "the platform has not confirmed the response; it may be lost")
				for _, entry := range i.logs.All() {
					if text := fmt.Sprint(entry.Message, entry.ContextMap()); bytes.Contains([]byte(text), []byte("before it was complete")) {
						t.Errorf("logged: %s", text)
					}
				}
			})
		}
	}
}

// The end is written, but the answer does not come before the deadline.
func TestAStreamThatIsNotAnsweredInTimeIsNotFollowedByAnError(t *testing.T) {
	t.Parallel()
	s := listen(t)
	i := start(t, s.addr, settings{streaming: true, timeout: time.Second, margin: 500 * time.Millisecond,
		program: func(ctx context.Context, inv *adapter.Invocation, w io.Writer) error {
			if inv.ID == "next" {
				return echo(ctx, inv, w)
			}
			_, err := w.Write(make([]byte, 64<<10))
			return err
		}})
	p := s.accept()
	p.poll()
	p.send(event("1"))
	s.accept().post("response/1")
	s.serveOne(s.accept(), "next")
	i.stop()
	mustLog(t, i, "the platform has not confirmed the response; it may be lost")
}

// What is held whole is sent again: the same bytes are no second outcome.
func TestAHeldResponseThatIsNotConfirmedIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, end := range endings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := listen(t)
			start(t, s.addr, settings{})
			p := s.accept()
			p.poll()
			p.send(event("1"))
			p.post("response/1")
			end(p)
			p = s.accept()
			if got := p.post("response/1"); got != "{}" {
				t.Errorf("got %q", got)
			}
			p.send(ok)
			p.poll()
		})
	}
}

// A stream that broke off before its end is followed by an error, as before.
func TestAStreamThatBreaksOffBeforeItsEndIsFollowedByAnError(t *testing.T) {
	t.Parallel()
	s := listen(t)
	cut := make(chan struct{})
	start(t, s.addr, settings{streaming: true, limit: 64 << 20,
		program: func(_ context.Context, _ *adapter.Invocation, w io.Writer) error {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return err
			}
			<-cut
			for {
				if _, err := w.Write([]byte("more")); err != nil {
					return err
				}
			}
		}})
	p := s.accept()
	p.poll()
	p.send(event("1"))
	p = s.accept()
	if _, err := io.ReadFull(p.in, make([]byte, 64<<10)); err != nil {
		t.Fatal(err)
	}
	p.reset()
	close(cut)
	p = s.accept()
	report := p.post("error/1")
	p.send(ok)
	if f := failureOf(t, []byte(report)); f.Message != "The platform stopped taking the response before it was complete." {
		t.Errorf("got %+v", f)
	}
}
