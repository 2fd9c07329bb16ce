package httpproxy_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fgbootstrap/internal/modetest"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/modes/httpproxy"
)

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func TestAServerMayCloseItsConnectionsBetweenEvents(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", nil)
	for name, pause := range map[string]int{"at once": 0, "a moment later": 1, "after its idle time": 40} {
		t.Run(name, func(t *testing.T) {
			for range 20 {
				if got := h.answer(script("GET", step{Write: ok, Pause: pause}, step{Close: true})); got.Body != "ok" {
					t.Errorf("got %q", got.Body)
				}
			}
			for range 5 {
				// Nothing of it is written where the connection is known to be closed, so
				// that it can't be sent twice.
				time.Sleep(time.Duration(pause+200) * time.Millisecond) // until that is so
				if got := h.answer(script("POST", step{Write: ok, Pause: pause}, step{Close: true})); got.Body != "ok" {
					t.Errorf("got %q", got.Body)
				}
			}
		})
	}
}

// second makes a request the second of its connection, which the server drops then. A
// connection is not kept for long: on a busy machine the request may get one of its own,
// and be made again.
func second(t *testing.T, method, body string) (h *fixture, answer string, err error) {
	t.Helper()
	for range 20 {
		h = open(t, "scripted server", nil)
		h.pid()
		answer, err = h.invoke("some-id", call(method, "/drop-second", body), testkit.Patience)
		if err != nil || h.times("/drop-second") != "1" {
			return h, answer, err
		}
	}
	t.Fatal("no connection is used again")
	return nil, "", nil
}

func TestARequestThatMeetsTheEndOfItsConnectionIsRepeatedOnceIfItIsSafe(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		h, got, err := second(t, method, "")
		if err != nil || !strings.Contains(got, `"statusCode":200`) {
			t.Errorf("got %q, %v", got, err)
		}
		if n := h.times("/drop-second"); n != "2" {
			t.Errorf("the server has got it %s times", n)
		}
		h.fails(call(method, "/drop", ""), testkit.Patience, "Runtime.ProtocolError", "did not answer "+method+" /drop")
		if n := h.times("/drop"); n != "2" {
			t.Errorf("the server has got it %s times", n)
		}
	}
}

func TestARequestThatChangesSomethingIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "get", "PURGE"} {
		for _, body := range []string{"", "x", bytesOf(300 << 10)} {
			h, got, err := second(t, method, body)
			modetest.Fails(t, got, err, "Runtime.ProtocolError", "did not answer "+method+" /drop-second")
			if n := h.times("/drop-second"); n != "1" {
				t.Errorf("%s, %d bytes: the server has got it %s times", method, len(body), n)
			}
		}
	}
}

func TestAnEventThatIsNoCallIsNotRepeated(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", func(c *httpproxy.Config) { c.EventPath = "/drop-second" })
	h.pid()
	h.fails(`{"some":"event"}`, testkit.Patience, "Runtime.ProtocolError", "did not answer POST /drop-second")
	if n := h.times("/drop-second"); n != "1" {
		t.Errorf("the server has got it %s times", n)
	}
}

func TestAConnectionIsUsedAgain(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", nil)
	h.pid()
	for range 3 {
		h.fails(call("POST", "/drop-second", ""), testkit.Patience, "Runtime.ProtocolError") // it was the second there
		h.pid()
	}
}

func TestAnAnswerThatComesBeforeTheBodyIsReadCounts(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 10, 60 << 10, 5 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			h := open(t, "scripted server", func(c *httpproxy.Config) { c.Concurrency = 4 })
			body := bytesOf(size)
			for range 3 {
				if got := h.answer(call("POST", "/early", body)); got.Body != "early" {
					t.Errorf("got %q", got.Body)
				}
				if got := h.answer(call("POST", "/early-close", body)); got.StatusCode != 413 || got.Body != "early" {
					t.Errorf("got %d, %q", got.StatusCode, got.Body)
				}
				if got := h.answer(call("POST", "/echo", body)); got.Body != body {
					t.Errorf("got %d bytes", len(got.Body))
				}
			}
		})
	}
}

func TestAnAnswerWhoseLengthTheServerDoesNotKeepIsNotTheNextOnes(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", nil)
	forged := "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
	for name, event := range map[string]string{
		"more than the length":       says(ok + forged),
		"more, a moment later":       script("GET", step{Write: ok, Pause: 2}, step{Write: forged}),
		"HEAD with a body":           script("HEAD", step{Write: ok}),
		"204 with a body":            says("HTTP/1.1 204 No Content\r\n\r\n" + forged),
		"204 with a body in a piece": script("GET", step{Write: "HTTP/1.1 204 No Content\r\n\r\n", Pause: 2}, step{Write: forged}),
		"chunks and more":            says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + forged),
	} {
		for range 5 {
			_, _ = h.invoke("id", event, testkit.Patience)
			time.Sleep(100 * time.Millisecond) // what comes while a request is under way can't be told from its answer
			if got := h.answer(says(ok)); got.Body != "ok" {
				t.Fatalf("%s: got %q", name, got.Body)
			}
		}
	}
}

func TestABodyThatFollowsAnAnswerToHEADIsNotTheNextAnswer(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", nil)
	for range 20 {
		h.answer(script("HEAD", step{Write: "HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n", Pause: 1}, step{Write: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"}))
		if got := h.answer(says(ok)); got.Body != "ok" {
			t.Fatalf("got %q", got.Body)
		}
	}
}

// One that takes one connection at a time takes the next when we let go of ours.
func TestASingleThreadedServerKeepsNobodyWaitingForAnIdleConnection(t *testing.T) {
	t.Parallel()
	h := open(t, "single", func(c *httpproxy.Config) { c.Concurrency = 4 })
	var pollers sync.WaitGroup
	for n := range 4 {
		pollers.Go(func() {
			for range 100 {
				began := time.Now()
				got, err := h.invoke(fmt.Sprint(n), says(ok), testkit.Patience)
				if err != nil || !strings.Contains(got, `"ok"`) {
					t.Errorf("got %q, %v", got, err)
				}
				if took := time.Since(began); took > testkit.Patience/3 {
					t.Errorf("one has waited %s", took)
				}
			}
		})
	}
	pollers.Wait()
}

// While one poller has events without end, the others' must come in between.
func TestABusyPollerDoesNotKeepASingleThreadedServerForItself(t *testing.T) {
	t.Parallel()
	h := open(t, "single", func(c *httpproxy.Config) { c.Concurrency = 2 })
	stop := make(chan struct{})
	var busy sync.WaitGroup
	var done atomic.Int64
	busy.Go(func() {
		for ; ; done.Add(1) {
			select {
			case <-stop:
				return
			default:
				if _, err := h.invoke("busy", script("GET", step{Stderr: "at work"}, step{Pause: 50}, step{Write: ok}), testkit.Patience); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	testkit.Eventually(t, "the busy one has its connection", func() bool { return h.logs.FilterMessage("at work").Len() > 0 })
	for range 3 {
		before := done.Load()
		if _, err := h.invoke("other", says(ok), testkit.Patience); err != nil {
			t.Error(err)
		}
		if n := done.Load() - before; n > 60 {
			t.Errorf("it has waited for %d of the busy one's", n)
		}
	}
	close(stop)
	busy.Wait()
}

func TestAFullBacklogOfAUnixSocketIsNotTheEndOfTheServer(t *testing.T) {
	t.Parallel()
	h := open(t, "short backlog", all(socket(t), func(c *httpproxy.Config) { c.Concurrency = 8 }))
	pid := h.pid()
	var events sync.WaitGroup
	for n := range 8 {
		events.Go(func() {
			if got, err := h.invoke(fmt.Sprint(n), call("GET", "/nap", ""), testkit.Patience); err != nil || !strings.Contains(got, "slept") {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	events.Wait()
	if got := h.pid(); got != pid {
		t.Errorf("the server was restarted")
	}
}
