package test

import (
	"strings"
	"testing"

	"fgbootstrap/internal/testkit"
)

const (
	itsTrace   = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	tracedCall = `{"httpMethod":"GET","path":"/","requestContext":{},"headers":{"traceparent":"` + itsTrace + `"}}`
)

func TestTheTraceOfACallReachesAProgramPerEvent(t *testing.T) {
	t.Parallel()
	tells := sh(`cat >/dev/null; printf '%s|' "${TRACEPARENT-none}"; cat "$BOOTSTRAP_CONTEXT_FILE"`).with("BOOTSTRAP_APIG_WRAP", "off")
	const inContext = `,"traceparent":"` + itsTrace + `"}`
	for name, row := range map[string]struct {
		settings       settings
		event          string
		variable, file string // what the variable is, and what the file ends with
	}{
		"a call with one":             {tells, tracedCall, itsTrace, inContext},
		"a call without":              {tells, strings.Replace(tracedCall, "traceparent", "x-trace", 1), "none", "}}"},
		"of another form":             {tells, strings.Replace(tracedCall, "00-4", "00-X", 1), "none", "}}"},
		"no call":                     {tells, `{"headers":{"traceparent":"` + itsTrace + `"}}`, "none", "}}"},
		"the function has one itself": {tells.with("TRACEPARENT", "its own"), tracedCall, "its own", inContext},
		"started ahead":               {tells.with("BOOTSTRAP_PIPE_SPARES", "1"), tracedCall, "none", inContext},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := deploy(t, row.settings).answer(row.event)
			if !strings.HasPrefix(got, row.variable+"|") || !strings.HasSuffix(got, row.file) {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestTheNextEventHasNoTraceOfTheOneBefore(t *testing.T) {
	t.Parallel()
	c := deploy(t, sh(`cat >/dev/null; echo "${TRACEPARENT-none}"; cat "$BOOTSTRAP_CONTEXT_FILE"`).with("BOOTSTRAP_APIG_WRAP", "off"))
	if got := c.answer(tracedCall); strings.Count(got, itsTrace) != 2 {
		t.Errorf("got %s", got)
	}
	if got := c.answer(`{}`); strings.Contains(got, "traceparent") || !strings.HasPrefix(got, "none\n") {
		t.Errorf("got %s", got)
	}
}

func TestTheTraceOfACallReachesAWorkerThatHasAContext(t *testing.T) {
	t.Parallel()
	python := testkit.Need(t, "python3")
	for protocol, script := range map[string]string{
		"jsonrpc": `
import json, sys
for line in sys.stdin:
    m = json.loads(line)
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": m["params"].get("context", {}).get("traceparent", "none")}), flush=True)
`,
		"actionloop": `
import json, os, sys
out = os.fdopen(3, "w")
for line in sys.stdin:
    print(json.dumps([json.loads(line).get("traceparent") or "none"]), file=out, flush=True)
`,
	} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			c := deploy(t, worker(protocol, python, "-c", script).with("BOOTSTRAP_APIG_WRAP", "off"))
			for _, row := range []struct{ event, want string }{{`{}`, "none"}, {tracedCall, itsTrace}, {`{}`, "none"}} {
				if got := strings.Trim(c.answer(row.event), `[]"`); got != row.want {
					t.Errorf("got %s, want %s", got, row.want)
				}
			}
		})
	}
}
