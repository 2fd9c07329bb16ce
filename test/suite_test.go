package test

import (
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fgbootstrap/platform"
)

// TestEveryMode is the suite that each mode has to pass: the same programs, the
// same outcomes.
func TestEveryMode(t *testing.T) {
	for _, mode := range []string{"pipe"} {
		t.Run(mode, func(t *testing.T) {
			program := func(behaviour string) settings {
				return settings{"BOOTSTRAP_MODE": mode, "BOOTSTRAP_COMMAND": command(self(t)), behaviourVariable: behaviour}
			}
			suite(t, program)
		})
	}
}

func suite(t *testing.T, program func(behaviour string) settings) {
	for name, event := range map[string]string{
		"an event comes back":              `{"hello":"world"}`,
		"an empty event comes back":        "",
		"an event of 6 MB comes back":      strings.Repeat("0123456789abcdef", 6<<20/16),
		"a multi-line event comes back":    "{\n\"a\":\t1\n}\n",
		"an event that is binary survives": string(garbage()),
	} {
		t.Run(name, func(t *testing.T) {
			if got := deploy(t, program("echo")).answer(event); got != event {
				t.Errorf("got %d bytes for %d, beginning %.100q", len(got), len(event), got)
			}
		})
	}
	t.Run("an empty response is a response", func(t *testing.T) {
		if got := deploy(t, program("empty")).answer("{}"); got != "" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("binary output is relayed byte for byte", func(t *testing.T) {
		if got := deploy(t, program("garbage")).answer("{}"); got != string(garbage()) {
			t.Errorf("got %d bytes", len(got))
		}
	})
	t.Run("the program's own error reaches the caller", func(t *testing.T) {
		f := deploy(t, program("own error")).fails("{}", "Shop.Closed", "come back tomorrow")
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
		c := deploy(t, program("hang").with("BOOTSTRAP_TIMEOUT_MARGIN", "2s"), timeout(3*time.Second))
		c.fails("{}", "Runtime.Timeout", "1s", "3s")
		c.alone()
		c.fails("{}", "Runtime.Timeout")
	})
	t.Run("a line of 5 MB on stderr stops nothing", func(t *testing.T) {
		if got := deploy(t, program("loud")).answer("still here"); got != "still here" {
			t.Errorf("got %.100q", got)
		}
	})
	t.Run("events side by side keep their answers", func(t *testing.T) {
		c := deploy(t, program("echo").with("BOOTSTRAP_CONCURRENCY", "4"))
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				id := platform.NewID()
				if got := c.answer(id); got != id {
					t.Errorf("got %.100q for %s", got, id)
				}
			})
		}
		all.Wait()
		c.alone()
	})
	t.Run("a shutdown lets the running event finish", func(t *testing.T) {
		c := deploy(t, program("slow"))
		result := c.begin(`"still in time"`)
		c.waitFor("the program to run", func() bool { return strings.Contains(c.log.String(), "got the event") })
		c.signal(syscall.SIGTERM)
		if got := <-result; got.Failed || string(got.Payload) != `"still in time"` {
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
