package main

import "strconv"

const (
	streamGoal     = 1.2
	streamPeakGoal = 10 // MB
)

func streamGroups() []group {
	return []group{
		streamed("pipe", "", "producer", 1),
		streamed("pipe", "", "producer", 2),
		streamed("http", "_http", "server", 1),
		streamed("http", "_http", "server", 2),
	}
}

// streamed is the largest result that the platform takes. It has two references: with splice the
// poller does not touch the bytes, but splice took 1.2 to 1.6 times as long as a copy loop.
func streamed(mode, pollerSuffix, program string, cpus int) group {
	const byCopy, bySplice, ours = "C copy loop", "C splice loop", "bootstrap"
	const bytes = 200 << 20
	size := strconv.Itoa(bytes)
	return group{
		title: "stream, " + mode + ", 200 MB", load: load{events: 3, warmUp: 1, kind: stream, bytes: bytes}, rounds: full, cpus: cpus, by: latency,
		candidates: []candidate{
			{name: byCopy, command: []string{"poller_copy" + pollerSuffix, program, size}, inFlight: 1},
			{name: bySplice, command: []string{"poller_splice" + pollerSuffix, program, size}, inFlight: 1},
			{name: ours, command: []string{"bootstrap"}, inFlight: 1, env: []string{
				"BOOTSTRAP_MODE=" + mode, "BOOTSTRAP_STREAMING=on", "BOOTSTRAP_COMMAND=" + program + " " + size, "BOOTSTRAP_HTTP_PORT=auto",
			}},
		},
		compared: []comparison{
			{of: ours, to: bySplice, atMost: streamGoal},
			{of: ours, to: byCopy},
			{of: ours, to: bySplice, by: &cpu},
			{of: ours, to: byCopy, by: &cpu},
			{of: ours, by: &peak, atMost: streamPeakGoal},
		},
	}
}
