package worker_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/modes/worker"

	"golang.org/x/sys/unix"
)

// in has the workers run in a folder of the test's, with these files.
func in(dir string) func(*worker.Config) {
	return func(c *worker.Config) { c.Resident.Program.Command.Dir, c.Resident.Program.Command.CodeRoot = dir, dir }
}

// server is open for one of servers.
func server(t *testing.T, name string, change func(*worker.Config)) *fixture {
	t.Helper()
	return open(t, "jsonrpc", self(), serving(name, change))
}

func serving(name string, change func(*worker.Config)) func(*worker.Config) {
	return func(c *worker.Config) {
		c.Resident.Env = testkit.Environ(name)
		if change != nil {
			change(c)
		}
	}
}

// starts counts the lines of a file that each start of a program adds to.
func starts(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "starts"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Count(string(text), "\n")
}

func TestAWorkerThatDiesAtOnceIsExplainedToEachEventAndStartedAtThePaceOfTheBackOff(t *testing.T) {
	dir := t.TempDir()
	app := filepath.Join(dir, "app")
	script := func(text string) {
		testkit.WriteFile(t, app+".new", "#!/bin/sh\necho >>starts\n"+text, 0o755)
		if err := os.Rename(app+".new", app); err != nil {
			t.Fatal(err)
		}
	}
	script("echo 'no database' >&2; exit 7")
	h := open(t, "lines", []string{"./app"}, in(dir))
	began := time.Now()
	// On a busy machine what it said may be read when it already has an event.
	explained := func(told adapter.Error) {
		if !strings.Contains(told.Message, "no database") && !strings.Contains(told.Message, "see the log") {
			t.Fatalf("got %s", told.Message)
		}
	}
	for range 1000 {
		explained(h.fails(`{"a":1}`, testkit.Patience, "Runtime.ExitError", "code 7"))
	}
	took := time.Since(began)
	// At once, then after 50, 100, 200 … ms, each perhaps half of that by jitter.
	if n := starts(t, dir); n > 8+int(took/time.Second) {
		t.Errorf("%d starts in %s", n, took)
	}
	if took > testkit.Patience {
		t.Errorf("1000 answers took %s", took)
	}
	explained(h.fails(`{}`, testkit.Patience, "Runtime.ExitError", "The program exited with code 7", " (It has failed", "times in a row"))
	script("exec cat")
	testkit.Eventually(t, "the repaired program works", func() bool {
		got, err := h.invoke("id", `{"a":1}`, testkit.Patience)
		return err == nil && got == `{"a":1}`
	})
	if n := h.logs.FilterMessageSnippet("code 7").Len(); n > 10 {
		t.Errorf("the log says %d times what is wrong", n)
	}
}

func TestAWorkerThatDiesWhileItHasNoEventIsReplaced(t *testing.T) {
	h := server(t, "pid", nil)
	first := h.answer("1")
	var pid int
	if _, err := fmt.Sscan(first, &pid); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the log says so", func() bool { return h.logs.FilterMessageSnippet("SIGKILL").Len() > 0 })
	if second := h.answer("1"); second == first {
		t.Errorf("%s has answered again", first)
	}
}

func TestAWorkerForLinesIsReplacedAfterSoManyEvents(t *testing.T) {
	h := open(t, "lines", shell(`while read -r line; do echo $$; done`), func(c *worker.Config) { c.MaxInvocations = 2 })
	served, last := map[string]int{}, ""
	testkit.Eventually(t, "three have served", func() bool {
		last = h.answer("1")
		served[last]++
		time.Sleep(50 * time.Millisecond) // the successor is started beside
		return len(served) == 3
	})
	for pid, n := range served {
		if pid == last {
			continue
		}
		if n < 2 || n > 100 { // two, where the successor is there at once
			t.Errorf("worker %s was replaced after %d events", pid, n)
		}
		testkit.Eventually(t, "the retired worker is gone", func() bool {
			_, err := os.Stat("/proc/" + pid)
			return err != nil
		})
	}
}

func TestAWorkerThatIsNeverReadyIsDescribed(t *testing.T) {
	h := openWithin(t, 100*time.Millisecond, "jsonrpc", self(), serving("never ready", nil))
	testkit.Eventually(t, "it says what it does", func() bool { return h.logs.FilterMessage("loading the model").Len() > 0 })
	for range 2 { // it is left to start
		e := h.fails("1", time.Second, "Runtime.InitError", "not ready", "initialize", "loading the model")
		if strings.Join(e.Stack, "") != "loading the model" {
			t.Errorf("got %q", e.Stack)
		}
	}
}

func TestEventsWaitForAWorkerThatIsDown(t *testing.T) {
	dir := t.TempDir()
	// Fails twice, and is there with the third start.
	h := open(t, "lines", shell(`echo >>starts; [ $(wc -l <starts) -gt 2 ] || exit 1; exec cat`), in(dir))
	testkit.Eventually(t, "an event is answered", func() bool {
		got, err := h.invoke("id", "1", testkit.Patience)
		return err == nil && got == "1" // one that the program had got when it died has failed
	})
	if n := starts(t, dir); n != 3 {
		t.Errorf("%d starts", n)
	}
}

func TestAnEventOfWhichNothingCouldBeWrittenGoesToTheSuccessor(t *testing.T) {
	for _, size := range []int{10, 5 << 20} {
		dir := t.TempDir()
		// The first one answers once and closes its stdin.
		h := open(t, "lines", shell(`if mkdir first 2>/dev/null; then read -r line; exec 0<&-; echo one; exec sleep 600; fi; head -n 1 >/dev/null; echo two; exec sleep 600`), in(dir)) // a shell would read it byte by byte
		if got := h.answer("1"); got != "one" {
			t.Errorf("got %q", got)
		}
		if got := h.answer(strings.Repeat("x", size)); got != "two" {
			t.Errorf("%d bytes: got %q", size, got)
		}
	}
}

func TestWhereAllAreBusyAnEventSaysSo(t *testing.T) {
	h := open(t, "lines", shell(`while read -r line; do sleep "$line"; echo done; done`), nil)
	var busy sync.WaitGroup
	defer busy.Wait()
	busy.Go(func() { h.answer("4") })
	time.Sleep(200 * time.Millisecond)
	h.fails("0", time.Second, "Runtime.Timeout", "No worker was free", "BOOTSTRAP_WORKER_COUNT")
}

func TestShutdownEndsWorkersByTheEndOfTheirInput(t *testing.T) {
	dir := t.TempDir()
	h := open(t, "lines", shell(`while read -r line; do echo "$line"; done; echo finished >end`), in(dir))
	h.answer("1")
	if err := h.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "end")); err != nil || string(text) != "finished\n" {
		t.Errorf("got %q, %v", text, err)
	}
	h.closed = true
}
