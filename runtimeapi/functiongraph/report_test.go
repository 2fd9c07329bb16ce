package functiongraph_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"

	"go.uber.org/zap"
)

// outcomes are the reports that arrived for an id. They must all be of one kind
// and, as far as they arrived, have the same bytes.
func outcomes(t *testing.T, srv *api.Server, id string) []api.Report {
	t.Helper()
	all := srv.Reports(id)
	last := all[len(all)-1]
	for _, r := range all {
		if r.Kind != last.Kind || r.Complete && r.SHA256 != last.SHA256 {
			t.Errorf("%s: two different outcomes: %s of %d bytes, then %s of %d", id, r.Kind, r.Size, last.Kind, last.Size)
		}
	}
	return all
}

func TestAReportIsRepeatedUntilThePlatformHasTakenIt(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]int{
		"post:500*2": 3, "post:reset": 2, "post:reset*2": 3, "post:lost": 2, "post:cut": 2, "post:slow=500ms": 1,
		"post:reset,post:500,post:lost": 4,
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			for _, failing := range []bool{false, true} {
				srv, addr := runtimeAPI(t, api.Config{Faults: faults(t, fault)})
				i := start(t, addr, settings{program: func(ctx context.Context, inv *adapter.Invocation, w io.Writer) error {
					if failing {
						return &adapter.Error{Type: "Mine", Message: string(inv.Payload)}
					}
					return echo(ctx, inv, w)
				}})
				r := invoke(t, srv, api.Event{Payload: []byte("once and only once")})
				next := invoke(t, srv, api.Event{})
				i.stop()
				if r.Failed != failing || next.Failed != failing {
					t.Errorf("got %+v, then %+v", r, next)
				}
				if got := outcomes(t, srv, r.RequestID); len(got) != want {
					t.Errorf("failing %t: %d reports: %+v", failing, len(got), got)
				}
			}
		})
	}
}

func TestARefusedReportIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"post:404", "post:413"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			srv, addr := runtimeAPI(t, api.Config{Faults: faults(t, fault)})
			i := start(t, addr, settings{})
			refused := invoke(t, srv, api.Event{Payload: []byte("hello")})
			if r := invoke(t, srv, api.Event{Payload: []byte("next")}); string(r.Payload) != "next" {
				t.Errorf("the next one: %+v", r)
			}
			i.stop()
			if got := srv.Reports(refused.RequestID); len(got) != 1 {
				t.Errorf("%d reports: %+v", len(got), got)
			}
			if n := i.logs.FilterMessage("the response did not reach the platform").Len(); n != 1 {
				t.Errorf("%d log lines", n)
			}
		})
	}
}

func TestEvery2xxIsAYes(t *testing.T) {
	t.Parallel()
	s := listen(t)
	i := start(t, s.addr, settings{})
	p := s.accept()
	for _, answer := range []string{
		"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nOK",
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		p.poll()
		p.send(event("1"))
		p.post("response/1")
		p.send(answer)
	}
	p.poll()
	p.send("HTTP/1.1 204 No Content\r\n\r\n")
	i.stop()
	if n := i.logs.FilterMessage("the response did not reach the platform").Len(); n != 0 {
		t.Errorf("%d of them did not do", n)
	}
}

func TestAReportOfAnExpiredInvocationIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	s := listen(t)
	c := client(s.addr, 100*time.Millisecond, 10*time.Millisecond, zap.NewNop())
	failed := make(chan error, 1)
	go func() {
		inv, err := c.Next(context.Background())
		if err != nil {
			failed <- err
			return
		}
		<-time.After(time.Until(inv.Expires)) // the program is slow
		failed <- c.Fail(context.Background(), inv, &adapter.Error{Type: "Late"})
	}()
	p := s.accept()
	p.poll()
	p.send(event("1"))
	for range 2 {
		p.post("error/1")
		p.send("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
	}
	if err := testkit.Await(t, failed, "the end of the tries"); err == nil || errors.Is(err, adapter.ErrRefused) {
		t.Errorf("got %v", err)
	}
}

func TestAReportIsGivenUpWhenItsInvocationHasExpired(t *testing.T) {
	t.Parallel()
	srv, addr := runtimeAPI(t, api.Config{Timeout: 3 * time.Second, Faults: faults(t, "post:500*1000")})
	i := start(t, addr, settings{timeout: 3 * time.Second})
	lost := invoke(t, srv, api.Event{Payload: []byte("lost")})
	invoke(t, srv, api.Event{}) // is polled for, though
	i.stop()
	// Now, and at least 25, 50, 100, 200, 400, 800 and 1000 ms apart.
	if n := len(outcomes(t, srv, lost.RequestID)); n < 2 || n > 8 {
		t.Errorf("%d reports", n)
	}
}

func TestAStopEndsTheTriesToReport(t *testing.T) {
	t.Parallel()
	srv, addr := runtimeAPI(t, api.Config{Faults: faults(t, "post:500*1000")})
	running := make(chan string, 1)
	i := start(t, addr, settings{grace: time.Millisecond,
		program: func(_ context.Context, inv *adapter.Invocation, _ io.Writer) error {
			running <- inv.ID
			return nil
		}})
	go func() { _, _ = srv.Invoke(context.Background(), api.Event{}) }() // ends with the platform
	id := testkit.Await(t, running, "the event")
	began := time.Now()
	i.stop()
	if took := time.Since(began); took > testkit.Patience/4 {
		t.Errorf("the stop took %s", took)
	}
	if n := len(outcomes(t, srv, id)); n < 2 || n > 10 {
		t.Errorf("%d reports", n)
	}
}

func TestAKeptConnectionThatDiedCostsNoEventAndNoPause(t *testing.T) {
	t.Parallel()
	for ending, end := range map[string]func(*peer){"closed": func(p *peer) { _ = p.Close() }, "reset": (*peer).reset} {
		t.Run(ending, func(t *testing.T) {
			t.Parallel()
			s := listen(t)
			run := make(chan struct{})
			i := start(t, s.addr, settings{program: func(ctx context.Context, inv *adapter.Invocation, w io.Writer) error {
				<-run
				return echo(ctx, inv, w)
			}})
			p := s.accept()
			p.poll()
			p.send(event("1"))
			awaitRead(t, p)
			end(p) // between poll and report
			run <- struct{}{}
			p = s.accept()
			p.post("response/1")
			p.send(ok)
			p.poll()
			end(p) // while the poll is out: it may have died before
			close(run)
			s.serveOne(s.accept(), "2")
			i.stop()
			for _, e := range i.logs.All() {
				if strings.HasPrefix(e.Message, "polling the runtime API failed") {
					t.Error("it was taken for an outage")
				}
			}
		})
	}
}

func TestAnEmptyResponseIsAResponse(t *testing.T) {
	t.Parallel()
	s := listen(t)
	start(t, s.addr, settings{program: func(context.Context, *adapter.Invocation, io.Writer) error { return nil }})
	p := s.accept()
	p.poll()
	p.send(event("1"))
	r, body := p.request()
	if r.ContentLength != 0 || body != "" || r.Header.Get("Content-Length") != "0" {
		t.Errorf("got %v with %q", r.Header, body)
	}
	p.send(ok)
}

// The clock is a fake one that stands still while a try is under way: only pauses take time.
func TestNoTryBeginsAfterTheInvocationHasExpired(t *testing.T) {
	t.Parallel()
	var tries atomic.Int64
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tries.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(busy.Close)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		inv := &adapter.Invocation{ID: "1", Expires: began.Add(time.Second)}
		err := client(busy.Listener.Addr().String(), time.Second, 0, zap.NewNop()).Fail(t.Context(), inv, &adapter.Error{})
		if took := time.Since(began); err == nil || took != time.Second {
			t.Errorf("given up after %s: %v", took, err)
		}
		if n := tries.Load(); n < 3 || n > 10 { // the pauses are 50 ms, then twice that, and so on, or half or one and a half of it
			t.Errorf("there were %d tries", n)
		}
		time.Sleep(time.Minute) // until the connection is closed
	})
}
