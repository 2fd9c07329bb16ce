package test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
	"fgbootstrap/platform/api"
)

// spares is a function of a shell script that is started ahead so many times.
func spares(n int, script string) settings {
	return sh(script).with("BOOTSTRAP_PIPE_SPARES", strconv.Itoa(n))
}

// ahead deploys such a function and sends it a first event: an instance starts with that.
func ahead(t *testing.T, variables settings, setups ...setup) *cloud {
	t.Helper()
	c := deploy(t, variables, setups...)
	c.invoke("first\n")
	return c
}

// spares are the processes that are started and have no event, by their pids.
func (c *cloud) spares(n int) (pids []int) {
	c.t.Helper()
	own := c.bootstrap()
	c.waitFor(strconv.Itoa(n)+" spares", func() bool {
		pids = nil
		for _, child := range children(own) {
			pid, _ := strconv.Atoi(child)
			pids = append(pids, pid)
		}
		return len(pids) == n
	})
	return pids
}

// notes is what the scripts of a function have added to a file, line by line.
func (c *cloud) notes(name string) []string {
	text, _ := os.ReadFile(filepath.Join(c.dir, name))
	return strings.Fields(string(text))
}

func TestAnEventGetsAProgramThatIsThereAndNoneServesTwo(t *testing.T) {
	c := ahead(t, spares(1, `echo ready >&2; read -r event; echo "$$ $event"`))
	served := map[string]bool{}
	for i := range 5 {
		waiting := c.spares(1)[0]
		event := fmt.Sprintf(`{"n":%d}`, i)
		if got, want := c.answer(event+"\n"), fmt.Sprintf("%d %s\n", waiting, event); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		served[strconv.Itoa(waiting)] = true
	}
	if len(served) != 5 {
		t.Errorf("five events were served by %v", served)
	}
	c.spares(1)
}

func TestASparesContextIsInTheFileAlone(t *testing.T) {
	for _, credentials := range []string{"off", "on"} {
		c := ahead(t, spares(1, `read -r event; cat "$BOOTSTRAP_CONTEXT_FILE"; env | grep ^X_CFF_; true`).with("BOOTSTRAP_CREDENTIALS", credentials), withAgency)
		for range 3 {
			c.spares(1)
			result := c.invoke("{}\n")
			got := string(result.Payload)
			if !strings.Contains(got, `"requestId":"`+result.RequestID+`"`) || strings.Contains(got, "X_CFF_") {
				t.Errorf("got %s", got)
			}
			if strings.Contains(got, agency.SecretKey) != (credentials == "on") {
				t.Errorf("with credentials %s: %s", credentials, got)
			}
		}
	}
}

func TestASpareFindsNobodysContextBeforeItsEvent(t *testing.T) {
	c := ahead(t, spares(1, `cat "$BOOTSTRAP_CONTEXT_FILE"; echo; echo ready >&2; read -r event; cat "$BOOTSTRAP_CONTEXT_FILE"`))
	for i := range 4 {
		c.waitFor("a spare to be ready", func() bool { return strings.Count(c.log.String(), "INFO ready") == i+2 })
		result := c.invoke("{}\n")
		before, after, _ := strings.Cut(string(result.Payload), "\n")
		if before != "{}" || !strings.Contains(after, result.RequestID) {
			t.Errorf("before its event it found %s, then %s", before, after)
		}
	}
}

// A program that is started for its event must not find more than a spare does.
func TestWithSparesEveryProgramHasTheSameEnvironment(t *testing.T) {
	c := ahead(t, spares(1, `read -r event; env | grep ^X_CFF_; sleep 0.5; echo "$event"`).with("BOOTSTRAP_CONCURRENCY", "4"), memory(512))
	c.spares(1)
	var results []<-chan *api.Result
	for range 4 { // for one of them there is a spare
		results = append(results, c.begin("{}\n"))
	}
	for _, result := range results {
		if got := string((<-result).Payload); got != "{}\n" {
			t.Errorf("got %q", got)
		}
	}
}

func TestWhatASpareWritesBeforeItsEventIsPartOfTheAnswer(t *testing.T) {
	for _, size := range []int{5, 200_000} { // more than a pipe holds
		c := ahead(t, spares(1, fmt.Sprintf(`echo starting >&2; head -c %d /dev/zero | tr '\0' x; cat`, size)))
		for range 3 {
			c.spares(1)
			if got := c.answer("{}"); got != strings.Repeat("x", size)+"{}" {
				t.Errorf("got %d bytes", len(got))
			}
		}
		if strings.Contains(c.log.String(), "BOOTSTRAP_PIPE_SPARES") {
			t.Errorf("it complains: %s", c.log)
		}
	}
}

func TestALineOfASpareIsAboutItsEventFromThatOn(t *testing.T) {
	c := ahead(t, spares(1, `echo starting >&2; read -r event; echo working >&2; exit 3`))
	c.logs("- INFO starting")
	f := c.fails("{}\n", "Runtime.ExitError", "code 3", "Its last words: working")
	if got := strings.Join(f.Stack, ","); got != "starting,working" {
		t.Errorf("got %q", got)
	}
	result := c.invoke("{}\n")
	c.logs(result.RequestID + " INFO working")
}

func TestLargeEventsReachASpareWhole(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 6<<20/16)
	for script, want := range map[string]string{
		`exec cat`:        large,
		`head -c 3; echo`: "012\n",
		`head -c 1 >/dev/null; echo 1; exec 0<&-; exec 1>&-; sleep 0.2`: "1\n",
	} {
		c := ahead(t, spares(1, script))
		for range 3 {
			c.spares(1)
			if got := c.answer(large); got != want {
				t.Errorf("%s: got %d bytes", script, len(got))
			}
		}
		c.spares(1)
	}
}

func TestASpareIsReplacedWhenNobodyWaits(t *testing.T) {
	c := ahead(t, spares(1, `echo $$ >>starts; read -r event; sleep 0.3; wc -l <starts`))
	for i := range 3 {
		c.spares(1)
		time.Sleep(50 * time.Millisecond) // a pause: the poll waits
		if got := strings.TrimSpace(c.answer("{}\n")); got != strconv.Itoa(i+2) {
			t.Errorf("event %d: %s programs were started before it was answered", i, got)
		}
	}
}

// Where there is no pause between events, those who come next wait for the CPU alone, and
// there must be one that has nothing to do.
func TestASpareIsReplacedDuringAnEventOnlyWhereThatHelps(t *testing.T) {
	script := `echo $$ >>starts; read -r event; sleep 0.2; wc -l <starts`
	// beside is how many of six events ran beside a program that had no event yet. The first
	// one finds a spare. If a program is started for each of the others, be it ahead of it in
	// a pause or when it comes, there is one more at each event's end than at the last one's.
	beside := func(t *testing.T, c *cloud) (n int) {
		spare := strconv.Itoa(c.spares(1)[0])
		c.waitFor("the spare to note its start", func() bool { return slices.Contains(c.notes("starts"), spare) })
		before := len(c.notes("starts"))
		var results []<-chan *api.Result
		for range 6 {
			results = append(results, c.begin("{}\n"))
		}
		var started []int
		for i, result := range results {
			r := <-result
			if r.Failed {
				t.Fatalf("event %d failed: %s", i, r.Payload)
			}
			count, _ := strconv.Atoi(strings.TrimSpace(string(r.Payload)))
			started = append(started, count-before)
		}
		slices.Sort(started) // as they were served
		for i, count := range started {
			if count != i {
				n++
			}
		}
		t.Logf("more programs than before at the end of each event: %v", started)
		return n
	}
	t.Run("one CPU", func(t *testing.T) {
		testkit.Need(t, "taskset")
		c := ahead(t, spares(1, script), func(f *platform.Function, _ *platform.Options) { wrap(t, f, "exec taskset -c 0 ") })
		for range 3 {
			if n := beside(t, c); n > 0 {
				t.Errorf("%d events ran beside the start of a spare", n)
			}
		}
	})
	t.Run("a share of a CPU", func(t *testing.T) {
		c := ahead(t, spares(1, script), func(f *platform.Function, _ *platform.Options) {
			wrap(t, f, fmt.Sprintf("echo $$ >%s/cgroup.procs && exec ", shareOfACPU(t)))
		})
		for range 3 {
			if n := beside(t, c); n > 0 {
				t.Errorf("%d events ran beside the start of a spare", n)
			}
		}
	})
	t.Run("two CPUs", func(t *testing.T) {
		if runtime.NumCPU() < 2 {
			t.Skip("there is only one here")
		}
		c := ahead(t, spares(1, script))
		c.waitFor("an event to run beside the start of a spare", func() bool { return beside(t, c) > 0 })
	})
}

// shareOfACPU makes a control group of the platform's smallest instance.
func shareOfACPU(t *testing.T) (group string) {
	t.Helper()
	group = filepath.Join("/sys/fs/cgroup/cpu", "fgbootstrap-"+api.NewID())
	quota := map[string]string{"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "30000"}
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil { // version 2
		group = filepath.Join("/sys/fs/cgroup", filepath.Base(group))
		quota = map[string]string{"cpu.max": "30000 100000"}
	}
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Skipf("no control group can be made here: %v", err)
	}
	t.Cleanup(func() {
		testkit.Eventually(t, "the control group to go", func() bool { return os.Remove(group) == nil })
	})
	for name, text := range quota {
		if err := os.WriteFile(filepath.Join(group, name), []byte(text), 0o644); err != nil {
			t.Skipf("no share of a CPU can be set here: %v", err)
		}
	}
	return group
}

func TestMoreSparesThanTheMemoryHoldsAreNotStarted(t *testing.T) {
	t.Parallel()
	python := testkit.Need(t, "python3")
	program := settings{"BOOTSTRAP_COMMAND": command(python, "-c", `
with open("starts", "a") as starts: starts.write("x\n")
x = bytearray(b"x" * 30_000_000)
import sys
print(sys.stdin.read())`)}
	for _, row := range []struct {
		spares string
		fit    int
		told   string
	}{
		{"100", 1, "holds only 1 beside"}, // of 128 MB, which one that serves an event needs, too
		{"1", 1, ""},
	} {
		c := ahead(t, program.with("BOOTSTRAP_PIPE_SPARES", row.spares), memory(128))
		if row.told != "" {
			c.logs("BOOTSTRAP_PIPE_SPARES is " + row.spares + ", but the function's memory of 128 MB " + row.told)
		}
		for range 3 {
			c.spares(row.fit)
			if got := c.answer("{}"); got != "{}\n" {
				t.Errorf("got %q", got)
			}
		}
		if n := len(c.notes("starts")); n > 4+row.fit {
			t.Errorf("%s spares: for four events %d programs were started", row.spares, n)
		}
		if row.told == "" && strings.Contains(c.log.String(), "but the function's memory") {
			t.Errorf("it says that one does not fit: %s", c.log)
		}
	}
	c := ahead(t, program.with("BOOTSTRAP_PIPE_SPARES", "1", "BOOTSTRAP_CONCURRENCY", "4"), memory(128))
	c.logs("holds none beside")
	c.spares(0)
	if got := c.answer("{}"); got != "{}\n" {
		t.Errorf("got %q", got)
	}
	c.spares(0)
	if n := len(c.notes("starts")); n > 3 { // with the one that was weighed
		t.Errorf("for two events %d programs were started", n)
	}
}

// Many programs are started by a script that has to find something out before.
func TestAScriptThatHasNotStartedItsProgramYetIsNotTakenForIt(t *testing.T) {
	t.Parallel()
	python := testkit.Need(t, "python3")
	for name, before := range map[string]string{
		"it runs others":           `for i in 1 2 3 4 5 6; do sleep 0.15; done`,
		"it waits for one of them": `sleep 0.7`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := ahead(t, sh(before+`; exec "$PYTHON" -c '
x = bytearray(b"x" * 30_000_000)
import sys
print(sys.stdin.read())'`).with("PYTHON", python, "BOOTSTRAP_PIPE_SPARES", "8"), memory(128))
			c.logs("holds only 1 beside")
			c.spares(1)
		})
	}
}

// A program that is ending has no memory any more. Where its first thread has ended, it
// looks like that all the time.
func TestAProgramThatIsEndingIsNotTakenForASmallOne(t *testing.T) {
	t.Parallel()
	python := testkit.Need(t, "python3")
	program := settings{"BOOTSTRAP_COMMAND": command(python, "-c", `
import ctypes, os, sys, threading
def serve():
    x = bytearray(30_000_000)
    print(sys.stdin.read(), flush=True)
    os._exit(0)
threading.Thread(target=serve).start()
ctypes.CDLL(None).syscall(ctypes.c_long(60 if os.uname().machine == "x86_64" else 93), 0)`)}
	c := ahead(t, program.with("BOOTSTRAP_PIPE_SPARES", "8"), memory(128))
	c.spares(1)
	time.Sleep(2 * time.Second) // long enough to be weighed
	c.spares(1)
	for range 5 {
		c.answer("{}")
	}
	c.logs("holds only 1 beside")
}

func memory(mb int) setup {
	return func(f *platform.Function, _ *platform.Options) { f.MemoryMB = mb }
}

// The end of stdin would be an event without bytes.
func TestAtAShutdownNoSpareTakesItForAnEvent(t *testing.T) {
	c := ahead(t, spares(3, `trap 'exit 0' TERM; read -r event || echo "$event" >>ends; echo`))
	c.spares(3)
	c.answer("{}\n")
	c.spares(3)
	c.signal(syscall.SIGTERM)
	c.logs("bootstrap has stopped")
	if got := c.notes("ends"); len(got) > 0 {
		t.Errorf("somebody has read the end of stdin: %q", got)
	}
}

func TestASpareThatIgnoresTERMIsKilledAtAShutdown(t *testing.T) {
	c := ahead(t, spares(2, `trap '' TERM; echo up >>ups; read -r event; echo`).with("BOOTSTRAP_SHUTDOWN_GRACE", "200ms"))
	c.waitFor("both to be up", func() bool { return len(c.notes("ups")) == 2 })
	c.signal(syscall.SIGTERM)
	c.logs("bootstrap has stopped")
}

func TestSparesAreNoBurdenForManyEvents(t *testing.T) {
	c := ahead(t, spares(3, `read -r event; echo "$event"`).with("BOOTSTRAP_CONCURRENCY", "4"))
	c.spares(3)
	pid := c.bootstrap()
	before := stateOf(t, pid)
	for round := range 50 {
		var results []<-chan *api.Result
		for i := range 6 {
			results = append(results, c.begin(fmt.Sprintf("%d-%d\n", round, i)))
		}
		for i, result := range results {
			if got := string((<-result).Payload); got != fmt.Sprintf("%d-%d\n", round, i) {
				t.Errorf("got %q", got)
			}
		}
	}
	c.spares(3)
	if after := stateOf(t, pid); after.fds > before.fds+20 { // a file and pipes for each of four events
		t.Errorf("%d descriptors were open, now %d", before.fds, after.fds)
	}
}
