package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"
)

// At a limit of open files it depends on its number which step of a start meets it: the pipes, the
// context file, the fork, the connection to a server. Each of them says so.
func TestAStartThatMeetsTheLimitOfOpenFilesSaysSo(t *testing.T) {
	const inFlight = 8
	for name, s := range map[string]settings{
		"pipe":    sh("sleep 0.3; cat"),
		"spares":  sh("cat; sleep 0.3").with("BOOTSTRAP_PIPE_SPARES", "2"),
		"lines":   sh(`while read event; do sleep 0.3; echo ok; done`).with("BOOTSTRAP_MODE", "worker", "BOOTSTRAP_WORKER_COUNT", "8"),
		"http":    {"BOOTSTRAP_COMMAND": command(aProgram()), testkit.Variable: "echo", "BOOTSTRAP_MODE": "http", "BOOTSTRAP_HTTP_PORT": "auto"},
		"jsonrpc": {"BOOTSTRAP_COMMAND": command(aProgram()), testkit.Variable: "echo", "BOOTSTRAP_MODE": "worker", "BOOTSTRAP_WORKER_PROTOCOL": "jsonrpc"},
	} {
		for files := 16; files < 28; files++ {
			t.Run(fmt.Sprint(name, ", ", files), func(t *testing.T) {
				t.Parallel()
				c := deploy(t, s.with(append(ampleMargin, "BOOTSTRAP_CONCURRENCY", fmt.Sprint(inFlight))...), timeout(8*time.Second), memory(1024),
					startedBy(t, fmt.Sprintf("ulimit -n %d\nexec ", files)))
				var results []<-chan *api.Result
				for range inFlight {
					results = append(results, c.begin("{}\n"))
				}
				for _, result := range results {
					if r := <-result; r.Failed {
						c.namesTheLimit(r, files)
					}
				}
			})
		}
	}
}

func (c *cloud) namesTheLimit(r *api.Result, files int) {
	c.t.Helper()
	if text := string(r.Payload); !strings.Contains(text, "(EMFILE)") || !strings.Contains(text, fmt.Sprintf("%d at once (RLIMIT_NOFILE)", files)) {
		c.t.Errorf("%d: %s", r.Code, text)
	}
}

// Sixteen are too few for eight programs at once, whatever else is open.
func TestEightEventsWithSixteenOpenFilesNameTheLimit(t *testing.T) {
	c := deploy(t, sh("sleep 1; cat").with("BOOTSTRAP_CONCURRENCY", "8"), startedBy(t, "ulimit -n 16\nexec "))
	var results []<-chan *api.Result
	for range 8 {
		results = append(results, c.begin("{}"))
	}
	failed := 0
	for _, result := range results {
		r := <-result
		if !r.Failed {
			continue
		}
		failed++
		if f := c.failureOf(r); f.Type != "Runtime.InitError" || !strings.Contains(f.Message, "BOOTSTRAP_CONCURRENCY") {
			t.Errorf("got %+v", f)
		}
		c.namesTheLimit(r, 16)
	}
	if failed == 0 {
		t.Error("there were files enough")
	}
}

// A server to which no connection can be opened, because we have no file for it, is not to blame: it
// is not stopped, and with it the events that it has.
func TestAServerIsNotStoppedForWantOfAFileOfOurs(t *testing.T) {
	const started = "the server starts"
	met := make(chan bool, 20)
	t.Run("files", func(t *testing.T) {
		for files := 20; files < 32; files++ {
			t.Run(fmt.Sprint(files), func(t *testing.T) {
				t.Parallel()
				c := deploy(t, settings{
					"BOOTSTRAP_COMMAND": command("sh", "-c", `echo "`+started+`" >&2; exec "$0"`, aProgram()), testkit.Variable: "slow",
					"BOOTSTRAP_MODE": "http", "BOOTSTRAP_HTTP_PORT": "auto", "BOOTSTRAP_CONCURRENCY": "8",
				}, timeout(20*time.Second), startedBy(t, fmt.Sprintf("ulimit -n %d\nexec ", files)))
				var results []<-chan *api.Result
				for range 8 {
					results = append(results, c.begin("{}"))
				}
				failed := false
				for _, result := range results {
					if r := <-result; r.Failed {
						failed = true
						c.namesTheLimit(r, files)
					}
				}
				switch starts := strings.Count(c.log.String(), started); {
				case starts > 1:
					t.Errorf("it was started %d times", starts)
				case starts == 1 && failed:
					met <- true
				}
			})
		}
	})
	if len(met) == 0 {
		t.Error("no connection met the limit: this test can't fail")
	}
}
