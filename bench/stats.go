package main

import "slices"

// spread is the median of what rounds gave, and their extremes.
type spread struct {
	median, lowest, highest float64
}

// spreadOf is of one value or more; of an even number it takes the upper median.
func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	return spread{median: sorted[len(sorted)/2], lowest: sorted[0], highest: sorted[len(sorted)-1]}
}

// ratios divides round by round: what slowed the machine down in one round
// slowed both.
func ratios(of, to []float64) []float64 {
	all := make([]float64, len(of))
	for i := range of {
		all[i] = of[i] / to[i]
	}
	return all
}
