package main

import "slices"

// spread is the median of what rounds gave, and their extremes.
type spread struct {
	Median  float64 `json:"median"`
	Lowest  float64 `json:"lowest"`
	Highest float64 `json:"highest"`
}

// spreadOf is of one value or more; of an even number it takes the upper median.
func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	return spread{Median: sorted[len(sorted)/2], Lowest: sorted[0], Highest: sorted[len(sorted)-1]}
}

// ratios divides round by round: what slowed the machine down in one round
// slowed both. They are 0 where there is nothing to divide by.
func ratios(of, to []float64) []float64 {
	all := make([]float64, len(of))
	for i := range of {
		if to[i] > 0 {
			all[i] = of[i] / to[i]
		}
	}
	return all
}
