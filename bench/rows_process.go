package main

import "strings"

const (
	startGoal  = 1.8
	sizeGoal   = 7.5 // MB
	firstGoal  = 7.5 // MB, when the first poll is there
	memoryGoal = 10  // MB, after many events
	callsGoal  = 8   // an event
)

var (
	firstPoll = metric{"first poll µs", func(r result) float64 { return r.FirstPoll }, 0}
	size      = metric{"binary MB", func(r result) float64 { return r.Size }, 2}
	asked     = metric{"system calls", func(r result) float64 { return r.systemCalls() }, 1}
)

// The modes with the least program that each can have.
var (
	inPipe    = candidate{name: "pipe", command: []string{"bootstrap"}, env: []string{"BOOTSTRAP_COMMAND=" + copying}, inFlight: 1}
	inLines   = candidate{name: "worker, lines", command: []string{"bootstrap"}, env: []string{"BOOTSTRAP_MODE=worker", "BOOTSTRAP_COMMAND=worker"}, inFlight: 1}
	inJSONRPC = candidate{name: "worker, jsonrpc", command: []string{"bootstrap"}, inFlight: 1, env: []string{
		"BOOTSTRAP_MODE=worker", "BOOTSTRAP_WORKER_PROTOCOL=jsonrpc", "BOOTSTRAP_COMMAND=worker_jsonrpc",
	}}
	inHTTP = candidate{name: "http", command: []string{"bootstrap"}, inFlight: 1, env: []string{
		"BOOTSTRAP_MODE=http", "BOOTSTRAP_COMMAND=server", "BOOTSTRAP_HTTP_PORT=auto",
	}}
)

// startGroups are what passes from the start of a program to its first poll.
func startGroups() []group {
	const least, ours = "minimal Go program", "bootstrap, pipe"
	starts := func(cpus int, more ...comparison) group {
		return group{
			title: "starts", rounds: 41, cpus: cpus, run: startOnce, columns: []metric{firstPoll, rss, size}, by: firstPoll,
			candidates: []candidate{
				{name: least, command: []string{"minimal"}},
				inPipe.called(ours),
				bootstrapPipe("bootstrap, pipe, 1 spare", copying, 1, spareFlag),
				inLines.called("bootstrap, worker"),
				{name: "net/http program", command: []string{"nethttp-null"}},
			},
			compared: append([]comparison{
				{of: ours, to: least, atMost: startGoal},
				{of: "bootstrap, pipe, 1 spare", to: least},
				{of: "bootstrap, worker", to: least},
				{of: "net/http program", to: least},
			}, more...),
		}
	}
	return []group{
		starts(1, comparison{of: ours, by: &rss, atMost: firstGoal}, comparison{of: ours, by: &size, atMost: sizeGoal}),
		starts(2),
	}
}

// memoryGroups are what a process has after a day of small events.
func memoryGroups() []group {
	g := group{
		title: "memory after many events of 1 KB", load: load{events: 100_000, bytes: 1 << 10}, rounds: 1, cpus: 2,
		columns: []metric{rss, peak, rate}, by: rss, candidates: []candidate{inPipe, inLines, inJSONRPC, inHTTP},
	}
	for _, c := range g.candidates {
		g.compared = append(g.compared, comparison{of: c.name, atMost: memoryGoal}, comparison{of: c.name, by: &peak, atMost: memoryGoal})
	}
	return []group{g}
}

// systemCallGroups count the system calls of poller and programs for an event, without the naps
// of Go's runtime, which depend on time. The candidates that they compare run the same programs.
func systemCallGroups() []group {
	const core = "core loop"
	counted := func(title string, candidates ...candidate) group {
		g := group{
			title: "system calls, " + title, needs: func(string) error { return traceWorks() }, run: countOnce,
			load: load{events: 2_000, warmUp: 200, bytes: 1 << 10}, rounds: 1, cpus: 1, columns: []metric{asked}, by: asked,
			candidates: candidates,
		}
		return g
	}
	loop := counted("null handler", candidate{name: "C poller", command: []string{"poller_null"}, inFlight: 1},
		candidate{name: core, command: []string{"core"}, inFlight: 1})
	loop.compared = []comparison{{of: core, atMost: callsGoal}}
	return []group{
		loop,
		counted("pipe", candidate{name: bySpawn, command: []string{"poller_spawn", copying}, inFlight: 1}, inPipe),
		counted("worker, lines", candidate{name: "C poller", command: []string{"poller_worker", "worker"}, inFlight: 1}, inLines),
		counted("http", candidate{name: "C hop", command: []string{"poller_http", "server"}, inFlight: 1}, inHTTP),
	}
}

func (c candidate) called(name string) candidate {
	c.name = name
	return c
}

// isNap reports whether a system call is Go's runtime waiting for work to come.
func isNap(name string) bool { return strings.HasSuffix(name, "nanosleep") }
