package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// traceWorks is why system calls can't be counted here, or nil.
func traceWorks() error {
	strace, err := exec.LookPath("strace")
	if err != nil {
		return fmt.Errorf("strace is not installed (apt-get install strace)")
	}
	if said, err := exec.Command(strace, "-f", "-c", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		return fmt.Errorf("strace may not trace: %w: %s", err, strings.TrimSpace(string(said)))
	}
	return nil
}

// countOnce counts the system calls of a candidate and its programs for an event: those
// of a run, less those of another that only warms up.
func countOnce(ctx context.Context, dir string, g group, c candidate) (result, error) {
	few := g
	few.load.events = 1
	before, err := trace(ctx, dir, few, c)
	if err != nil {
		return result{}, err
	}
	calls, err := trace(ctx, dir, g, c)
	if err != nil {
		return result{}, err
	}
	r := result{Calls: map[string]float64{}}
	for name, n := range calls {
		each := float64(n-before[name]) / float64(g.load.events-few.load.events)
		if each >= 0.01 && !isNap(name) {
			r.Calls[name] = each
		}
	}
	return r, nil
}

// trace counts the system calls of a whole run by their names.
func trace(ctx context.Context, dir string, g group, c candidate) (map[string]int, error) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		return nil, err
	}
	out := filepath.Join(dir, "strace")
	c.command = append([]string{strace, "-f", "-c", "-o", out}, c.command...)
	if _, err := runOnce(ctx, dir, g, c); err != nil {
		return nil, err
	}
	return readSummary(out)
}

// readSummary reads strace's table: the fourth column has the calls, the last one their
// name.
func readSummary(path string) (map[string]int, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	calls := map[string]int{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		columns := strings.Fields(lines.Text())
		if len(columns) < 5 {
			continue
		}
		if n, err := strconv.Atoi(columns[3]); err == nil && columns[len(columns)-1] != "total" {
			calls[columns[len(columns)-1]] = n
		}
	}
	return calls, lines.Err()
}

// systemCalls is how many there are in all.
func (r result) systemCalls() (n float64) {
	for _, each := range r.Calls {
		n += each
	}
	return n
}

// byName lists them, the most frequent first, some in a line.
func byName(calls map[string]float64) (lines []string) {
	const some = 7
	names := slices.SortedFunc(maps.Keys(calls), func(a, b string) int {
		return cmp.Or(cmp.Compare(calls[b], calls[a]), strings.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %.2f", name, calls[name])
	}
	for some := range slices.Chunk(names, some) {
		lines = append(lines, strings.Join(some, ", "))
	}
	return lines
}
