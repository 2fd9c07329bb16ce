package main

import (
	"context"
	"fmt"
)

// series is what the rounds of a candidate gave, one result a round.
type series struct {
	results []result
	failed  error // of the first run that failed; there is none after it
}

// measure runs a group's candidates in turns, so that what else the machine does
// hits them all: forwards, then backwards, so that none always follows the same.
func measure(ctx context.Context, dir string, g group) map[string]*series {
	run := g.run
	if run == nil {
		run = runOnce
	}
	all := map[string]*series{}
	for _, c := range g.candidates {
		all[c.name] = &series{}
	}
	for round := range g.rounds {
		for i := range g.candidates {
			if round%2 == 1 {
				i = len(g.candidates) - 1 - i
			}
			c := g.candidates[i]
			if s := all[c.name]; s.failed == nil && ctx.Err() == nil {
				s.add(run(ctx, dir, g, c))
			}
		}
	}
	return all
}

func (s *series) add(r result, err error) {
	if err != nil {
		s.failed = fmt.Errorf("round %d: %w", len(s.results)+1, err)
		return
	}
	s.results = append(s.results, r)
}

// values is one metric of all rounds.
func (s *series) values(of func(result) float64) []float64 {
	var all []float64
	for _, r := range s.results {
		all = append(all, of(r))
	}
	return all
}
