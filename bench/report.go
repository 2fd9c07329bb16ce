package main

import (
	"fmt"
	"runtime"
)

// results are all that was measured, and where. This is what -json writes.
type results struct {
	Machine machine  `json:"machine"`
	Quick   bool     `json:"quick"` // not to be quoted
	Groups  []report `json:"groups"`
}

// report is what the rounds of a group gave.
type report struct {
	Title       string     `json:"title"`
	CPUs        int        `json:"cpus"`
	Share       float64    `json:"share,omitempty"` // of a CPU
	Rounds      int        `json:"rounds"`
	Events      int        `json:"events"`
	Skipped     string     `json:"skipped,omitempty"` // why nothing was measured
	Metrics     []string   `json:"metrics,omitempty"`
	Candidates  []row      `json:"candidates,omitempty"`
	By          string     `json:"by,omitempty"`
	Comparisons []compared `json:"comparisons,omitempty"`
}

// row is a candidate.
type row struct {
	Name    string   `json:"name"`
	Failed  string   `json:"failed,omitempty"`
	Figures []figure `json:"figures,omitempty"` // one a metric
	// Calls are system calls an event, where they were counted.
	Calls map[string]float64 `json:"calls,omitempty"`
}

// figure is a metric of a candidate.
type figure struct {
	spread
	Ratio  float64 `json:"ratio"` // to the group's first candidate, as a comparison would have it
	digits int
}

// compared is a comparison. Without a goal it has no verdict.
type compared struct {
	Of     string `json:"of"`
	To     string `json:"to,omitempty"`
	Metric string `json:"metric"`
	spread
	Missing bool    `json:"missing,omitempty"` // a candidate has failed
	AtMost  float64 `json:"atMost,omitempty"`
	AtLeast float64 `json:"atLeast,omitempty"`
	Verdict string  `json:"verdict,omitempty"`
}

// report makes the report of what measure gave.
func (g group) report(all map[string]*series) report {
	r := g.head()
	columns := g.columns
	if columns == nil {
		columns = []metric{latency, slowest, rate, cpu, peak}
	}
	for _, m := range columns {
		r.Metrics = append(r.Metrics, m.name)
	}
	reference := all[g.candidates[0].name]
	for _, c := range g.candidates {
		r.Candidates = append(r.Candidates, all[c.name].row(c.name, columns, reference))
	}
	r.By = g.by.name
	for _, c := range g.compared {
		r.Comparisons = append(r.Comparisons, c.result(g.by, all))
	}
	return r
}

// skipped is the report of a group that can't be measured here.
func (g group) skipped(why error) report {
	r := g.head()
	r.Skipped = why.Error()
	return r
}

func (g group) head() report {
	return report{Title: g.title, CPUs: min(g.cpus, runtime.NumCPU()), Share: g.share, Rounds: g.rounds, Events: g.load.events}
}

func (s *series) row(name string, columns []metric, reference *series) row {
	r := row{Name: name}
	if s.failed != nil {
		r.Failed = s.failed.Error()
		return r
	}
	r.Calls = s.results[len(s.results)-1].Calls
	for _, m := range columns {
		f := figure{spread: spreadOf(s.values(m.of)), digits: m.digits}
		if reference.failed == nil {
			f.Ratio = spreadOf(ratios(s.values(m.of), reference.values(m.of))).Median
		}
		r.Figures = append(r.Figures, f)
	}
	return r
}

// result judges the ratios, by the group's metric unless the comparison has its own.
func (c comparison) result(by metric, all map[string]*series) compared {
	if c.by != nil {
		by = *c.by
	}
	r := compared{Of: c.of, To: c.to, Metric: by.name, AtMost: c.atMost, AtLeast: c.atLeast}
	of := all[c.of]
	if of.failed != nil || (c.to != "" && all[c.to].failed != nil) {
		r.Missing = true
		return r
	}
	values := of.values(by.of)
	if c.to != "" {
		values = ratios(values, all[c.to].values(by.of))
	}
	r.spread = spreadOf(values)
	r.Verdict = c.verdict(r.Median)
	return r
}

func (c comparison) verdict(value float64) string {
	switch {
	case c.atMost > 0:
		return metOrMissed(value <= c.atMost)
	case c.atLeast > 0:
		return metOrMissed(value >= c.atLeast)
	}
	return ""
}

func metOrMissed(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}

// failed reports whether a candidate has.
func (r report) failed() bool {
	for _, c := range r.Candidates {
		if c.Failed != "" {
			return true
		}
	}
	return false
}

// conditions are what a reader has to know beside the title.
func (r report) conditions() string {
	text := fmt.Sprintf("CPUs: %d; ", r.CPUs)
	if r.Share > 0 {
		text += fmt.Sprintf("%g of one for poller and programs; ", r.Share)
	}
	text += fmt.Sprintf("rounds: %d", r.Rounds)
	if r.Events > 0 {
		text += fmt.Sprintf(" of %d events", r.Events)
	}
	return text
}

func (f figure) String() string {
	return fmt.Sprintf("%.*f", f.digits, f.Median)
}

func (c compared) name(by string) string {
	name := c.Of
	if c.To != "" {
		name += " / " + c.To
	}
	if c.Metric != by {
		name += ", " + c.Metric
	}
	return name
}

// goal is what is wanted and whether it is met.
func (c compared) goal() string {
	switch {
	case c.AtMost > 0:
		return fmt.Sprintf("<= %g %s", c.AtMost, c.Verdict)
	case c.AtLeast > 0:
		return fmt.Sprintf(">= %g %s", c.AtLeast, c.Verdict)
	}
	return ""
}
