package worker_test

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"

	"golang.org/x/sys/unix"
)

// The worker can't be seen at rest: its reader waits with a timer. What it prints before it
// reads the event has no id, and what it says when it dies is not told to the event's caller.
func TestWhatAWorkerSaysBeforeItReadsAnEventIsNotAboutIt(t *testing.T) {
	testkit.Need(t, "python3")
	h := open(t, "lines", []string{"python3", "-uc", `
import os, select, sys, time
first = os.read(0, 1000).decode().strip()
print(first)
if os.path.exists("again"): # the successor
    while True: print(os.read(0, 1000).decode().strip())
open("again", "w").close()
poll = select.poll(); poll.register(0, select.POLLIN)
poll.poll(600000) # an event has come, and is not read
print("could not charge the card of", first, file=sys.stderr)
time.sleep(.2)
sys.exit(3)
`}, in(t.TempDir()))
	if got := h.answer("A"); got != "A" {
		t.Fatalf("got %q", got)
	}
	got, err := h.invoke("id-of-B", "B", 20*time.Second)
	if err != nil || got != "B" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, entry := range h.logs.FilterMessageSnippet("could not charge").All() {
		if id := entry.ContextMap()["requestId"]; id == "id-of-B" {
			t.Errorf("it is logged under %v", id)
		}
	}
	if h.logs.FilterMessageSnippet("could not charge").Len() == 0 {
		t.Error("it is not logged")
	}
}

func TestAnEventThatAWorkerHasNotReadGoesToTheNextOne(t *testing.T) {
	for _, protocol := range []string{"lines", "actionloop"} {
		// After its first event the worker hangs for a moment and dies.
		script := `read -r line; ANSWER; if mkdir first 2>/dev/null; then sleep 0.3; echo "secret of the first" >&2; exit 3; fi; while read -r line; do ANSWER; done`
		answer := `echo '{"is":"'"$$"'"}'`
		if protocol == "actionloop" {
			answer += " >&3"
		}
		h := open(t, protocol, shell(strings.ReplaceAll(script, "ANSWER", answer)), in(t.TempDir()))
		first := h.answer(`{"n":1}`)
		if second := h.answer(`{"n":2}`); second == first {
			t.Errorf("%s: %s answered both", protocol, second)
		}
	}
}

// Its work after an answer is waited for no longer than it takes: 20 events are as fast as it is.
func TestAWorkerThatWorksOnAfterItsAnswerKeepsItsPace(t *testing.T) {
	testkit.Need(t, "python3")
	const events, work = 20, 50 * time.Millisecond
	h := open(t, "lines", []string{"python3", "-uc", `
import sys, time
for line in sys.stdin:
    print(line, end="")
    end = time.monotonic() + .05
    while time.monotonic() < end: pass
`}, nil)
	h.answer("1")
	best := time.Hour
	for range 5 { // a busy machine makes it late at times, a fault always
		began := time.Now()
		for range events {
			h.answer("1")
		}
		best = min(best, time.Since(began))
		if best < events*work*6/5 {
			break
		}
	}
	t.Logf("%s an event, %s of them the worker's", best/events, work)
	if best > events*work*6/5 {
		t.Error("it is slower")
	}
}

// A worker can't be looked at without files. It gets its events all the same. It leaves a process behind in each
// of them, so that it has to be looked at anew; the limit is of this process, so no other test may run.
func TestAWorkerForWhichNoFileIsLeftToLookAtItGetsItsEvents(t *testing.T) {
	h := open(t, "lines", eachLine(`sleep 5 </dev/null >/dev/null 2>&1 & echo "$line"`), nil)
	h.answer("1")
	defer leaveNoFile(t)()
	time.Sleep(20 * time.Millisecond) // until they are taken; too short a time fails nothing
	for _, event := range []string{"2", "3", "4"} {
		if got, err := h.invoke("id", event, 5*time.Second); got != event {
			t.Errorf("%s: got %q, %v", event, got, err)
		}
	}
}

// leaveNoFile takes all descriptors that this process may have, also those that become free, until it is told
// to give them back.
func leaveNoFile(t *testing.T) (giveBack func()) {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	const most = 512
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: most, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	var taken []*os.File
	over := make(chan struct{})
	var taking sync.WaitGroup
	taking.Go(func() {
		for {
			file, err := os.Open(os.DevNull)
			if err == nil {
				taken = append(taken, file)
				continue
			}
			select {
			case <-over:
				return
			case <-time.After(50 * time.Microsecond):
			}
		}
	})
	return func() {
		close(over)
		taking.Wait()
		for _, file := range taken {
			_ = file.Close()
		}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
			t.Error(err)
		}
	}
}
