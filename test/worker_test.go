package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
)

func TestAWorkerServesFromTheFirstEventOn(t *testing.T) {
	c := deploy(t, worker("lines", "sh", "-c", `echo started >&2; while read -r line; do echo "$$ $line"; done`))
	first := c.answer("a")
	second := c.answer("b")
	if strings.TrimSuffix(first, "a") != strings.TrimSuffix(second, "b") {
		t.Errorf("%q and %q are by two processes", first, second)
	}
	if log := c.log.String(); strings.Count(log, "started") != 1 || strings.Index(log, "started") > strings.Index(log, "Finish") {
		t.Errorf("it is not started once, before the first event:\n%s", log)
	}
}

func TestAWorkerThatIsNotReadyInTimeIsDescribed(t *testing.T) {
	t.Parallel()
	c := deploy(t, worker("jsonrpc", "sh", "-c", `echo "loading the model" >&2; read -r line; sleep 600`).with("BOOTSTRAP_INIT_WAIT", "200ms").with(ampleMargin...),
		timeout(5*time.Second))
	f := c.fails(`{}`, "Runtime.InitError", "not ready", "initialize", "loading the model")
	if strings.Join(f.Stack, "") != "loading the model" {
		t.Errorf("got %q", f.Stack)
	}
}

func TestTheFirstPollDoesNotWaitForAWorkerThatDies(t *testing.T) {
	t.Parallel()
	c := deploy(t, worker("jsonrpc", "sh", "-c", `exit 3`).with("BOOTSTRAP_INIT_WAIT", "60s"))
	began := time.Now()
	c.fails(`{}`, "Runtime.ExitError", "code 3")
	if took := time.Since(began); took > 40*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestAWorkerThatCantStartIsExplainedAndStartedWhenItIsRepaired(t *testing.T) {
	t.Parallel()
	c := deploy(t, worker("lines", "./app"), file("app", "#!/bin/sh\r\nexec cat\r\n", 0o755))
	for range 3 {
		c.fails(`{}`, "Runtime.InitError", "CRLF")
	}
	repaired := filepath.Join(c.Function().Dir, "new")
	testkit.WriteFile(t, repaired, "#!/bin/sh\nexec cat\n", 0o755)
	if err := os.Rename(repaired, filepath.Join(c.Function().Dir, "app")); err != nil {
		t.Fatal(err)
	}
	c.waitFor("it to run", func() bool { return !c.invoke(`{}`).Failed })
}

// A program for pipe mode that is run as a worker is told so.
func TestAProgramThatEndsAfterAnEventIsToldAboutPipeMode(t *testing.T) {
	c := deploy(t, worker("lines", "sh", "-c", `exit 0`))
	c.fails(`{}`, "Runtime.ExitError", "code 0", "BOOTSTRAP_MODE=pipe")
}

func TestTheReportOfATimeoutIsInTimeWithTheUsualMargin(t *testing.T) {
	for _, protocol := range []string{"lines", "jsonrpc", "actionloop"} {
		script := `trap '' TERM; read -r line; echo '{"jsonrpc":"2.0","id":"initialize","result":1}'; while :; do sleep 1; done`
		if protocol != "jsonrpc" {
			script = `trap '' TERM; read -r line; while :; do sleep 1; done`
		}
		c := deploy(t, worker(protocol, "sh", "-c", script), timeout(3*time.Second))
		c.reportsATimeoutInTime() // 75 ms are little on a busy machine
	}
}

func TestCredentialsReachAWorkerOnlyIfSwitchedOn(t *testing.T) {
	python := testkit.Need(t, "python3")
	script := `
import json, sys
for line in sys.stdin:
    m = json.loads(line)
    if "id" in m:
        print(json.dumps(m), file=sys.stderr)
        print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": m.get("params", {}).get("context")}), flush=True)
`
	for _, on := range []bool{false, true} {
		s := worker("jsonrpc", python, "-c", script)
		if on {
			s["BOOTSTRAP_CREDENTIALS"] = "on"
		}
		c := deploy(t, s, withAgency)
		for range 2 {
			if got := c.answer(`{}`); strings.Contains(got, "STPLANTED0003") != on {
				t.Errorf("on %v: got %s", on, got)
			}
		}
		if strings.Contains(c.log.String(), "PLANTED") {
			t.Error("a credential is in the log")
		}
	}
}

// A line of 6 MB is in memory as the event, as the answer's line and as the
// response, and no more than that.
func TestALineOfSixMegabytesTakesThreeTimesItsSize(t *testing.T) {
	large := `{"x":"` + strings.Repeat("0123456789abcdef", 6<<20/16-1) + `"}`
	for name, s := range map[string]settings{
		"lines":      worker("lines", "cat"),
		"jsonrpc":    worker("jsonrpc", aProgram()).with(testkit.Variable, "echo"),
		"actionloop": worker("actionloop", aProgram()).with(testkit.Variable, "echo"),
	} {
		t.Run(name, func(t *testing.T) {
			c := deploy(t, s)
			for range 10 {
				c.answer(`{"small":1}`)
			}
			pid := c.bootstrap()
			before := status(t, pid, "VmRSS:")
			for range 5 {
				if got := c.answer(large); got != large {
					t.Fatalf("got %d bytes", len(got))
				}
			}
			c.answer(`{"small":1}`)
			after, peak := status(t, pid, "VmRSS:"), status(t, pid, "VmHWM:")
			t.Logf("RSS %d KB before, %d KB after five events of 6 MB, %d KB at the peak", before, after, peak)
			if peak-before > 3*6<<10+1024 || after > before+3072 {
				t.Errorf("RSS %d KB before, %d KB after, peak %d KB", before, after, peak)
			}
		})
	}
}
