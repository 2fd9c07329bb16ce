package main

import "time"

const (
	coreGoal         = 1.4
	coreIdleGoal     = 2.2
	coreHandmadeGoal = 0.6
	coreCPUGoal      = 0.55
)

// coreGroups are the loop alone.
func coreGroups() []group {
	const reference, ours, handmade = "C poller", "core loop", "net/http loop"
	core := func(title string, l load, by metric, compared ...comparison) group {
		return group{
			title: "core, null handler, 1 KB, " + title, load: l, rounds: full, cpus: 1, by: by,
			candidates: []candidate{
				{name: reference, command: []string{"poller_null"}, inFlight: 1},
				{name: ours, command: []string{"core"}, inFlight: 1},
				{name: handmade, command: []string{"nethttp-null"}, inFlight: 1},
			},
			compared: append(compared, comparison{of: handmade, to: reference}),
		}
	}
	return []group{
		core("saturated", load{events: 10_000, warmUp: 1_000, bytes: 1 << 10}, period,
			comparison{of: ours, to: reference, atMost: coreGoal},
			comparison{of: ours, to: handmade, atMost: coreHandmadeGoal},
			comparison{of: ours, to: handmade, by: &cpu, atMost: coreCPUGoal}),
		core("idle gaps of 2 ms", load{events: 500, warmUp: 50, bytes: 1 << 10, gap: 2 * time.Millisecond}, latency,
			comparison{of: ours, to: reference, atMost: coreIdleGoal},
			comparison{of: ours, to: handmade},
			comparison{of: ours, to: handmade, by: &cpu}),
	}
}
