package main

import (
	"fmt"
	"runtime"
	"strings"
	"text/tabwriter"
)

// report is one block of what is printed, and whether a candidate failed.
func (g group) report(all map[string]*series) (text string, failed bool) {
	text = fmt.Sprintf("\n%s (CPUs: %d; %d rounds of %d events)\n", g.title, min(g.cpus, runtime.NumCPU()), g.rounds, g.load.events)
	measured := []string{"  \tp50 µs\tp99 µs\tevents/s\tCPU µs\tpeak MB"}
	for _, c := range g.candidates {
		measured = append(measured, "  "+c.name+"\t"+all[c.name].columns())
	}
	compared := []string{"  compared by " + g.by.name + "\tmedian\tlowest-highest\tgoal"}
	for _, c := range g.compared {
		compared = append(compared, "  "+c.name()+"\t"+c.columns(g.by, all))
	}
	text += aligned(measured) + aligned(compared)
	for _, c := range g.candidates {
		if err := all[c.name].failed; err != nil {
			failed = true
			text += "  " + c.name + " FAILED in " + strings.ReplaceAll(err.Error(), "\n", "\n    ") + "\n"
		}
	}
	return text, failed
}

// columns are the medians of a candidate's rounds.
func (s *series) columns() string {
	if s.failed != nil {
		return "FAILED"
	}
	median := func(of func(result) float64) float64 { return spreadOf(s.values(of)).median }
	p99 := func(r result) float64 { return r.P99 }
	return fmt.Sprintf("%.0f\t%.0f\t%.0f\t%.0f\t%.1f", median(latency.of), median(p99), median(rate.of), median(cpu.of), median(peak.of))
}

func (c comparison) name() string {
	name := c.of
	if c.to != "" {
		name += " / " + c.to
	}
	if c.by != nil {
		name += ", " + c.by.name
	}
	return name
}

// columns are of the ratios by the group's metric, if the comparison has none of its own.
func (c comparison) columns(by metric, all map[string]*series) string {
	if c.by != nil {
		by = *c.by
	}
	of := all[c.of]
	if of.failed != nil {
		return "-"
	}
	values := of.values(by.of)
	if c.to != "" {
		to := all[c.to]
		if to.failed != nil {
			return "-"
		}
		values = ratios(values, to.values(by.of))
	}
	s := spreadOf(values)
	return fmt.Sprintf("%.2f\t%.2f-%.2f\t%s", s.median, s.lowest, s.highest, c.verdict(s.median))
}

func (c comparison) verdict(value float64) string {
	switch {
	case c.atMost > 0:
		return fmt.Sprintf("<= %g %s", c.atMost, metOrMissed(value <= c.atMost))
	case c.atLeast > 0:
		return fmt.Sprintf(">= %g %s", c.atLeast, metOrMissed(value >= c.atLeast))
	}
	return ""
}

func metOrMissed(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}

// aligned sets lines whose columns end in tabs.
func aligned(lines []string) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	_, _ = w.Write([]byte(strings.Join(lines, "\n") + "\n")) // a Builder takes everything
	_ = w.Flush()
	return text.String()
}
