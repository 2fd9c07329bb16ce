package main

import (
	"fmt"
	"strconv"
	"time"
)

const (
	pipeGoal     = 1.05
	pipeIdleGoal = 1.15
	pipeCPUGoal  = 1.2
	// The reference has the system's pipes of 64 KB, ours are larger for such events.
	pipe1MBGoal = 0.8
	pipe6MBGoal = 0.75
)

// What is compared in pipe mode; onDemand says that there is no spare.
const (
	bySpawn   = "C posix_spawn"
	bySpare   = "C pre-spawned"
	onDemand  = "bootstrap"
	oneSpare  = "bootstrap, 1 spare"
	byOSExec  = "net/http + os/exec"
	byCurl    = "bash + curl"
	muchSlow  = 20 // bash + curl takes that many times what C takes
	copying   = "copy"
	spareFlag = "BOOTSTRAP_PIPE_SPARES=1"
)

// pipeGroups are a process per event, started when the event is there.
func pipeGroups() []group {
	var all []group
	for _, cpus := range []int{1, 2} {
		all = append(all,
			pipes("1 KB, saturated", load{events: 1_000, warmUp: 100, bytes: 1 << 10}, cpus, period,
				comparison{of: onDemand, to: bySpawn, atMost: pipeGoal},
				comparison{of: onDemand, to: bySpawn, by: &cpu, atMost: pipeCPUGoal}),
			pipes("1 KB, idle gaps of 10 ms", load{events: 150, warmUp: 10, bytes: 1 << 10, gap: 10 * time.Millisecond}, cpus, latency,
				comparison{of: onDemand, to: bySpawn, atMost: pipeIdleGoal},
				comparison{of: onDemand, to: bySpawn, by: &cpu}),
		)
	}
	return append(all,
		large("64 KB", load{events: 500, warmUp: 50, bytes: 64 << 10}, 2, 0),
		large("1 MB", load{events: 150, warmUp: 10, bytes: 1 << 20}, 1, 0),
		large("1 MB", load{events: 150, warmUp: 10, bytes: 1 << 20}, 2, pipe1MBGoal),
		large("6 MB", load{events: 50, warmUp: 5, bytes: 6 << 20}, 1, 0),
		large("6 MB", load{events: 50, warmUp: 5, bytes: 6 << 20}, 2, pipe6MBGoal),
		pipesAtOnce(load{events: 2_000, warmUp: 200, bytes: 1 << 10}, 16),
		pipesAtOnce(load{events: 2_000, warmUp: 200, bytes: 1 << 10}, 64),
	)
}

func pipes(title string, l load, cpus int, by metric, compared ...comparison) group {
	return group{
		title: "pipe, " + title, load: l, rounds: full, cpus: cpus, by: by,
		candidates: []candidate{
			{name: bySpawn, command: []string{"poller_spawn", copying}, inFlight: 1},
			bootstrapPipe(onDemand, copying, 1),
			handmadePipe(1),
			{name: byCurl, command: []string{"bash-curl", copying}, inFlight: 1, slower: muchSlow},
		},
		compared: append(compared,
			comparison{of: onDemand, to: byOSExec},
			comparison{of: onDemand, to: byCurl},
			comparison{of: byOSExec, to: bySpawn},
			comparison{of: byCurl, to: bySpawn}),
	}
}

// large events gain from large pipes if the program can run beside the poller. On one CPU 64 KB
// that stay in its cache are as fast as 1 MB.
func large(size string, l load, cpus int, goal float64) group {
	return group{
		title: "pipe, " + size + ", saturated", load: l, rounds: full, cpus: cpus, by: period,
		candidates: []candidate{
			{name: bySpawn, command: []string{"poller_spawn", copying}, inFlight: 1},
			bootstrapPipe(onDemand, copying, 1),
			handmadePipe(1),
		},
		compared: []comparison{
			{of: onDemand, to: bySpawn, atMost: goal},
			{of: onDemand, to: byOSExec},
		},
	}
}

func pipesAtOnce(l load, inFlight int) group {
	return group{
		title: fmt.Sprintf("pipe, 1 KB, %d in flight", inFlight), load: l, rounds: full, cpus: 2, by: rate,
		candidates: []candidate{handmadePipe(inFlight), bootstrapPipe(onDemand, copying, inFlight)},
		compared: []comparison{
			{of: onDemand, to: byOSExec},
			{of: onDemand, to: byOSExec, by: &cpu},
		},
	}
}

func bootstrapPipe(name, program string, inFlight int, env ...string) candidate {
	return candidate{name: name, command: []string{"bootstrap"}, inFlight: inFlight, env: append(env,
		"BOOTSTRAP_COMMAND="+program, "BOOTSTRAP_CONCURRENCY="+strconv.Itoa(inFlight),
	)}
}

func handmadePipe(inFlight int) candidate {
	return candidate{
		name: byOSExec, command: []string{"nethttp-exec", "-pollers", strconv.Itoa(inFlight), copying}, inFlight: inFlight,
	}
}
