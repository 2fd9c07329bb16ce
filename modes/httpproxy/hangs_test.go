package httpproxy_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/modes/httpproxy"

	"golang.org/x/sys/unix"
)

func TestAServerThatHangsInOneRequestOnlyIsKept(t *testing.T) {
	t.Parallel()
	for _, ready := range []string{"", "/pid"} {
		h := open(t, "scripted server", func(c *httpproxy.Config) { c.ReadyPath = ready })
		pid := h.pid()
		h.fails(call("GET", "/hang", ""), time.Second, "Runtime.Timeout", "had not answered GET /hang 1s after the event came", "raise the timeout")
		if got := h.pid(); got != pid {
			t.Errorf("ready path %q: the server was restarted", ready)
		}
	}
}

func TestAServerThatHangsAltogetherIsRestarted(t *testing.T) {
	t.Parallel()
	for _, ready := range []string{"", "/pid"} {
		h := open(t, "single", func(c *httpproxy.Config) { c.ReadyPath = ready })
		pid := h.pid()
		for range 2 {
			h.fails(call("GET", "/hang", ""), time.Second, "Runtime.Timeout", "had not answered GET /hang")
			got := h.pid()
			if got == pid {
				t.Errorf("ready path %q: the server has answered after all", ready)
			}
			pid = got
		}
		if n := h.logs.FilterMessageSnippet("no longer answers").Len(); n != 2 {
			t.Errorf("the log says %d times why", n)
		}
	}
}

func TestAStoppedServerIsRestarted(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", nil)
	pid := h.pid()
	h.fails(script("GET", step{Kill: int(unix.SIGSTOP)}), time.Second, "Runtime.Timeout")
	if got := h.pid(); got == pid {
		t.Error("the server has answered after all")
	}
}

func TestAnAnswerThatHangsHalfWayIsATimeout(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", nil)
	pid := h.pid()
	for _, begun := range []string{"HTTP/1.1 2", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n"} {
		h.fails(script("GET", step{Write: begun}, step{Hang: true}), time.Second, "Runtime.Timeout", "not finished its answer to")
	}
	if got := h.pid(); got != pid {
		t.Error("the server was restarted")
	}
}

// A body of which the server takes nothing holds nobody up beyond the deadline.
func TestAServerThatDoesNotReadTheBodyIsGivenUpInTime(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", nil)
	h.fails(call("POST", "/hang", bytesOf(5<<20)), 2*time.Second, "Runtime.Timeout", "had not answered POST /hang")
	h.pid()
}

func TestOneEventThatHangsLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", atATime(8))
	pid := h.pid()
	var events sync.WaitGroup
	events.Go(func() {
		h.fails(call("GET", "/hang", ""), time.Second, "Runtime.Timeout")
	})
	for n := range 7 {
		events.Go(func() {
			for i := range 100 {
				want := fmt.Sprintf("%d-%d", n, i)
				got, err := h.invoke(want, call("POST", "/echo", want), testkit.Patience)
				if err != nil || !strings.Contains(got, `"`+want+`"`) {
					t.Errorf("got %q, %v", got, err)
				}
			}
		})
	}
	events.Wait()
	if got := h.pid(); got != pid {
		t.Error("the server was restarted")
	}
}

func TestEventsThatComeDuringTheProbeWaitForWhatBecomesOfIt(t *testing.T) {
	t.Parallel()
	h := open(t, "single", atATime(8))
	pid := h.pid()
	h.fails(call("GET", "/hang", ""), time.Second, "Runtime.Timeout")
	// The probe takes a second. These come within it.
	var events sync.WaitGroup
	for range 4 {
		events.Go(func() {
			got, err := h.invoke("id", call("GET", "/pid", ""), testkit.Patience)
			if e, _ := readEnvelope(got); err != nil || e.Body == pid || e.Body == "" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	// And this one has not so much time.
	events.Go(func() {
		_, err := h.invoke("id", call("GET", "/pid", ""), 100*time.Millisecond)
		var told *adapter.Error
		if !errors.As(err, &told) || told.Type != "Runtime.Timeout" || !strings.Contains(told.Message, "An earlier event timed out; the server was being restarted") {
			t.Errorf("got %v", err)
		}
	})
	events.Wait()
}

// Deadlines, probes and deaths at the same time; the race detector watches, and a lock
// that never comes back would end the test.
func TestDeadlinesAndDeathsAtTheSameTimeAreSurvived(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", atATime(8))
	var events sync.WaitGroup
	for n := range 8 {
		events.Go(func() {
			for i := range 12 {
				switch {
				case n == 0 && i%3 == 2:
					_, _ = h.invoke("dies", script("GET", step{Pause: 20}, step{Exit: code(1)}), time.Second)
				case n < 4:
					_, _ = h.invoke("hangs", call("GET", "/hang", ""), time.Duration(20+i)*time.Millisecond)
				default:
					_, _ = h.invoke("works", call("GET", "/pid", ""), 100*time.Millisecond)
				}
			}
		})
	}
	events.Wait()
	testkit.Eventually(t, "the server answers", func() bool {
		_, err := h.invoke("id", call("GET", "/pid", ""), testkit.Patience)
		return err == nil
	})
}
