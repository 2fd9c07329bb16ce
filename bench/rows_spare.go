package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// language is what a program is written in: it may take long to start.
type language struct {
	name      string // as it is to be read
	file      string
	idle      load    // its gaps are long enough for the next one to be ready
	idleGoal  float64 // latency, of a start on demand by posix_spawn
	p99Goal   float64
	saturated load
	rateGoal  float64 // events/s, of our own without a spare
}

func languages() []language {
	return []language{
		{
			name: "C", file: copying,
			idle: load{events: 150, warmUp: 10, bytes: 1 << 10, gap: 10 * time.Millisecond}, idleGoal: 0.45,
			saturated: load{events: 1_000, warmUp: 100, bytes: 1 << 10}, rateGoal: neverSlower,
		},
		{
			name: "sh", file: "copy-sh",
			idle: load{events: 150, warmUp: 10, bytes: 1 << 10, gap: 10 * time.Millisecond}, idleGoal: 0.35,
			saturated: load{events: 400, warmUp: 40, bytes: 1 << 10}, rateGoal: 1.4,
		},
		{
			name: "python3", file: "copy-python3",
			idle: load{events: 30, warmUp: 3, bytes: 1 << 10, gap: 60 * time.Millisecond}, idleGoal: 0.25, p99Goal: 0.35,
			saturated: load{events: 40, warmUp: 4, bytes: 1 << 10}, rateGoal: 1.4,
		},
		{
			name: "node", file: "copy-node",
			idle: load{events: 12, warmUp: 2, bytes: 1 << 10, gap: 250 * time.Millisecond}, idleGoal: 0.13,
			saturated: load{events: 30, warmUp: 3, bytes: 1 << 10}, rateGoal: 1.8,
		},
	}
}

const (
	neverSlower  = 0.95 // by how little a spare may be worse than none
	smallestPart = 0.3  // of a CPU: the platform's smallest instance
)

// spareGroups are a process per event that waits for it.
func spareGroups() []group {
	var all []group
	for _, l := range languages() {
		all = append(all, l.withGaps(2))
	}
	for _, l := range languages() {
		all = append(all, l.withoutGaps(2, l.rateGoal), l.withoutGaps(1, neverSlower))
	}
	for _, l := range languages() {
		if l.file == copying || l.name == "python3" {
			all = append(all, l.withGaps(1), l.onPartOfACPU())
		}
	}
	return all
}

func (l language) withGaps(cpus int) group {
	return group{
		title: fmt.Sprintf("pipe with a spare, %s, 1 KB, idle gaps of %d ms", l.name, l.idle.gap.Milliseconds()), needs: l.installed,
		load: l.idle, rounds: full, cpus: cpus, by: latency,
		candidates: []candidate{
			{name: bySpawn, command: []string{"poller_spawn", l.file}, inFlight: 1},
			{name: bySpare, command: []string{"poller_spare", l.file}, inFlight: 1},
			bootstrapPipe(onDemand, l.file, 1),
			bootstrapPipe(oneSpare, l.file, 1, spareFlag),
		},
		compared: []comparison{
			{of: oneSpare, to: bySpawn, atMost: l.idleGoal},
			{of: oneSpare, to: bySpawn, by: &slowest, atMost: l.p99Goal},
			{of: oneSpare, to: bySpare},
			{of: oneSpare, to: onDemand},
			{of: oneSpare, to: onDemand, by: &cpu},
		},
	}
}

func (l language) withoutGaps(cpus int, goal float64) group {
	return group{
		title: fmt.Sprintf("pipe with a spare, %s, 1 KB, saturated", l.name), needs: l.installed,
		load: l.saturated, rounds: full, cpus: cpus, by: rate,
		candidates: []candidate{
			bootstrapPipe(onDemand, l.file, 1),
			bootstrapPipe(oneSpare, l.file, 1, spareFlag),
			{name: bySpawn, command: []string{"poller_spawn", l.file}, inFlight: 1},
			{name: bySpare, command: []string{"poller_spare", l.file}, inFlight: 1},
		},
		compared: []comparison{
			{of: oneSpare, to: onDemand, atLeast: goal},
			{of: oneSpare, to: onDemand, by: &cpu},
			{of: bySpare, to: bySpawn},
		},
	}
}

// onPartOfACPU is saturated too. A small instance has a share of several CPUs, and work on two of
// them at once uses it up faster.
func (l language) onPartOfACPU() group {
	g := l.withoutGaps(2, neverSlower)
	g.title += ", a share of the CPU"
	g.share = smallestPart
	g.needs = func(dir string) error { return cmp.Or(l.installed(dir), sharesWork()) }
	g.candidates, g.compared = g.candidates[:2], g.compared[:2]
	return g
}

func (l language) installed(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, l.file)); err != nil {
		return fmt.Errorf("%s is not installed", strings.TrimPrefix(l.file, "copy-"))
	}
	return nil
}
