package test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"fgbootstrap/platform"
	"fgbootstrap/platform/api"
)

// outcomes checks what every event is due: one outcome, and whatever was posted
// for it before and after, the same bytes.
func (c *cloud) outcomes() {
	c.t.Helper()
	counted, first := map[string]int{}, map[string]api.Report{}
	for _, r := range c.API().AllReports() {
		if r.Counted {
			counted[r.RequestID]++
		}
		if !r.Complete {
			continue
		}
		f, known := first[r.RequestID]
		if known && (f.Kind != r.Kind || !bytes.Equal(f.SHA256[:], r.SHA256[:])) {
			c.t.Errorf("%s was answered twice with different bytes: %+v and %+v", r.RequestID, f, r)
		}
		first[r.RequestID] = r
	}
	for id, n := range counted {
		if n != 1 {
			c.t.Errorf("%s had %d outcomes", id, n)
		}
	}
}

func TestARuntimeAPIThatMisbehavesLosesNoEvent(t *testing.T) {
	for name, row := range map[string]struct{ faults, event string }{
		"refused at the start":           {"listen:refuse=3s", "{}"},
		"reset before the answer":        {"poll:reset*3", "{}"},
		"status 500":                     {"poll:500*3", "{}"},
		"no content":                     {"poll:empty*3", "{}"},
		"no request id":                  {"poll:noid*3", "{}"},
		"headers of 32 KB":               {"poll:bighead=32K", "{}"},
		"a slow event":                   {"poll:slow=1s", strings.Repeat("x", 1<<20)},
		"reports answered 500":           {"post:500*2", "{}"},
		"a report reset":                 {"post:reset", "{}"},
		"a report whose answer was lost": {"post:lost", "{}"},
		"a report that is read late":     {"post:stall=1s", strings.Repeat("x", 6<<20)},
		"a slow answer to a report":      {"post:slow=1s", "{}"},
		"all at once": {"listen:refuse=500ms,poll:reset,poll:500,poll:noid,poll:bighead=20K,poll:slow=100ms," +
			"post:500,post:reset,post:lost,post:slow=200ms", "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := deploy(t, sh("cat"), faults(t, row.faults))
			for range 3 {
				if got := c.answer(row.event); got != row.event {
					t.Errorf("got %d bytes for %d", len(got), len(row.event))
				}
			}
			c.outcomes()
			// Each fault costs a poll or two, each event one, and one waits now.
			if polls := c.API().Polls(); polls > 25 {
				t.Errorf("%d polls for 3 events", polls)
			}
		})
	}
}

func TestAnEventThatBreaksOffIsFailedAndTheProgramIsNotStarted(t *testing.T) {
	c := deploy(t, sh(`echo "started with $(wc -c)" >&2; echo ok`), faults(t, "poll:cut"))
	c.fails(strings.Repeat("x", 1<<20), "Runtime.InternalError", "broke off", "of its 1048576 bytes")
	if strings.Contains(c.log.String(), "started with") {
		t.Error("the program was started with half an event")
	}
	if got := c.answer("{}"); got != "ok\n" {
		t.Errorf("got %q", got)
	}
	c.outcomes()
}

func TestAnEventWhoseHeadBreaksOffIsThePlatformsToRepeat(t *testing.T) {
	c := deploy(t, sh("cat"), faults(t, "poll:cuthead"), timeout(2*time.Second))
	if lost := c.invoke("first"); lost.Code != 4010 {
		t.Errorf("got %d: %s", lost.Code, lost.Payload)
	}
	if got := c.answer("second"); got != "second" {
		t.Errorf("got %q", got)
	}
	c.outcomes()
}

func TestAnEventThatTakesTooLongToArriveIsATimeout(t *testing.T) {
	c := deploy(t, sh("cat").with(ampleMargin...), faults(t, "poll:slow=10s"), timeout(5*time.Second))
	c.fails(strings.Repeat("x", 1<<20), "Runtime.Timeout", "before the event had arrived", "not started")
	c.outcomes()
}

func TestARefusedReportIsFinal(t *testing.T) {
	for _, status := range []string{"404", "413"} {
		c := deploy(t, sh("cat"), faults(t, "post:"+status))
		refused := c.invoke("first")
		if got := c.answer("second"); got != "second" {
			t.Errorf("got %q", got)
		}
		if n := len(c.API().Reports(refused.RequestID)); n != 1 {
			t.Errorf("%s: %d reports", status, n)
		}
		c.logs("refused the report with status " + status)
	}
}

func TestAFailingRuntimeAPIIsNotAskedInABusyLoop(t *testing.T) {
	for _, fault := range []string{"poll:500*100000", "poll:reset*100000", "poll:noid*100000", "poll:empty*100000"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			c := deploy(t, sh("cat"), faults(t, fault), timeout(3*time.Second))
			ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
			defer cancel()
			_, _ = c.Invoke(ctx, api.Event{Payload: []byte("{}")}) // it is never delivered
			times := c.API().PollTimes()
			if len(times) < 3 {
				t.Fatalf("only %d polls", len(times))
			}
			// Back-off from 50 ms doubling to 2 s, each with jitter of a half.
			took := times[len(times)-1].Sub(times[0])
			if most := 8 + int(took/time.Second)*2; len(times) > most {
				t.Errorf("%d polls in %s", len(times), took)
			}
			if n := strings.Count(c.log.String(), "polling the runtime API failed"); n != 1 {
				t.Errorf("%d log lines about it", n)
			}
		})
	}
}

func TestABigTokenIsNoReasonToLoseAnEvent(t *testing.T) {
	c := deploy(t, sh(`printf %s "$X_CFF_AUTH_TOKEN" | wc -c`).with("BOOTSTRAP_CREDENTIALS", "on"), func(_ *platform.Function, o *platform.Options) {
		o.API.Credentials.AuthToken = strings.Repeat("t", 20000)
	})
	if got := strings.TrimSpace(c.answer("{}")); got != "20000" {
		t.Errorf("got %q", got)
	}
}
