package main

import (
	"testing"
)

// The poller waits for some programs and leaves others behind when it is stopped.
func TestTheCPUTimeOfEveryProgramCounts(t *testing.T) {
	const work = `i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; `
	for name, c := range map[string]candidate{
		"waited for":        {command: []string{"poller_splice", "sh", "-c", work + "exec producer 100"}},
		"left behind":       {command: []string{"poller_worker", "sh", "-c", work + "exec worker"}},
		"a program's child": {command: []string{"poller_worker", "sh", "-c", "(" + work + "); exec worker"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := load{events: 1, bytes: 100}
			if c.command[0] == "poller_splice" {
				l.kind = stream
			}
			c.inFlight = 1
			r, err := once(t, l, c)
			if err != nil || r.CPU < 50_000 {
				t.Errorf("got %+v, %v", r, err)
			}
			if l.kind == stream {
				return // it works for every event
			}
			l.warmUp = 1
			r, err = once(t, l, c)
			if err != nil || r.CPU >= 50_000 {
				t.Errorf("with a warm-up: got %+v, %v", r, err)
			}
		})
	}
}

func TestThePeakIsThePollersOwn(t *testing.T) {
	const large = `x=$(head -c 30000000 /dev/zero | tr '\0' x); exec worker`
	r, err := once(t, load{events: 5, bytes: 100}, candidate{command: []string{"poller_worker", "sh", "-c", large}, inFlight: 1})
	if err != nil || r.Peak <= 0 || r.Peak > 20 {
		t.Errorf("got %+v, %v", r, err)
	}
}
