package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// programs is the folder with all that build makes.
var programs string

func TestMain(m *testing.M) {
	os.Exit(withPrograms(m.Run))
}

func withPrograms(run func() int) int {
	if _, err := compiler(); err != nil && os.Getenv("CI") != "true" {
		return run() // every test says why it is skipped
	}
	dir, err := os.MkdirTemp("", "fgbootstrap-bench-test-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = build(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	programs = dir
	return run()
}

func need(t *testing.T) {
	t.Helper()
	if programs == "" {
		_, err := compiler()
		t.Skip(err)
	}
}

// once runs a candidate under a load.
func once(t *testing.T, l load, c candidate) (result, error) {
	t.Helper()
	need(t)
	return runOnce(t.Context(), programs, group{load: l, cpus: 1}, c)
}

func TestEveryReferenceAnswersRight(t *testing.T) {
	const eight = `for i in 1 2 3 4 5 6 7 8; do poller_worker worker & done; wait`
	for name, c := range map[string]candidate{
		"C poller":            {command: []string{"poller_worker", "worker"}, inFlight: 1},
		"C null":              {command: []string{"poller_null"}, inFlight: 1},
		"C posix_spawn":       {command: []string{"poller_spawn", "copy"}, inFlight: 1},
		"C posix_spawn, cat":  {command: []string{"poller_spawn", "cat"}, inFlight: 1}, // it writes before it has read all
		"C pre-spawned":       {command: []string{"poller_spare", "copy"}, inFlight: 1},
		"core loop":           {command: []string{"core"}, inFlight: 1},
		"net/http null":       {command: []string{"nethttp-null"}, inFlight: 1},
		"net/http + os/exec":  {command: []string{"nethttp-exec", "copy"}, inFlight: 1},
		"8 of them":           {command: []string{"nethttp-exec", "-pollers", "8", "copy"}, inFlight: 8},
		"net/http loop":       {command: []string{"nethttp-worker", "worker"}, inFlight: 1},
		"bootstrap, pipe":     {command: []string{"bootstrap"}, env: []string{"BOOTSTRAP_COMMAND=cat"}, inFlight: 1},
		"C pollers, 8 events": {command: []string{"/bin/sh", "-c", eight}, inFlight: 8},
	} {
		for _, l := range []load{
			{events: 200, warmUp: 10, bytes: 1 << 10},
			{events: 20, bytes: 64<<10 + 1},
			{events: 5, warmUp: 1, bytes: 6 << 20},
		} {
			t.Run(fmt.Sprintf("%s, %d bytes", name, l.bytes), func(t *testing.T) {
				r, err := once(t, l, c)
				if err != nil {
					t.Fatal(err)
				}
				if r.Events != l.events || r.P50 <= 0 || r.P99 < r.P50 || r.Period <= 0 || r.Rate <= 0 {
					t.Errorf("got %+v", r)
				}
			})
		}
	}
}

func TestTheLoopOfBashAndCurlAnswersRight(t *testing.T) {
	for _, l := range []load{{events: 5, bytes: 1 << 10}, {events: 1, bytes: 6 << 20}} {
		if _, err := once(t, l, candidate{command: []string{"bash-curl", "copy"}, inFlight: 1}); err != nil {
			t.Errorf("%d bytes: %v", l.bytes, err)
		}
	}
}

func TestEveryRowOfTheTableCanBeMeasured(t *testing.T) {
	for _, g := range groups() {
		t.Run(fmt.Sprintf("%s, %d CPUs", g.title, g.cpus), func(t *testing.T) {
			need(t)
			g.rounds, g.load.gap = 1, min(g.load.gap, 2*time.Millisecond)
			g.load.events, g.load.warmUp = 2, 1
			if g.load.kind == stream {
				g.load.events, g.load.warmUp = 1, 0 // 200 MB
			}
			r, err := g.measured(t.Context(), programs)
			if err != nil {
				t.Fatal(err)
			}
			if r.Skipped != "" {
				t.Skip(r.Skipped)
			}
			if r.failed() {
				t.Error(r.text())
			}
			for _, c := range r.Comparisons {
				if c.Missing || c.Median <= 0 {
					t.Errorf("%s: %+v", c.name(r.By), c)
				}
			}
		})
	}
}

func TestABenchThatIsInterruptedBetweenTwoCandidatesEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	g := group{rounds: 2, candidates: []candidate{{name: "one"}, {name: "other"}}}
	runs := 0
	g.run = func(context.Context, string, group, candidate) (result, error) {
		if runs++; runs == 3 {
			cancel()
		}
		return result{P50: 1}, nil
	}
	if _, err := g.measured(ctx, ""); err == nil || runs != 3 {
		t.Errorf("got %v after %d runs", err, runs)
	}
}

func TestWithAGapThePollWaits(t *testing.T) {
	const gap = 5 * time.Millisecond
	r, err := once(t, load{events: 20, warmUp: 2, bytes: 64, gap: gap}, candidate{command: []string{"poller_worker", "worker"}, inFlight: 1})
	if err != nil {
		t.Fatal(err)
	}
	if r.Period < float64(gap.Microseconds())+r.P50/2 {
		t.Errorf("%.0f µs from event to event, %.0f of it to the answer", r.Period, r.P50)
	}
}

// A bench that does not look at the answers would praise whoever drops them.
func TestTheDriverNoticesAnswersThatAreWrong(t *testing.T) {
	for name, script := range map[string]string{
		"a byte more":      `while read -r line; do echo "$line "; done`,
		"a byte less":      `while read -r line; do echo "${line%?}"; done`,
		"another byte":     `while read -r line; do echo "${line%??}?}"; done`,
		"another's answer": `while read -r line; do : "${first:=$line}"; echo "$first"; done`,
		"nothing":          `while read -r line; do echo; done`,
	} {
		t.Run(name, func(t *testing.T) {
			const events = 20
			r, err := once(t, load{events: events, bytes: 100}, candidate{command: []string{"poller_worker", "sh", "-c", script}, inFlight: 1})
			if err == nil || r.Wrong < events-1 || r.Failed != 0 { // the first answer may be its own
				t.Errorf("got %+v, %v", r, err)
			}
		})
	}
}

func TestTheDriverNoticesEventsThatFail(t *testing.T) {
	r, err := once(t, load{events: 5, bytes: 100}, candidate{command: []string{"bootstrap"}, env: []string{"BOOTSTRAP_COMMAND=false"}, inFlight: 1})
	if err == nil || r.Failed != 5 || !strings.Contains(err.Error(), "Runtime.ExitError") {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestAPollerThatEndsFailsTheRunWithItsReason(t *testing.T) {
	const script = `read -r line; echo "$line"; read -r line`
	_, err := once(t, load{events: 5, bytes: 100}, candidate{command: []string{"poller_worker", "sh", "-c", script}, inFlight: 1})
	if err == nil || !strings.Contains(err.Error(), "(exit status 1) said: the worker has ended") {
		t.Errorf("got %v", err)
	}
}

func TestTheTableSaysWhatFailed(t *testing.T) {
	need(t)
	g := group{
		load: load{events: 20, bytes: 100}, rounds: 3, cpus: 1, by: period,
		candidates: []candidate{
			{name: "right", command: []string{"poller_worker", "worker"}, inFlight: 1},
			{name: "wrong", command: []string{"poller_worker", "sed", "-u", "s/text/TEXT/"}, inFlight: 1},
		},
		compared: []comparison{{of: "right", to: "right", atMost: 1}, {of: "right", to: "right", atLeast: 2}, {of: "wrong", to: "right"},
			{of: "right", by: &peak, atMost: 1000}, {of: "right", to: "right", by: &cpu, atLeast: 3}},
	}
	r := g.report(measure(t.Context(), programs, g))
	if !r.failed() {
		t.Error("the wrong one has passed")
	}
	for _, want := range []string{"<= 1 met", ">= 2 missed", "right, peak MB", "<= 1000 met", "right / right, CPU µs", ">= 3 missed", "wrong FAILED in round 1: 20 wrong answers"} {
		if text := r.text(); !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestTheJSONRPCWorkerAnswersByIDAndTogether(t *testing.T) {
	need(t)
	const requests = `{"jsonrpc":"2.0","id":"initialize","method":"initialize","params":{}}
{"jsonrpc":"2.0","id":"a","method":"invoke","params":{"event":{"}\"":"\\", "y":[1,{"event":2}]},"context":{"requestId":"a"}}}
{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"a"}}
 { "method" : "invoke" , "id" : 7 , "params" : { "context" : {"event":1} , "event" : null } }
`
	const answers = `{"jsonrpc":"2.0","id":"initialize","result":{}}
{"jsonrpc":"2.0","id":"a","result":{"}\"":"\\", "y":[1,{"event":2}]}}
{"jsonrpc":"2.0","id":7,"result":null}
`
	for work, atLeast := range map[string]time.Duration{"0": 0, "50": 50 * time.Millisecond} {
		began := time.Now()
		got := converse(t, requests, len(answers), "worker_jsonrpc", work)
		if took := time.Since(began); got != answers || took < atLeast {
			t.Errorf("after %v: %s", took, got)
		}
	}
}

// converse sends a program its input, waits for that many bytes from it and then
// ends the input.
func converse(t *testing.T, input string, size int, program, argument string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(programs, program), argument)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, input); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, size)
	n, err := io.ReadFull(out, got)
	if err != nil {
		t.Errorf("after %q: %v", got[:n], err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("at the end of its input: %v", err)
	}
	return string(got[:n])
}

func TestARunStaysOnItsCPUsAndLeavesNothingBehind(t *testing.T) {
	need(t)
	p, err := startProc(programs, 1, []string{"worker"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var cpus unix.CPUSet
	if err := unix.SchedGetaffinity(p.cmd.Process.Pid, &cpus); err != nil || cpus.Count() != 1 {
		t.Errorf("it has %d CPUs, %v", cpus.Count(), err)
	}
	p.stop()

	const script = `sleep 600 & echo $! > left; exec worker`
	if _, err := once(t, load{events: 5, bytes: 100}, candidate{command: []string{"poller_worker", "sh", "-c", script}, inFlight: 1}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(programs, "left"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if !hasEnded(t, pid) {
		t.Errorf("process %d is still there", pid)
	}
}

// hasEnded gives a process that was killed the time to die.
func hasEnded(t *testing.T, pid int) bool {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return true
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000)
	return err == nil && n == 1
}
