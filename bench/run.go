package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// timeLimit is for one run. The longest run, 100,000 programs, takes a minute or two.
const timeLimit = 5 * time.Minute

// result is the driver's line of JSON, and what the poller needed; times are
// microseconds.
type result struct {
	Events int
	P50    float64
	P99    float64
	Period float64
	Rate   float64
	Wrong  int // answers that are not the right ones
	Failed int // error reports

	CPU  float64 `json:"-"` // of the poller and its programs, per event
	Peak float64 `json:"-"` // the poller's largest resident set, in MB
	RSS  float64 `json:"-"` // the one at the end

	FirstPoll float64            `json:"-"` // see starts.go
	Size      float64            `json:"-"` // of the program's file, in MB
	Calls     map[string]float64 `json:"-"` // see systemcalls.go
}

// runOnce is one run of a candidate under the group's load.
func runOnce(ctx context.Context, dir string, g group, c candidate) (r result, err error) {
	command := c.command
	if g.share > 0 {
		var folder string
		if folder, err = newShare(g.share); err != nil {
			return r, err
		}
		defer func() { err = errors.Join(err, removeShare(folder)) }()
		command = within(folder, command)
	}
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	l := g.load.of(c)
	d, err := startDriver(dir, g.cpus, l, c.inFlight)
	if err != nil {
		return r, err
	}
	defer func() { _ = d.stdout.Close() }()
	poller, err := startProc(dir, g.cpus, command, append(environment(dir, c), "RUNTIME_API_ADDR=127.0.0.1:"+d.port), nil)
	if err != nil {
		d.stop()
		return r, err
	}
	line, u, err := d.watch(ctx, poller)
	said := poller.stop()
	complaint := d.stop()
	if err != nil {
		return r, fmt.Errorf("%w\nthe poller (%v) said: %s\nthe driver said: %s", err, poller.cmd.ProcessState, said, complaint)
	}
	r, err = resultOf(line, complaint)
	r.CPU = float64((poller.cpu - u.before).Microseconds()) / float64(l.events)
	r.Peak, r.RSS = u.peak, u.rss
	return r, err
}

// usage is what can be asked of a poller only while it is there.
type usage struct {
	before    time.Duration // its CPU time when it was warm
	peak, rss float64       // at the end
}

// watch waits for the driver's results.
func (d *driver) watch(ctx context.Context, poller *proc) (line []byte, u usage, err error) {
	if _, err = d.await(ctx, poller); err != nil { // that it is warm
		return nil, u, err
	}
	u.before = cpuTime(poller.cmd.Process.Pid)
	if line, err = d.await(ctx, poller); err != nil {
		return nil, u, err
	}
	u.peak, u.rss, err = memory(poller.cmd.Process.Pid)
	return line, u, err
}

// driver is the platform of one run.
type driver struct {
	*proc
	port   string
	stdout *os.File
	lines  *bufio.Reader
}

func startDriver(dir string, cpus int, l load, inFlight int) (*driver, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.Close() }()
	p, err := startProc(dir, cpus, []string{
		"driver", "-n", strconv.Itoa(l.events), "-w", strconv.Itoa(l.warmUp), "-k", cmp.Or(l.kind, raw), "-b", strconv.Itoa(l.bytes),
		"-f", strconv.Itoa(inFlight), "-g", strconv.FormatInt(l.gap.Microseconds(), 10),
	}, nil, w)
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	_ = w.Close() // or the driver's end would not be the pipe's
	d := &driver{proc: p, stdout: r, lines: bufio.NewReader(r)}
	line, err := d.lines.ReadString('\n')
	if err != nil {
		_ = r.Close()
		return nil, fmt.Errorf("the driver did not start: %s", d.stop())
	}
	d.port = strings.TrimSpace(strings.TrimPrefix(line, "port "))
	return d, nil
}

// await waits for the driver's next line. It is empty if the driver broke off.
func (d *driver) await(ctx context.Context, poller *proc) (line []byte, err error) {
	lines := make(chan []byte, 1)
	go func() {
		line, _ := d.lines.ReadBytes('\n')
		lines <- line
	}()
	select {
	case line := <-lines:
		return line, nil
	case <-poller.ended:
	case <-ctx.Done():
		return nil, fmt.Errorf("the run took longer than %v", timeLimit)
	}
	// A poller may end because the driver has.
	select {
	case line := <-lines:
		return line, nil
	case <-time.After(time.Second):
		return nil, errors.New("the poller ended before the driver had all its answers")
	}
}

// resultOf reads the driver's line. Answers that were not right are an error, with
// what the driver said about the first of them.
func resultOf(line []byte, complaint string) (r result, err error) {
	if len(line) == 0 {
		return r, fmt.Errorf("the driver broke off: %s", complaint)
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("read the driver's results: %w", err)
	}
	if r.Wrong+r.Failed > 0 {
		return r, fmt.Errorf("%d wrong answers, %d failed events; the first: %s", r.Wrong, r.Failed, complaint)
	}
	return r, nil
}
