package main

import (
	"fmt"
	"strconv"
	"time"
)

const (
	httpIdleGoal     = 2.3
	httpInFlightGoal = 1.7
	// The loop does it by encoding/json, and that is what takes its time.
	largeCallGoal = 0.25
)

// httpGroups are a web server behind it.
func httpGroups() []group {
	return []group{
		hop("1 KB, saturated", load{events: 10_000, warmUp: 1_000, bytes: 1 << 10}, period, saturatedGoal),
		hop("1 KB, idle gaps of 2 ms", load{events: 500, warmUp: 50, bytes: 1 << 10, gap: 2 * time.Millisecond}, latency, httpIdleGoal),
		atOnce(load{events: 20_000, warmUp: 2_000, bytes: 1 << 10}, 16, httpInFlightGoal),
		atOnce(load{events: 20_000, warmUp: 2_000, bytes: 1 << 10}, 64, 0),
		calls("1 KB", load{events: 10_000, warmUp: 1_000, kind: text, bytes: 1 << 10}, handmadeGoal),
		calls("6 MB", load{events: 30, warmUp: 3, kind: binary, bytes: 4_400_000}, largeCallGoal),
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
		candidates: []candidate{handmadeHTTP(1), bootstrapHTTP(1)},
		compared:   []comparison{{of: overHTTP, to: httpLoop, atMost: goal}},
	}
}

func atOnce(l load, inFlight int, goal float64) group {
	return group{
		title: fmt.Sprintf("http, 1 KB, %d in flight", inFlight), load: l, rounds: full, cpus: 2, by: rate,
		candidates: []candidate{handmadeHTTP(inFlight), bootstrapHTTP(inFlight)},
		compared:   []comparison{{of: overHTTP, to: httpLoop, atLeast: goal}},
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
