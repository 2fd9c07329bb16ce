package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestASpareThatIsKilledIsReplaced(t *testing.T) {
	c := ahead(t, spares(2, `read -r event; echo "$event"`))
	for range 3 {
		for _, pid := range c.spares(2) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			c.waitFor("it to be dead", func() bool { return syscall.Kill(pid, 0) != nil })
		}
		for range 3 { // spares serve the last ones
			if got := c.answer("here\n"); got != "here\n" {
				t.Errorf("got %q", got)
			}
			c.spares(2)
		}
	}
	c.logs("was killed by SIGKILL")
}

// Such a program does its work without an event: nobody wants that for long.
func TestAProgramThatDoesNotWaitForItsEventIsSoonNoSpareAnyMore(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"reads nothing":             `echo $$ >>starts; echo done`,
		"reads nothing and hurries": `echo $$ >>starts; exec 0<&-; echo done`,
		"fails":                     `echo $$ >>starts; echo done; exit 3`,
		"forks away":                `echo $$ >>starts; echo done; (cat >/dev/null; sleep 600) & exit 0`,
		"takes a while":             `echo $$ >>starts; sleep 0.2; echo done`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := deploy(t, spares(1, script))
			const events = 20
			for range events {
				result := c.invoke("{}")
				if got := string(result.Payload); name == "fails" != result.Failed || !result.Failed && got != "done\n" {
					t.Errorf("got %q", got)
				}
			}
			c.logs("no more programs are started ahead")
			c.logs("BOOTSTRAP_PIPE_SPARES is for programs that read their stdin before")
			c.spares(0)
			if n := len(c.notes("starts")); n > events+10 { // some ended together
				t.Errorf("%d starts for %d events", n, events)
			}
			if strings.Count(c.log.String(), "BOOTSTRAP_PIPE_SPARES") > 2 {
				t.Errorf("it goes on about it: %s", c.log)
			}
		})
	}
}

// What it had written, as if it had an event, is for nobody.
func TestTheOutputOfASpareThatHasNotReadItsEventIsNotTheAnswer(t *testing.T) {
	// The second program is the one that is started ahead of the second event.
	c := ahead(t, spares(1, `echo $$ >>starts; if [ $(wc -l <starts) = 2 ]; then echo old; echo "at work" >&2; sleep 1; exit 0; fi; read -r event; echo "$event"`))
	c.logs("at work")
	if got := c.answer("new\n"); got != "new\n" {
		t.Errorf("got %q", got)
	}
	c.logs("has not read its event")
}

func TestASpareThatHangsAtItsStartLosesNoEvent(t *testing.T) {
	t.Parallel()
	c := ahead(t, spares(2, `echo $$ >>starts; case $(wc -l <starts) in 2|3) exec sleep 600;; esac; read -r event; echo "$event"`), timeout(10*time.Second))
	c.waitFor("the two that hang", func() bool { return len(c.notes("starts")) == 3 })
	time.Sleep(5500 * time.Millisecond) // more than half of the timeout: one may take its time
	if got := c.answer("one\n"); got != "one\n" {
		t.Errorf("got %q", got)
	}
	began := time.Now()
	if got := c.answer("two\n"); got != "two\n" {
		t.Errorf("got %q", got)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("the next event got the other one, which hangs too: answered after %s", took)
	}
}

// Of an event without bytes nobody can tell whether it was read.
func TestASpareMayTakeItsTimeForAnEventWithoutBytes(t *testing.T) {
	t.Parallel()
	c := ahead(t, spares(2, `cat; sleep 2; echo done`), timeout(3*time.Second))
	time.Sleep(2 * time.Second)
	if got := c.answer(""); got != "done\n" {
		t.Errorf("got %q", got)
	}
	c.spares(2)
}

// The instance may have slept since it was started.
func TestASpareThatIsAtWorkIsNotTakenForOneThatHangs(t *testing.T) {
	t.Parallel()
	c := ahead(t, spares(1, `echo $$ >>starts; if [ $(wc -l <starts) = 2 ]; then while [ ! -e stop ]; do :; done; fi; read -r event; echo "$$ $event"`), timeout(10*time.Second))
	pid := c.spares(1)[0]
	time.Sleep(5500 * time.Millisecond)
	result := c.begin("{}\n")
	time.Sleep(5500 * time.Millisecond) // after half of its time it was looked at
	if err := os.WriteFile(filepath.Join(c.dir, "stop"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := string((<-result).Payload); got != fmt.Sprintf("%d {}\n", pid) {
		t.Errorf("got %q, and the spare was %d", got, pid)
	}
}

func TestAStreamedResultOfASpareThatHasNotReadItsEventIsNoSuccess(t *testing.T) {
	c := ahead(t, spares(1, `echo $$ >>starts; if [ $(wc -l <starts) = 2 ]; then echo old; echo "at work" >&2; sleep 1; exit 0; fi; read -r event; echo "$event"`).
		with("BOOTSTRAP_STREAMING", "on"), streaming)
	c.logs("at work")
	c.fails("new\n", "Runtime.ProtocolError", "did not read the event", "BOOTSTRAP_PIPE_SPARES")
	if got := c.answer("new\n"); got != "new\n" {
		t.Errorf("got %q", got)
	}
}

func TestASpareMayTakeItsTimeToStart(t *testing.T) {
	t.Parallel()
	c := ahead(t, spares(1, `sleep 1; read -r event; echo "$$ $event"`), timeout(3*time.Second))
	for range 2 {
		pid := c.spares(1)[0]
		if got := c.answer("{}\n"); got != fmt.Sprintf("%d {}\n", pid) {
			t.Errorf("got %q, and the spare was %d", got, pid)
		}
	}
}

func TestAProgramThatIsThereOnlyLaterIsASpareThen(t *testing.T) {
	c := deploy(t, settings{"BOOTSTRAP_COMMAND": "./late", "BOOTSTRAP_PIPE_SPARES": "1"})
	c.fails("{}", "Runtime.InitError", "There is no file")
	c.logs("starting a program ahead of its event failed: There is no file")
	if err := os.WriteFile(filepath.Join(c.dir, "late"), []byte("#!/bin/sh\nread -r event; echo \"$event\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := c.answer("{}\n"); got != "{}\n" {
		t.Errorf("got %q", got)
	}
	c.spares(1)
}
