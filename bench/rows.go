package main

import (
	"strconv"
	"time"
)

const (
	full  = 11 // rounds, odd so that the median is one of them
	quick = 3
)

// group is a set of candidates that are compared under one load.
type group struct {
	title      string
	load       load
	rounds     int
	cpus       int // how many CPUs driver, poller and worker or server share
	candidates []candidate
	by         metric // what is compared
	compared   []comparison
}

// load is what the driver does in one run.
type load struct {
	events, warmUp int
	kind           string        // of events; "" is raw
	bytes          int           // of an event; of the body in it if that is an API gateway's call; of a streamed answer
	gap            time.Duration // from an answer to the next event; 0: at once
}

// The kinds of events, by the driver's names for them.
const (
	raw    = "raw"    // JSON that comes back as it is
	text   = "text"   // an API gateway's call whose body is text, to come back in an envelope
	binary = "binary" // the same with a body that is no text
	stream = "stream" // 1 KB of JSON; the answer is as long as the load says, and comes in chunks
)

// candidate is one way from the runtime API to a worker or server and back. Programs are
// found by the names that build gives them.
type candidate struct {
	name     string
	command  []string
	env      []string
	inFlight int // events that the driver hands out at once
}

// comparison is one ratio: of / to, both of the same round, or, without a `to`, the
// number itself. Without a goal it is there to be read.
type comparison struct {
	of, to          string
	by              *metric // nil: the group's
	atMost, atLeast float64 // the goal; 0: none
}

// metric picks the number that is compared.
type metric struct {
	name string
	of   func(result) float64
}

var (
	// Saturated, the time from event to event counts: it holds the poll too.
	period = metric{"period p50", func(r result) float64 { return r.Period }}
	// With gaps the poll waits, and only the time to the answer is felt.
	latency = metric{"latency p50", func(r result) float64 { return r.P50 }}
	rate    = metric{"events/s", func(r result) float64 { return r.Rate }}
	cpu     = metric{"CPU", func(r result) float64 { return r.CPU }}
	peak    = metric{"peak MB", func(r result) float64 { return r.Peak }}
)

const (
	saturatedGoal = 1.5
	idleGoal      = 1.6
	handmadeGoal  = 0.65
	inFlightGoal  = 5

	httpIdleGoal     = 2.3
	httpInFlightGoal = 1.7
	// The loop does it by encoding/json, and that is what takes its time.
	largeCallGoal = 0.25

	streamGoal     = 1.2
	streamPeakGoal = 10 // MB
)

// groups is the table: a new mode, reference or load is a new entry.
func groups() []group {
	return []group{
		lines("1 KB, saturated", load{events: 10_000, warmUp: 1_000, bytes: 1 << 10}, period, saturatedGoal),
		lines("1 KB, idle gaps of 2 ms", load{events: 500, warmUp: 50, bytes: 1 << 10, gap: 2 * time.Millisecond}, latency, idleGoal),
		lines("64 KB, saturated", load{events: 3_000, warmUp: 300, bytes: 64 << 10}, period, saturatedGoal),
		lines("6 MB, saturated", load{events: 60, warmUp: 6, bytes: 6 << 20}, period, saturatedGoal),
		jsonrpc("0 ms of work", load{events: 10_000, warmUp: 1_000, bytes: 1 << 10}, "0"),
		jsonrpc("2 ms of work", load{events: 1_000, warmUp: 100, bytes: 1 << 10}, "2"),
		hop("1 KB, saturated", load{events: 10_000, warmUp: 1_000, bytes: 1 << 10}, period, saturatedGoal),
		hop("1 KB, idle gaps of 2 ms", load{events: 500, warmUp: 50, bytes: 1 << 10, gap: 2 * time.Millisecond}, latency, httpIdleGoal),
		atOnce("1 KB, 16 in flight", load{events: 20_000, warmUp: 2_000, bytes: 1 << 10}, 16),
		calls("1 KB", load{events: 10_000, warmUp: 1_000, kind: text, bytes: 1 << 10}, handmadeGoal),
		calls("6 MB", load{events: 30, warmUp: 3, kind: binary, bytes: 4_400_000}, largeCallGoal),
		streamed("pipe", "", "producer", 1),
		streamed("pipe", "", "producer", 2),
		streamed("http", "_http", "server", 1),
		streamed("http", "_http", "server", 2),
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

func jsonrpc(title string, l load, work string) group {
	const one, eight = "1 in flight", "8 in flight"
	env := []string{
		"BOOTSTRAP_MODE=worker", "BOOTSTRAP_WORKER_PROTOCOL=jsonrpc", "BOOTSTRAP_WORKER_COUNT=1",
		"BOOTSTRAP_COMMAND=worker_jsonrpc " + work,
	}
	return group{
		title: "worker, jsonrpc, 1 KB, " + title, load: l, rounds: full, cpus: 2, by: rate,
		candidates: []candidate{
			{name: one, command: []string{"bootstrap"}, env: env, inFlight: 1},
			{name: eight, command: []string{"bootstrap"}, env: append(env, "BOOTSTRAP_CONCURRENCY=8"), inFlight: 8},
		},
		compared: []comparison{{of: eight, to: one, atLeast: inFlightGoal}},
	}
}

const overHTTP, httpLoop = "bootstrap", "net/http loop"

// hop is an event on its way through a web server.
func hop(title string, l load, by metric, goal float64) group {
	const reference = "C hop"
	return group{
		title: "http, " + title, load: l, rounds: full, cpus: 1, by: by,
		candidates: []candidate{
			{name: reference, command: []string{"poller_http", "server"}, inFlight: 1},
			bootstrapHTTP(1),
			handmadeHTTP(1),
		},
		compared: []comparison{
			{of: overHTTP, to: reference, atMost: goal},
			{of: overHTTP, to: httpLoop, atMost: handmadeGoal},
			{of: httpLoop, to: reference},
		},
	}
}

// calls are what comes through the API gateway.
func calls(title string, l load, goal float64) group {
	return group{
		title: "http, APIG, " + title + ", " + l.kind, load: l, rounds: full, cpus: 1, by: period,
		candidates: []candidate{bootstrapHTTP(1), handmadeHTTP(1)},
		compared:   []comparison{{of: overHTTP, to: httpLoop, atMost: goal}},
	}
}

func atOnce(title string, l load, inFlight int) group {
	return group{
		title: "http, " + title, load: l, rounds: full, cpus: 2, by: rate,
		candidates: []candidate{bootstrapHTTP(inFlight), handmadeHTTP(inFlight)},
		compared:   []comparison{{of: overHTTP, to: httpLoop, atLeast: httpInFlightGoal}},
	}
}

// streamed is the largest result that the platform takes. It has two references: splice
// spares the poller the bytes, but took 1.2 to 1.6 of a copy loop's time.
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

func bootstrapHTTP(inFlight int) candidate {
	return candidate{name: overHTTP, command: []string{"bootstrap"}, inFlight: inFlight, env: []string{
		"BOOTSTRAP_MODE=http", "BOOTSTRAP_COMMAND=server", "BOOTSTRAP_HTTP_PORT=auto",
		"BOOTSTRAP_CONCURRENCY=" + strconv.Itoa(inFlight),
	}}
}

func handmadeHTTP(inFlight int) candidate {
	return candidate{name: httpLoop, command: []string{"nethttp-http", "-pollers", strconv.Itoa(inFlight), "server"}, inFlight: inFlight}
}

func (g group) quick() group {
	g.rounds = quick
	g.load.events = max(g.load.events/4, min(g.load.events, 20))
	g.load.warmUp = max(g.load.warmUp/4, min(g.load.warmUp, 2))
	return g
}
