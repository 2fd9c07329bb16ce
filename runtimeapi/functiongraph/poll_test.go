package functiongraph_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestAPlatformThatRefusesConnectionsAtFirstLosesNoEvent(t *testing.T) {
	t.Parallel()
	srv, addr := runtimeAPI(t, api.Config{Faults: faults(t, "listen:refuse=1500ms")})
	i := start(t, addr, settings{})
	if r := invoke(t, srv, api.Event{Payload: []byte("hello")}); string(r.Payload) != "hello" {
		t.Errorf("got %+v", r)
	}
	i.stop()
	if n := i.logs.FilterLevelExact(zapcore.WarnLevel).Len(); n != 1 {
		t.Errorf("%d warnings for one outage", n)
	}
	again := i.logs.FilterMessage("polling the runtime API works again").All()
	if len(again) != 1 {
		t.Fatalf("%d lines about the outage's end", len(again))
	}
	// At least 25, 50, 100, 200, 400, 800 ms apart.
	if polls := again[0].ContextMap()["polls"].(int64); polls > 8 {
		t.Errorf("%d polls in 1.5 s", polls)
	}
}

func TestAPermanentFaultIsMetWithGrowingPauses(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"reset", "500", "noid", "empty"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			srv, addr := runtimeAPI(t, api.Config{Faults: faults(t, "poll:"+fault+"*6")})
			start(t, addr, settings{})
			if r := invoke(t, srv, api.Event{Payload: []byte("hello")}); string(r.Payload) != "hello" {
				t.Errorf("got %+v", r)
			}
			checkPauses(t, srv.PollTimes()[:7])
		})
	}
}

func TestThePausesEndAtTwoSeconds(t *testing.T) {
	t.Parallel()
	srv, addr := runtimeAPI(t, api.Config{Faults: faults(t, "poll:500*8")})
	start(t, addr, settings{})
	invoke(t, srv, api.Event{})
	polls := srv.PollTimes()
	checkPauses(t, polls[:8])
	// Half of 50 ms to 2 s at least, in all; a single one looks shorter if the one before came late.
	if all := polls[8].Sub(polls[0]); all < 3500*time.Millisecond {
		t.Errorf("the eight pauses took %s", all)
	}
	if last := polls[8].Sub(polls[7]); last > 10*time.Second {
		t.Errorf("the pause after eight failures took %s", last)
	}
}

func TestAnswersThatAreNotHTTPAreMetWithGrowingPauses(t *testing.T) {
	t.Parallel()
	for name, misbehave := range map[string]func(*peer){
		"closed before the answer": func(*peer) {},
		"garbage":                  func(p *peer) { p.send("SSH-2.0-OpenSSH_9.2\r\n\r\n") },
		"half a head":              func(p *peer) { p.send("HTTP/1.1 200 OK\r\nX-Cff-Reque") },
		"a head without end":       func(p *peer) { p.send("HTTP/1.1 200 OK\r\nX-Cff-A: " + strings.Repeat("a", 80<<10)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := listen(t)
			start(t, s.addr, settings{})
			var polls []time.Time
			for range 6 {
				p := s.accept()
				p.poll()
				polls = append(polls, time.Now())
				misbehave(p)
				_ = p.Close()
			}
			checkPauses(t, polls)
			s.serveOne(s.accept(), "after")
		})
	}
}

func TestAnOutageIsToldWithItsRealReason(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer string
		want   string
	}{
		"closed":      {"", "closed the connection without an answer"},
		"TLS":         {"\x15\x03\x01\x00\x02\x02\x46", "speaks TLS (HTTPS), and the runtime API is plain HTTP"},
		"garbage":     {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "is not HTTP: another service listens there"},
		"half a head": {"HTTP/1.1 200 OK\r\nX-Cff-Reque", "broke off in its head"},
		"long head":   {"HTTP/1.1 200 OK\r\nX-Cff-A: " + strings.Repeat("a", 80<<10), "is longer than 64 KB"},
		"403":         {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "refuses polls with status 403 Forbidden"},
		"own text":    {"HTTP/1.1 503 Node is drained\r\nContent-Length: 0\r\n\r\n", "a fault of its own: status 503 Node is drained"},
		"no text":     {"HTTP/1.1 502\r\nContent-Length: 0\r\n\r\n", "a fault of its own: status 502 Bad Gateway"},
		"no event":    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "answers at once and without an event"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := listen(t)
			i := start(t, s.addr, settings{})
			for range 3 {
				p := s.accept()
				p.poll()
				p.send(test.answer)
				_ = p.Close()
			}
			s.serveOne(s.accept(), "after")
			i.stop()
			all := i.logs.FilterLevelExact(zapcore.WarnLevel).All()
			if len(all) != 1 || !strings.HasPrefix(all[0].Message, "polling the runtime API failed, retrying: ") || !strings.Contains(all[0].Message, test.want) {
				t.Errorf("got %v", all)
			}
			if end := i.logs.FilterMessage("polling the runtime API works again").All(); len(end) != 1 || end[0].ContextMap()["polls"] != int64(3) {
				t.Errorf("its end: %v", end)
			}
		})
	}
}

func TestAnOutageThatChangesItsCauseIsToldAgain(t *testing.T) {
	t.Parallel()
	s := listen(t)
	i := start(t, s.addr, settings{})
	for _, status := range []string{"500 A", "403 B", "503 C", "403 D"} {
		p := s.accept()
		p.poll()
		p.send("HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		_ = p.Close()
	}
	s.serveOne(s.accept(), "after")
	i.stop()
	if all := i.logs.FilterLevelExact(zapcore.WarnLevel).All(); len(all) != 2 {
		t.Errorf("got %v", all)
	}
}

// The platform held the poll that ended the outage: that is no part of it.
func TestAnOutageIsNotAsLongAsThePollThatEndsIt(t *testing.T) {
	t.Parallel()
	s := listen(t)
	i := start(t, s.addr, settings{})
	p := s.accept()
	p.poll()
	p.send("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
	failed := time.Now()
	p.poll()
	again := time.Since(failed)
	<-time.After(3 * time.Second)
	p.send(event("1"))
	p.post("response/1")
	p.send(ok)
	i.stop()
	end := i.logs.FilterMessage("polling the runtime API works again").All()
	if len(end) != 1 {
		t.Fatalf("got %v", end)
	}
	if took := end[0].ContextMap()["after"].(time.Duration); took > again+2*time.Second {
		t.Errorf("the outage took %s, the next poll came after %s", took, again)
	}
}

// A poll that was held has ended the outage, though it brought no event: the next outage is told.
func TestAnOutageAfterAnIdlePollIsANewOne(t *testing.T) {
	t.Parallel()
	s := listen(t)
	i := start(t, s.addr, settings{})
	p := s.accept()
	for range 2 {
		p.poll()
		p.send("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
		p.poll()
		<-time.After(1100 * time.Millisecond) // the platform holds the poll
		p.send("HTTP/1.1 204 No Content\r\n\r\n")
	}
	s.serveOne(p, "1")
	i.stop()
	if n := i.logs.FilterLevelExact(zapcore.WarnLevel).Len(); n != 2 {
		t.Errorf("%d warnings for two outages", n)
	}
	if n := i.logs.FilterMessage("polling the runtime API works again").Len(); n != 2 {
		t.Errorf("%d ends of two outages", n)
	}
}

// checkPauses wants 50 ms doubling, give or take the jitter of one half. The
// clock is the server's, so a pause may look shorter by what one request takes.
func checkPauses(t *testing.T, polls []time.Time) {
	t.Helper()
	want, began := 25*time.Millisecond, polls[0]
	var total time.Duration
	for range len(polls) - 1 {
		total += want
		want *= 2
	}
	if took := polls[len(polls)-1].Sub(began); took < total*8/10 {
		t.Errorf("%d polls within %s; they should have taken %s at least", len(polls), took, total)
	}
}

func TestALongPollThatEndsWithoutAnEventIsFollowedAtOnce(t *testing.T) {
	t.Parallel()
	pause := func() time.Duration {
		s := listen(t)
		i := start(t, s.addr, settings{})
		defer i.stop()
		p := s.accept()
		for range 7 { // the pause after the next one would be 1 s at least, 2 s as a rule
			p.poll()
			p.send("HTTP/1.1 204 No Content\r\n\r\n")
		}
		p.poll()
		<-time.After(1100 * time.Millisecond) // the platform holds the poll
		p.send("HTTP/1.1 204 No Content\r\n\r\n")
		ended := time.Now()
		p.poll()
		took := time.Since(ended)
		p.send(event("1"))
		p.post("response/1")
		p.send(ok)
		return took
	}
	testkit.SoonerOrLater(t, "the next poll came at once", func() bool { return pause() <= time.Second })
}

func TestAPlatformThatEndsLongPollsIsNoOutage(t *testing.T) {
	t.Parallel()
	s := listen(t)
	i := start(t, s.addr, settings{})
	p := s.accept()
	p.poll()
	<-time.After(1100 * time.Millisecond) // the platform holds the poll
	p.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	s.serveOne(p, "1")
	i.stop()
	if all := i.logs.Filter(above(zapcore.DebugLevel)).All(); len(all) > 0 {
		t.Errorf("it was logged: %v", all)
	}
}

func TestAnAnswerWithoutAnEventDoesNotHoldUpThePolls(t *testing.T) {
	t.Parallel()
	s := listen(t)
	start(t, s.addr, settings{})
	p := s.accept()
	p.poll()
	p.send("HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nhalf of the te") // and no more
	s.serveOne(s.accept(), "1")
}

func TestPollsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	s := listen(t)
	c := client(s.addr, testkit.Patience, time.Second, zap.NewNop())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := c.Next(ctx)
		ended <- err
	}()
	s.accept().poll()
	cancel()
	if err := testkit.Await(t, ended, "the poll's end"); !errors.Is(err, context.Canceled) {
		t.Errorf("Next: %v", err)
	}
	if _, err := c.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Next after the end: %v", err)
	}
}

func TestAPauseBetweenPollsEndsWithTheirContext(t *testing.T) {
	t.Parallel()
	s := listen(t)
	pause := func() time.Duration {
		c := client(s.addr, testkit.Patience, time.Second, zap.NewNop())
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan time.Time, 1)
		go func() {
			_, _ = c.Next(ctx)
			ended <- time.Now()
		}()
		for range 7 { // the pause that follows takes 1 s at least
			p := s.accept()
			p.poll()
			_ = p.Close()
		}
		canceled := time.Now()
		cancel()
		return testkit.Await(t, ended, "the pause's end").Sub(canceled)
	}
	testkit.SoonerOrLater(t, "the pause ended with its context", func() bool { return pause() <= time.Second })
}

// A context may end at any moment: also between two polls, and while a
// connection is made.
func TestPollsEndWheneverTheirContextDoes(t *testing.T) {
	t.Parallel()
	_, addr := runtimeAPI(t, api.Config{})
	for n := range 300 {
		c := client(addr, testkit.Patience, time.Second, zap.NewNop())
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(n)*5*time.Microsecond)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = c.Next(ctx)
		}()
		testkit.Await(t, ended, "the poll's end")
		cancel()
		if t.Failed() {
			return
		}
	}
}

func TestAnEventThatHasBegunToArriveIsDeliveredAfterTheContextsEnd(t *testing.T) {
	t.Parallel()
	s := listen(t)
	c := client(s.addr, testkit.Patience, time.Second, zap.NewNop())
	ctx, cancel := context.WithCancel(context.Background())
	type outcome struct {
		id, payload string
		err         error
	}
	got := make(chan outcome, 1)
	go func() {
		inv, err := c.Next(ctx)
		if inv == nil {
			got <- outcome{err: err}
			return
		}
		got <- outcome{inv.ID, string(inv.Payload), err}
	}()
	p := s.accept()
	p.poll()
	answer := event("late")
	const half = 40
	for _, part := range []string{answer[:half-1], answer[half-1 : half]} {
		p.send(part)
		awaitRead(t, p) // the second read begins when the client has noted the first
	}
	cancel()
	<-time.After(20 * time.Millisecond) // time to do the wrong thing
	p.send(answer[half:])
	if o := testkit.Await(t, got, "the event"); o.id != "late" || o.payload != "{}" || o.err != nil {
		t.Errorf("got %+v", o)
	}
}

func TestHTTPProxiesOfTheEnvironmentAreNotUsed(t *testing.T) {
	proxy := listen(t)
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"} {
		t.Setenv(name, "http://"+proxy.addr)
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	srv, addr := runtimeAPI(t, api.Config{})
	start(t, addr, settings{})
	if r := invoke(t, srv, api.Event{Payload: []byte("direct")}); string(r.Payload) != "direct" {
		t.Errorf("got %+v", r)
	}
	select {
	case <-proxy.conns:
		t.Error("the proxy was asked")
	default:
	}
}
