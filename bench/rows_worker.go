package main

import (
	"fmt"
	"time"
)

const (
	saturatedGoal = 1.5
	idleGoal      = 1.6
	handmadeGoal  = 0.65
	inFlightGoal  = 5
)

// workerGroups are one program that is started once.
func workerGroups() []group {
	return []group{
		lines("1 KB, saturated", load{events: 10_000, warmUp: 1_000, bytes: 1 << 10}, period, saturatedGoal),
		lines("1 KB, idle gaps of 2 ms", load{events: 500, warmUp: 50, bytes: 1 << 10, gap: 2 * time.Millisecond}, latency, idleGoal),
		lines("64 KB, saturated", load{events: 3_000, warmUp: 300, bytes: 64 << 10}, period, saturatedGoal),
		lines("6 MB, saturated", load{events: 60, warmUp: 6, bytes: 6 << 20}, period, saturatedGoal),
		jsonrpc("0 ms of work", load{events: 10_000, warmUp: 1_000, bytes: 1 << 10}, "0", 8, inFlightGoal),
		jsonrpc("2 ms of work", load{events: 1_000, warmUp: 100, bytes: 1 << 10}, "2", 8, inFlightGoal),
		jsonrpc("0 ms of work", load{events: 10_000, warmUp: 1_000, bytes: 1 << 10}, "0", 64, 0),
	}
}

func lines(title string, l load, by metric, goal float64) group {
	const reference, ours, handmade = "C poller", "bootstrap", "net/http loop"
	return group{
		title: "worker, lines, " + title, load: l, rounds: full, cpus: 1, by: by,
		candidates: []candidate{
			{name: reference, command: []string{"poller_worker", "worker"}, inFlight: 1},
			{name: ours, command: []string{"bootstrap"}, env: []string{"BOOTSTRAP_MODE=worker", "BOOTSTRAP_COMMAND=worker"}, inFlight: 1},
			{name: handmade, command: []string{"nethttp-worker", "worker"}, inFlight: 1},
		},
		compared: []comparison{
			{of: ours, to: reference, atMost: goal},
			{of: ours, to: handmade, atMost: handmadeGoal},
			{of: handmade, to: reference},
		},
	}
}

func jsonrpc(title string, l load, work string, inFlight int, goal float64) group {
	const one = "1 in flight"
	many := fmt.Sprintf("%d in flight", inFlight)
	env := []string{
		"BOOTSTRAP_MODE=worker", "BOOTSTRAP_WORKER_PROTOCOL=jsonrpc", "BOOTSTRAP_WORKER_COUNT=1",
		"BOOTSTRAP_COMMAND=worker_jsonrpc " + work,
	}
	return group{
		title: "worker, jsonrpc, 1 KB, " + title + ", " + many, load: l, rounds: full, cpus: 2, by: rate,
		candidates: []candidate{
			{name: one, command: []string{"bootstrap"}, env: env, inFlight: 1},
			{name: many, command: []string{"bootstrap"}, env: append(env, fmt.Sprintf("BOOTSTRAP_CONCURRENCY=%d", inFlight)), inFlight: inFlight},
		},
		compared: []comparison{{of: many, to: one, atLeast: goal}},
	}
}
