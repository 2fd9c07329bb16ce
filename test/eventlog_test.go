package test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
	"fgbootstrap/platform/api"
)

// eventLine is the line of a JSON log about an event.
type eventLine struct {
	Level, Message, RequestID, Trigger, Outcome string
	WaitedMs, StartedMs, RanMs                  *float64
	BytesIn, BytesOut, PID                      int
	Cold                                        bool
}

// eventLines waits for so many of them.
func (c *cloud) eventLines(n int) (all []eventLine) {
	c.t.Helper()
	c.waitFor(fmt.Sprint(n, " lines about events"), func() bool {
		all = nil
		for line := range strings.Lines(c.log.String()) {
			var l eventLine
			if json.Unmarshal([]byte(line), &l) == nil && l.Message == "event" {
				all = append(all, l)
			}
		}
		return len(all) >= n
	})
	return all
}

func TestEachEventHasALineInEveryModeAlsoAStream(t *testing.T) {
	t.Parallel()
	for name, mode := range modesWithSecrets {
		for _, streams := range []string{"off", "on"} {
			t.Run(name+" streaming "+streams, func(t *testing.T) {
				t.Parallel()
				onOff := func(_ *platform.Function, o *platform.Options) { o.API.Streaming = streams == "on" }
				c := deploy(t, mode.with("BOOTSTRAP_COMMAND", command(aProgram()), testkit.Variable, "slow", "BOOTSTRAP_STREAMING", streams,
					"BOOTSTRAP_LOG_FORMAT", "json", "BOOTSTRAP_LOG_EVENTS", "on", "BOOTSTRAP_LOG_LEVEL", "error"), onOff)
				const event = `{"trigger_type":"TIMER"}`
				var ids []string
				for range 2 {
					ids = append(ids, c.invoke(event).RequestID)
				}
				got := c.eventLines(2)
				for i, l := range got {
					if l.Level != "INFO" || l.RequestID != ids[i] || l.Trigger != "timer" || l.Outcome != "ok" || l.BytesIn != len(event) || l.BytesOut != len(event) {
						t.Errorf("got %+v", l)
					}
					if l.WaitedMs == nil || l.StartedMs == nil || l.RanMs == nil || *l.WaitedMs < 0 || *l.StartedMs < 0 || *l.RanMs < 250 {
						t.Errorf("the times are wrong: %+v", l)
					}
					if want := i == 0 || name == "pipe"; l.Cold != want {
						t.Errorf("event %d: cold is %v", i, l.Cold)
					}
				}
				stays := name != "pipe"
				if got[0].PID == 0 || (got[0].PID == got[1].PID) != stays {
					t.Errorf("the processes are %d and %d", got[0].PID, got[1].PID)
				}
				if _, lives := c.processes()[got[1].PID]; lives != stays {
					t.Errorf("of %v, %d is to live: %v", c.processes(), got[1].PID, stays)
				}
			})
		}
	}
}

func TestAnEventThatNoProgramHadIsToldWithItsError(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]settings{
		"none is found": {"BOOTSTRAP_COMMAND": "no-such-program"},
		"a worker ends": worker("lines", "sh", "-c", "exit 3"),
		"a bad setting": {"BOOTSTRAP_MODE": "pip"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := deploy(t, s.with("BOOTSTRAP_LOG_FORMAT", "json", "BOOTSTRAP_LOG_EVENTS", "on"))
			f := c.failure(`{}`)
			if l := c.eventLines(1)[0]; l.Outcome != f.Type || l.Cold || l.PID != 0 || l.RanMs == nil || *l.RanMs != 0 || l.Trigger != "other" {
				t.Errorf("got %+v for %s", l, f.Type)
			}
		})
	}
}

func TestASpareIsTheProcessThatAnEventHad(t *testing.T) {
	t.Parallel()
	c := deploy(t, sh(`cat >/dev/null; echo $$`).with("BOOTSTRAP_PIPE_SPARES", "1", "BOOTSTRAP_LOG_FORMAT", "json", "BOOTSTRAP_LOG_EVENTS", "on"))
	for i := range 3 {
		pid := strings.TrimSpace(c.answer(`{}`))
		if l := c.eventLines(i + 1)[i]; strconv.Itoa(l.PID) != pid || !l.Cold {
			t.Errorf("%s had it, got %+v", pid, l)
		}
	}
}

func TestTheLineOfAnEventInATextLog(t *testing.T) {
	t.Parallel()
	c := deploy(t, sh(`cat >/dev/null; exit 3`).with("BOOTSTRAP_LOG_EVENTS", "on"))
	id := c.call(api.Event{Payload: []byte(`[1]`)}).RequestID
	c.logs(" event trigger")
	want := `Z ` + id + ` INFO event trigger=other waitedMs=[0-9.]+ startedMs=[0-9.]+ ranMs=[0-9.]+ bytesIn=3 bytesOut=0 outcome=Runtime\.ExitError cold=true pid=[0-9]+\n`
	if !regexp.MustCompile(want).MatchString(c.log.String()) {
		t.Errorf("want %s", want)
	}
}

func TestWithoutTheSwitchNoEventHasALine(t *testing.T) {
	t.Parallel()
	c := deploy(t, sh(`cat; echo logged >&2`))
	c.answer(`{}`)
	c.logs("INFO logged")
	if strings.Contains(c.log.String(), "trigger=") {
		t.Error("it has")
	}
}
