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

// timeLimit is for one run, of which the longest takes a few seconds.
const timeLimit = time.Minute

// result is the driver's line of JSON; times are microseconds.
type result struct {
	Events int
	P50    float64
	P99    float64
	Period float64
	Rate   float64
	Wrong  int // answers that are not the right ones
	Failed int // error reports
}

// runOnce is one run of a candidate under the group's load.
func runOnce(ctx context.Context, dir string, g group, c candidate) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	d, err := startDriver(dir, g.cpus, g.load, c.inFlight)
	if err != nil {
		return result{}, err
	}
	defer func() { _ = d.stdout.Close() }()
	env := append([]string{"RUNTIME_API_ADDR=127.0.0.1:" + d.port, "RUNTIME_TIMEOUT=30", "RUNTIME_CODE_ROOT=" + dir}, c.env...)
	poller, err := startProc(dir, g.cpus, c.command, env, nil)
	if err != nil {
		d.stop()
		return result{}, err
	}
	err = d.await(ctx, poller)
	said := poller.stop()
	complaint := d.stop()
	if err != nil {
		return result{}, fmt.Errorf("%w\nthe poller (%v) said: %s\nthe driver said: %s", err, poller.cmd.ProcessState, said, complaint)
	}
	return d.result(complaint)
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

// await waits until the driver has all its answers.
func (d *driver) await(ctx context.Context, poller *proc) error {
	select {
	case <-d.ended:
		return nil
	case <-poller.ended:
	case <-ctx.Done():
		return fmt.Errorf("the run took longer than %v", timeLimit)
	}
	// A poller may end because the driver has.
	select {
	case <-d.ended:
		return nil
	case <-time.After(time.Second):
		return errors.New("the poller ended before the driver had all its answers")
	}
}

// result reads the driver's line. Answers that were not right are an error, with
// what the driver said about the first of them.
func (d *driver) result(complaint string) (r result, err error) {
	line, err := d.lines.ReadBytes('\n')
	if err != nil {
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
