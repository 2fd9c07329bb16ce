package test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// state is what must not grow in a process that serves for days.
type state struct {
	rss                        int // KB
	fds, children, threadCount int
}

func stateOf(t *testing.T, pid int) state {
	t.Helper()
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	fds, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	return state{
		rss:         status(t, pid, "VmRSS:"),
		threadCount: status(t, pid, "Threads:"),
		fds:         len(fds),
		children:    len(children(pid)),
	}
}

// status is a number of /proc/PID/status.
func status(t *testing.T, pid int, name string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if value, found := strings.CutPrefix(line, name); found {
			number, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				t.Fatal(err)
			}
			return number
		}
	}
	t.Fatalf("no %s of %d", name, pid)
	return 0
}

// TestManyEventsLeaveNothingBehind also counts goroutines, by SIGQUIT at the end: the
// trace that Go prints has a line for each. `make soak` asks for more events.
func TestManyEventsLeaveNothingBehind(t *testing.T) {
	t.Parallel() // it takes long, and other tests wait a lot
	events := 2000
	if more := os.Getenv("SOAK_EVENTS"); more != "" {
		var err error
		if events, err = strconv.Atoi(more); err != nil || events < 2000 {
			t.Fatalf("SOAK_EVENTS is %q; want a number, 2000 or more", more)
		}
	}
	c := deploy(t, settings{"BOOTSTRAP_COMMAND": "cat"})
	serve := func(n int) {
		for i := range n {
			event := `{"n":` + strconv.Itoa(i) + `}`
			if got := c.answer(event); got != event {
				t.Fatalf("event %d: got %.100q", i, got)
			}
		}
	}
	serve(1000)
	pid := c.bootstrap()
	before := stateOf(t, pid)
	began := time.Now()
	serve(events - 1000)
	t.Logf("%.0f events a second", float64(events-1000)/time.Since(began).Seconds())
	if now := c.bootstrap(); now != pid {
		t.Fatal("another bootstrap serves: the first one died")
	}
	c.waitFor("the last child to be reaped", func() bool { return len(children(pid)) == 0 })
	after := stateOf(t, pid)
	t.Logf("after 1,000 events %+v, after %d %+v", before, events, after)
	if after.rss > before.rss+2048 {
		t.Errorf("RSS grew from %d KB to %d KB", before.rss, after.rss)
	}
	if after.fds > before.fds || after.children > 0 || after.threadCount > before.threadCount+4 {
		t.Errorf("from %+v to %+v", before, after)
	}
	// Go's runtime has a dozen, the loop a handful.
	if n := goroutines(c); n > 30 {
		t.Errorf("%d goroutines", n)
	}
}

// goroutines ends the bootstrap and counts what it was doing.
func goroutines(c *cloud) int {
	c.signal(3) // SIGQUIT
	c.logs("goroutine 1 ")
	c.waitFor("it to exit", func() bool { return len(c.processes()) == 0 })
	return strings.Count(c.log.String(), "\ngoroutine ")
}
