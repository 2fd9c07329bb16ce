package test

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"
)

// variant is a mode, and what it can carry.
type variant struct {
	mode, protocol string
	// text and binary events that are no JSON
	anyEvent, anyLine bool
	// what an empty response comes to; binary ones
	empty       string
	anyResponse bool
	ownError    string // the type that an error of the program's own gets; "": the exit counts
	silence     string // what is said of a program that writes nothing
	lineByLine  bool   // JSON events arrive on one line
	stays       bool   // the program runs between events
	spares      int    // so many wait for events
}

var variants = []variant{
	{mode: "pipe", anyEvent: true, anyLine: true, anyResponse: true, ownError: "Shop.Closed", silence: "flush"},
	{mode: "pipe", spares: 2, anyEvent: true, anyLine: true, anyResponse: true, ownError: "Shop.Closed", silence: "flush"},
	// A blank line is no answer, and what is no answer comes too late at some time.
	{mode: "worker", protocol: "lines", anyLine: true, empty: "Runtime.Timeout", silence: "flush", lineByLine: true, stays: true},
	{mode: "worker", protocol: "jsonrpc", anyResponse: true, ownError: "Shop.Closed", silence: "flush", lineByLine: true, stays: true},
	{mode: "worker", protocol: "actionloop", empty: "{}", ownError: "Shop.Closed", silence: "flush", lineByLine: true, stays: true},
	{mode: "http", anyEvent: true, anyLine: true, anyResponse: true, ownError: "HTTP.500", silence: "not answered POST /invoke", stays: true},
}

// TestEveryMode is the suite that each mode has to pass: the same programs, the
// same outcomes, but for what a protocol can't carry.
func TestEveryMode(t *testing.T) {
	for _, v := range variants {
		name := v.mode + " " + v.protocol
		if v.spares > 0 {
			name = "pipe with spares"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			suite(t, v, func(behaviour string) settings {
				s := settings{"BOOTSTRAP_MODE": v.mode, "BOOTSTRAP_COMMAND": command(aProgram()), testkit.Variable: behaviour}
				switch v.mode {
				case "pipe":
					s["BOOTSTRAP_PIPE_SPARES"] = strconv.Itoa(v.spares)
				case "worker":
					s["BOOTSTRAP_WORKER_PROTOCOL"] = v.protocol
				case "http":
					s["BOOTSTRAP_HTTP_PORT"] = "auto"
				}
				return s
			})
		})
	}
}

func suite(t *testing.T, v variant, program func(behaviour string) settings) {
	for name, event := range map[string]string{
		"an event comes back":           `{"hello":"world"}`,
		"an event of 6 MB comes back":   `{"x":"` + strings.Repeat("0123456789abcdef", 6<<20/16-1) + `"}`,
		"a multi-line event comes back": "{\n\"a\":\t\" 1\\n\"\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			want := event
			if v.lineByLine && strings.Contains(event, "\n") {
				want = `{"a":" 1\n"}`
			}
			if got := deploy(t, program("echo")).answer(event); got != want {
				t.Errorf("got %d bytes for %d, beginning %.100q", len(got), len(event), got)
			}
		})
	}
	t.Run("an event that is binary survives or is refused", func(t *testing.T) {
		c := deploy(t, program("echo"))
		if !v.anyEvent {
			c.fails(string(garbage()), "Runtime.ProtocolError", "The event", v.protocol)
		} else if got := c.answer(string(garbage())); got != string(garbage()) {
			t.Errorf("got %d bytes, beginning %.100q", len(got), got)
		}
	})
	t.Run("an event that is text or empty is handed over or refused", func(t *testing.T) {
		c := deploy(t, program("size"))
		for event, want := range map[string]string{"": "0", "hello": "5", "héllo": "6"} {
			if !v.anyLine {
				c.fails(event, "Runtime.ProtocolError", "The event", v.protocol)
			} else if got := c.answer(event); got != want {
				t.Errorf("got %q for %q", got, event)
			}
		}
	})
	t.Run("an empty response is a response", func(t *testing.T) {
		if strings.HasPrefix(v.empty, "Runtime.") {
			c := deploy(t, program("empty").with(ampleMargin...), timeout(7*time.Second))
			c.fails("{}", v.empty, "blank line")
		} else if got := deploy(t, program("empty")).answer("{}"); got != v.empty {
			t.Errorf("got %q", got)
		}
	})
	t.Run("binary output is relayed byte for byte, or breaks the protocol", func(t *testing.T) {
		c := deploy(t, program("garbage"))
		if v.anyResponse {
			if got := c.answer("{}"); got != string(garbage()) {
				t.Errorf("got %d bytes", len(got))
			}
			return
		}
		if result := c.invoke("{}"); v.protocol == "actionloop" {
			if f := c.failureOf(result); f.Type != "Runtime.ProtocolError" {
				t.Errorf("got %+v", f)
			}
		} else if line, _, _ := bytes.Cut(garbage(), []byte("\n")); !bytes.Equal(result.Payload, line) {
			t.Errorf("got %.100q", result.Payload)
		}
	})
	t.Run("the program's own error reaches the caller", func(t *testing.T) {
		if v.ownError == "" { // what it wrote is no error then, and its exit is
			deploy(t, program("own error")).fails("{}", "Runtime.ExitError", "code 1")
			return
		}
		f := deploy(t, program("own error")).fails("{}", v.ownError, "come back tomorrow")
		if v.mode == "http" {
			return // its stack is what is on stderr
		}
		if strings.Join(f.Stack, ",") != "a,b" {
			t.Errorf("got stack %q", f.Stack)
		}
	})
	t.Run("an exit code is an error with the last words", func(t *testing.T) {
		c := deploy(t, program("exit"))
		f := c.fails("{}", "Runtime.ExitError", "code 3", "about to fail")
		if strings.Join(f.Stack, ",") != "about to fail" {
			t.Errorf("got stack %q", f.Stack)
		}
		c.fails("{}", "Runtime.ExitError", "code 3") // and the next event is served
	})
	t.Run("a signal is an error that names it", func(t *testing.T) {
		deploy(t, program("signal")).fails("{}", "Runtime.ExitError", "SIGKILL")
	})
	t.Run("a program that hangs is stopped in time", func(t *testing.T) {
		c := deploy(t, program("hang").with("BOOTSTRAP_TIMEOUT_MARGIN", "3s"), timeout(5*time.Second))
		c.fails("{}", "Runtime.Timeout", "2s", "5s")
		c.company(v, 1)
		c.fails("{}", "Runtime.Timeout")
	})
	t.Run("a program that is silent is asked whether it flushes", func(t *testing.T) {
		c := deploy(t, program("silent").with(ampleMargin...), timeout(7*time.Second))
		c.fails("{}", "Runtime.Timeout", v.silence)
		c.company(v, 1)
	})
	t.Run("a process in the background does not hold up the answer", func(t *testing.T) {
		c := deploy(t, program("background"))
		for range 2 {
			began := time.Now()
			if got := c.answer(`{"a":1}`); got != `{"a":1}` {
				t.Errorf("got %.100q", got)
			}
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("it took %s", took)
			}
		}
	})
	t.Run("a line of 5 MB on stderr stops nothing", func(t *testing.T) {
		if got := deploy(t, program("loud")).answer(`{"still":"here"}`); got != `{"still":"here"}` {
			t.Errorf("got %.100q", got)
		}
	})
	t.Run("events side by side keep their answers", func(t *testing.T) {
		c := deploy(t, program("echo").with("BOOTSTRAP_CONCURRENCY", "4"), memory(1024)) // for spares beside them
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				id := `{"id":"` + api.NewID() + `"}`
				if got := c.answer(id); got != id {
					t.Errorf("got %.100q for %s", got, id)
				}
			})
		}
		all.Wait()
		c.company(v, 4)
	})
	t.Run("a shutdown lets the running event finish", func(t *testing.T) {
		c := deploy(t, program("slow"))
		result := c.begin(`{"still":"in time"}`)
		c.waitFor("the program to run", func() bool { return strings.Contains(c.log.String(), "got the event") })
		c.signal(syscall.SIGTERM)
		if got := <-result; got.Failed || string(got.Payload) != `{"still":"in time"}` {
			t.Errorf("got %s", got.Payload)
		}
		c.logs("bootstrap has stopped")
	})
	t.Run("a shutdown does not wait for ever", func(t *testing.T) {
		c := deploy(t, program("hang").with("BOOTSTRAP_SHUTDOWN_GRACE", "100ms"))
		result := c.begin("{}")
		c.waitFor("the program to run", func() bool { return strings.Contains(c.log.String(), "got the event") })
		c.signal(syscall.SIGTERM)
		if f := c.failureOf(<-result); f.Type != "Runtime.Shutdown" {
			t.Errorf("got %s: %s", f.Type, f.Message)
		}
		c.logs("bootstrap has stopped")
	})
}

// company wants nothing of the function to run but the bootstrap and, where
// programs stay, so many of them.
func (c *cloud) company(v variant, programs int) {
	c.t.Helper()
	switch {
	case v.mode == "http":
		programs = 1
	case !v.stays:
		programs = v.spares
	}
	pid := c.bootstrap()
	c.waitFor("only the bootstrap and its programs to be left", func() bool {
		return len(c.processes()) == 1+programs && len(children(pid)) == programs
	})
}
