package main

import (
	"context"
	"slices"
	"time"
)

const (
	full  = 7 // rounds, odd so that the median is one of them
	quick = 1
)

// group is a set of candidates that are compared under one load.
type group struct {
	title      string
	needs      func(dir string) error // why it can't be measured here; nil: it can everywhere
	load       load
	rounds     int
	cpus       int         // how many CPUs driver, poller and its programs share
	share      float64     // of a CPU's time, for poller and programs; 0: all
	run        runner      // nil: runOnce
	columns    []metric    // of the table; nil: those of runOnce
	candidates []candidate // the first is the one that the others are compared with in the table
	by         metric      // what is compared
	compared   []comparison
}

// runner is one run of a candidate.
type runner func(ctx context.Context, dir string, g group, c candidate) (result, error)

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
	binary = "binary" // the same with a body that is not text
	stream = "stream" // 1 KB of JSON; the answer is as long as the load says, and comes in chunks
)

// candidate is one way from the runtime API to a program and back. Programs are found by
// the names that build gives them.
type candidate struct {
	name     string
	command  []string
	env      []string
	inFlight int // events that the driver hands out at once
	slower   int // the load has that many times too many events for it; 0: it has not
}

// comparison is one ratio: of / to, both of the same round, or, without a `to`, the number
// itself. Without a goal it is for information only.
type comparison struct {
	of, to          string
	by              *metric // nil: the group's
	atMost, atLeast float64 // the goal; 0: none
}

// metric picks the number that is shown or compared.
type metric struct {
	name   string // with its unit
	of     func(result) float64
	digits int // behind the point
}

var (
	// Saturated, the time from event to event counts: it holds the poll too.
	period = metric{"period p50 µs", func(r result) float64 { return r.Period }, 0}
	// With gaps the poll waits, and only the time to the answer is felt.
	latency = metric{"p50 µs", func(r result) float64 { return r.P50 }, 0}
	slowest = metric{"p99 µs", func(r result) float64 { return r.P99 }, 0}
	rate    = metric{"events/s", func(r result) float64 { return r.Rate }, 0}
	cpu     = metric{"CPU µs", func(r result) float64 { return r.CPU }, 0}
	peak    = metric{"peak MB", func(r result) float64 { return r.Peak }, 1}
	rss     = metric{"RSS MB", func(r result) float64 { return r.RSS }, 1}
)

// groups is the table: a new mode, reference or load is a new entry in one of these.
func groups() []group {
	return slices.Concat(
		coreGroups(),
		pipeGroups(),
		spareGroups(),
		workerGroups(),
		httpGroups(),
		streamGroups(),
		startGroups(),
		memoryGroups(),
		systemCallGroups(),
	)
}

// of is the load for a candidate.
func (l load) of(c candidate) load {
	if c.slower > 0 {
		l.events = max(l.events/c.slower, 5)
		l.warmUp = min(l.warmUp, 1)
	}
	return l
}

// quick has just enough events to show that the bench works.
func (g group) quick() group {
	g.rounds = min(g.rounds, quick)
	g.load.events = max(g.load.events/20, min(g.load.events, 5))
	g.load.warmUp = max(g.load.warmUp/20, min(g.load.warmUp, 1))
	return g
}
