package main

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestSystemCallsAreThoseOfAnEvent(t *testing.T) {
	need(t)
	if err := traceWorks(); err != nil {
		t.Skip(err)
	}
	g := group{load: load{events: 101, bytes: 100}, cpus: 1}
	r, err := countOnce(t.Context(), programs, g, candidate{command: []string{"poller_null"}, inFlight: 1})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"read": 2, "write": 1, "writev": 1}
	if !maps.EqualFunc(r.Calls, want, func(a, b float64) bool { return math.Abs(a-b) < 0.1 }) || math.Abs(r.systemCalls()-4) > 0.1 {
		t.Errorf("got %v", r.Calls)
	}
}

func TestSystemCallsAreListedByTheirNumber(t *testing.T) {
	calls := map[string]float64{"a": 0.02, "b": 0.01, "read": 2, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1}
	want := []string{"read 2.00, c 1.00, d 1.00, e 1.00, f 1.00, g 1.00, a 0.02", "b 0.01"}
	if got := byName(calls); !slices.Equal(got, want) {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
}
