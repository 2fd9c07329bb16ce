package worker_test

import (
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
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
