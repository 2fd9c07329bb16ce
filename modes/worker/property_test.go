package worker_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/modes/worker"
)

// TestNobodyGetsAnothersAnswer drives workers that misbehave at random: each event
// gets its own answer or an error, in time. An event that asks for nothing wrong
// gets its answer, unless it shares its worker with others.
func TestNobodyGetsAnothersAnswer(t *testing.T) {
	events := 10000
	if testing.Short() {
		events = 1000
	}
	for _, row := range []struct {
		protocol                  string
		count, capacity, inFlight int
	}{
		{"lines", 4, 1, 4},
		{"actionloop", 4, 1, 4},
		{"jsonrpc", 2, 4, 8},
	} {
		t.Run(row.protocol, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			h := open(t, row.protocol, self(), func(c *worker.Config) {
				in(dir)(c)
				c.Count, c.Capacity, c.Margin = row.count, row.capacity, 400*time.Millisecond
			})
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			wrong := slices.Sorted(maps.Keys(misbehaviours))
			if row.protocol == "jsonrpc" {
				wrong = append(wrong, slices.Sorted(maps.Keys(jsonrpcMisbehaviours))...)
			}
			var next, answered, failed atomic.Int64
			var all sync.WaitGroup
			for i := range row.inFlight {
				random := rand.New(rand.NewPCG(seed, uint64(i)))
				all.Go(func() {
					for n := int(next.Add(1)); n <= events; n = int(next.Add(1)) {
						o := order{N: n, Do: "answer"}
						if random.IntN(20) == 0 {
							o.Do = wrong[random.IntN(len(wrong))]
						}
						if h.try(o, row.capacity == 1) {
							answered.Add(1)
						} else {
							failed.Add(1)
						}
					}
				})
			}
			all.Wait()
			t.Logf("%d answered, %d failed", answered.Load(), failed.Load())
			neverTwice(t, filepath.Join(dir, "received"))
			if answered.Load() < int64(events)/2 {
				t.Errorf("of %d events only %d were answered", events, answered.Load())
			}
		})
	}
}

// neverTwice wants no event to have got to two workers, or to one twice.
func neverTwice(t *testing.T, received string) {
	t.Helper()
	text, err := os.ReadFile(received)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, n := range strings.Fields(string(text)) {
		if seen[n] {
			t.Errorf("event %s was sent twice", n)
		}
		seen[n] = true
	}
}

// try tells whether the event was answered, which must be by its own answer.
func (f *fixture) try(o order, alone bool) bool {
	event, err := json.Marshal(o)
	if err != nil {
		f.t.Fatal(err)
	}
	within := testkit.Patience
	switch o.Do {
	case "silence", "late answer", "closes the channel", "invalid UTF-8": // which is no message to JSON-RPC
		within = 300 * time.Millisecond
	}
	got, err := f.invoke(fmt.Sprintf("event-%d", o.N), string(event), within)
	switch {
	case err == nil && o.Do == "invalid UTF-8" && strings.Contains(got, "n\""):
		f.t.Errorf("event %+v got another's answer: %q", o, got)
	case err == nil && got != o.answer() && o.Do != "invalid UTF-8":
		f.t.Errorf("event %+v got %.200q", o, got)
	case err != nil && !errors.As(err, new(*adapter.Error)):
		f.t.Errorf("event %+v failed in a way that tells its caller nothing: %v", o, err)
	case err != nil && o.Do == "answer" && alone && !strings.Contains(err.Error(), "code 5"):
		// (5 is the exit code after an answer: the event was on its way already.)
		f.t.Errorf("event %+v failed: %v", o, err)
	}
	return err == nil
}
