package worker_test

import (
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
)

const inABuffer = "its answer is probably in a buffer"

// They read the event and write an answer, which stays in their buffers.
func TestAWorkerThatBuffersIsToldSoBeforeTheDeadline(t *testing.T) {
	for name, row := range map[string]struct {
		needs string
		words []string
	}{
		"jq":         {"jq", []string{"jq", "-c", "."}},
		"sed":        {"sed", []string{"sed", "s/a/b/"}},
		"awk":        {"awk", []string{"awk", "{print}"}},
		"perl":       {"perl", []string{"perl", "-ne", "print"}},
		"in a shell": {"sed", shell("sed s/a/b/; true")},
		"a pipeline": {"sed", shell("cat | sed s/a/b/")},
		"all of it":  {"sort", []string{"sort"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.Need(t, row.needs)
			h := open(t, "lines", row.words, nil)
			failed := make(chan time.Time)
			go func() {
				h.fails("1", 4*time.Second, "Runtime.Timeout", inABuffer, "stdbuf -oL", "wait for the end of its stdin?")
				failed <- time.Now()
			}()
			testkit.Eventually(t, "it is said", func() bool { return h.logs.FilterMessageSnippet(inABuffer).Len() == 1 })
			at := <-failed
			said := h.logs.FilterMessageSnippet(inABuffer).All()
			if len(said) != 1 || at.Sub(said[0].Time) < time.Second || said[0].ContextMap()["requestId"] != "some-id" {
				t.Errorf("it failed %s, said: %v", at, said)
			}
		})
	}
}

func TestASlowWorkerIsNotSaidToBuffer(t *testing.T) {
	for name, script := range map[string]string{
		"it sleeps":   `while read -r line; do sleep 2; echo "$line"; done`,
		"it computes": `while read -r line; do timeout 2 sh -c 'while :; do :; done'; echo "$line"; done`,
		"it loads":    `sleep 2; while read -r line; do echo "$line"; done`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openWithin(t, 10*time.Millisecond, "lines", shell(script), nil)
			h.answer("1")
			if n := h.logs.FilterMessageSnippet(inABuffer).Len(); n != 0 {
				t.Error("it is said")
			}
		})
	}
}

func TestAWorkerThatBuffersTheAnswerToItsGreetingIsToldSo(t *testing.T) {
	testkit.Need(t, "jq")
	h := openWithin(t, time.Second, "jsonrpc", []string{"jq", "-c", `{id, result: .}`}, nil)
	h.fails("1", time.Second, "Runtime.InitError", inABuffer)
}
