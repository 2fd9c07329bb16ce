package worker_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/modes/worker"
)

// What a program says about one caller's event goes to no other caller.

func TestAReasonThatIsToldToOthersHasNothingOfAnEvent(t *testing.T) {
	for name, script := range map[string]string{
		"a crash":         `echo "card of $line" >&2; exit 3`,
		"a broken answer": `echo "card of $line" >&2; echo "card of $line" >&3`,
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, "actionloop", eachLine(script), nil)
			for n := range 7 { // the last of them are refused
				event := fmt.Sprintf(`{"caller":"caller-%d"}`, n)
				_, err := h.invoke(fmt.Sprint("id-", n), event, testkit.Patience)
				var told *adapter.Error
				if !errors.As(err, &told) {
					t.Fatalf("got %v", err)
				}
				text := told.Message + strings.Join(told.Stack, "")
				if others := strings.Count(text, "caller-") - strings.Count(text, fmt.Sprint("caller-", n)); others > 0 {
					t.Errorf("caller %d reads %s", n, text)
				}
				if n == 0 && !strings.Contains(text, "card of") {
					t.Errorf("its own caller does not learn what was said: %s", text)
				}
			}
		})
	}
}

func TestALineWithoutAnEndIsQuotedToNobodyButTheLog(t *testing.T) {
	h := server(t, "writes an endless line", func(c *worker.Config) { c.MaxResponse, c.Resident.Grace = 1<<20, 4*time.Second })
	h.fails(`"caller-1"`, testkit.Patience, "FunctionResponseTooLarge")
	testkit.Eventually(t, "it is to be stopped", func() bool { return h.logs.FilterMessageSnippet("the program is stopped").Len() > 0 })
	e := h.fails(`"caller-2"`, 3*time.Second, "Runtime.ProtocolError", "was not ready either", "without an end")
	if text := e.Message + strings.Join(e.Stack, ""); strings.Contains(text, "card of") {
		t.Errorf("got %s", text)
	}
	if h.logs.FilterMessageSnippet("caller-1").Len() == 0 {
		t.Error("nor does the log say what it was")
	}
}

func TestAnErrorOfAnEventThatWasNotAloneHasNoLinesOfStderr(t *testing.T) {
	h := server(t, "chats", func(c *worker.Config) { c.Capacity = 2 })
	var neighbour sync.WaitGroup
	neighbour.Go(func() { _, _ = h.invoke("other", `"card of another"`, 3*time.Second) })
	testkit.Eventually(t, "the neighbour is there", func() bool { return h.logs.FilterMessageSnippet("another").Len() > 0 })
	e := h.fails(`"mine"`, time.Second, "Runtime.Timeout")
	if text := e.Message + strings.Join(e.Stack, ""); strings.Contains(text, "another") {
		t.Errorf("got %s", text)
	}
	neighbour.Wait()
}

func TestAnEventThatAWorkerHasGotHalfOfLearnsNothingOfItsNeighbour(t *testing.T) {
	h := server(t, "says and dies", func(c *worker.Config) { c.Capacity = 2 })
	var neighbour sync.WaitGroup
	neighbour.Go(func() { _, _ = h.invoke("other", `"card of another"`, testkit.Patience) })
	testkit.Eventually(t, "the neighbour is there", func() bool { return h.logs.FilterMessageSnippet("another").Len() > 0 })
	e := h.fails(`"`+strings.Repeat("x", 1<<20)+`"`, testkit.Patience, "Runtime.ExitError", "exited with code 3")
	if text := e.Message + strings.Join(e.Stack, ""); strings.Contains(text, "card of another") {
		t.Errorf("got %s", text)
	}
	neighbour.Wait()
}

func TestABrokenAnswerTellsNothingOfANeighbour(t *testing.T) {
	for event, names := range map[string]bool{"break": true, "mix": false} {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			h := server(t, "breaks answers", func(c *worker.Config) { c.Capacity = 2 })
			var neighbour sync.WaitGroup
			neighbour.Go(func() { _, _ = h.invoke("other", `"card of another"`, 3*time.Second) })
			testkit.Eventually(t, "the neighbour is there", func() bool { return h.logs.FilterMessageSnippet("another").Len() > 0 })
			e := h.fails(`"`+event+`"`, 3*time.Second, "Runtime.ProtocolError", "wrote a line that")
			if text := e.Message + strings.Join(e.Stack, ""); strings.Contains(text, "card of another") || strings.Contains(text, "some-id") != names {
				t.Errorf("got %s", text)
			}
			neighbour.Wait()
		})
	}
}

func TestATimeoutQuotesNoLineThatMayBeOfANeighbour(t *testing.T) {
	h := server(t, "prints", func(c *worker.Config) { c.Capacity = 2 })
	e := h.fails(`"alone"`, time.Second, "Runtime.Timeout")
	if !strings.Contains(e.Message, `got "alone"`) {
		t.Errorf("its own line is missing: %s", e.Message)
	}
	var neighbours sync.WaitGroup
	for _, event := range []string{"one", "two"} {
		neighbours.Go(func() {
			other := map[string]string{"one": "two", "two": "one"}[event]
			e := h.fails(`"card of `+event+`"`, 3*time.Second, "Runtime.Timeout", "see the log")
			if strings.Contains(e.Message, "card of "+other) {
				t.Errorf("%s got %s", event, e.Message)
			}
		})
	}
	neighbours.Wait()
}

func TestLogNotificationsTakeNoTextForAnID(t *testing.T) {
	h := server(t, "forges", nil)
	h.answer("1")
	entries := h.logs.FilterMessage("forged").All()
	if len(entries) == 0 {
		t.Fatal("it is not logged")
	}
	for _, entry := range entries {
		if id, ok := entry.ContextMap()["requestId"]; ok {
			t.Errorf("got the id %q", id)
		}
	}
}
