package main

import (
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
	gap       time.Duration // long enough for the next one to be ready
	idle      load
	idleGoal  float64 // latency, of a start on demand by posix_spawn
	p99Goal   float64
	saturated load
	rateGoal  float64 // events/s, of our own without a spare
}

func languages() []language {
	return []language{
		{
			name: "C", file: copying, gap: 10 * time.Millisecond,
			idle: load{events: 150, warmUp: 10}, idleGoal: 0.45,
			saturated: load{events: 1_000, warmUp: 100}, rateGoal: neverSlower,
		},
		{
			name: "sh", file: "copy-sh", gap: 10 * time.Millisecond,
			idle: load{events: 150, warmUp: 10}, idleGoal: 0.35,
			saturated: load{events: 1_000, warmUp: 100}, rateGoal: 1.4,
		},
		{
			name: "python3", file: "copy-python3", gap: 60 * time.Millisecond,
			idle: load{events: 50, warmUp: 3}, idleGoal: 0.25, p99Goal: 0.35,
			saturated: load{events: 60, warmUp: 5}, rateGoal: 1.4,
		},
		{
			name: "node", file: "copy-node", gap: 250 * time.Millisecond,
			idle: load{events: 12, warmUp: 2}, idleGoal: 0.13,
			saturated: load{events: 30, warmUp: 3}, rateGoal: 1.8,
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
	under := l.idle
	under.bytes, under.gap = 1<<10, l.gap
	return group{
		title: fmt.Sprintf("pipe with a spare, %s, 1 KB, idle gaps of %d ms", l.name, l.gap.Milliseconds()), needs: l.installed,
		load: under, rounds: full, cpus: cpus, by: latency,
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
	under := l.saturated
	under.bytes = 1 << 10
	return group{
		title: fmt.Sprintf("pipe with a spare, %s, 1 KB, saturated", l.name), needs: l.installed,
		load: under, rounds: full, cpus: cpus, by: rate,
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

// onPartOfACPU is saturated too.
func (l language) onPartOfACPU() group {
	g := l.withoutGaps(1, neverSlower)
	g.title += ", a share of the CPU"
	g.share = smallestPart
	g.needs = func(dir string) error {
		if err := l.installed(dir); err != nil {
			return err
		}
		return sharesWork()
	}
	return g
}

func (l language) installed(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, l.file)); err != nil {
		return fmt.Errorf("%s is not installed", strings.TrimPrefix(l.file, "copy-"))
	}
	return nil
}
