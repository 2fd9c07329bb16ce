package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// text is a group as it is printed: of each candidate every metric and, behind it, its
// ratio to the first candidate's.
func (r report) text() string {
	text := fmt.Sprintf("\n%s (%s)\n", r.Title, r.conditions())
	if r.Skipped != "" {
		return text + "  skipped: " + r.Skipped + "\n"
	}
	measured := []string{"  "}
	for _, m := range r.Metrics {
		measured[0] += "\t" + m + "\tratio"
	}
	for _, c := range r.Candidates {
		measured = append(measured, "  "+c.Name+"\t"+c.columns())
	}
	text += aligned(measured)
	if len(r.Comparisons) > 0 {
		comparisons := []string{"  compared by " + r.By + "\tmedian\tlowest-highest\tgoal"}
		for _, c := range r.Comparisons {
			comparisons = append(comparisons, "  "+c.name(r.By)+"\t"+c.columns())
		}
		text += aligned(comparisons)
	}
	for _, note := range r.notes() {
		text += "  " + strings.ReplaceAll(note, "\n", "\n    ") + "\n"
	}
	return text
}

// notes are the lines that are not figures.
func (r report) notes() (all []string) {
	for _, c := range r.Candidates {
		if c.Calls != nil {
			all = append(all, c.Name+": "+strings.Join(byName(c.Calls), "\n"))
		}
		if c.Failed != "" {
			all = append(all, c.Name+" FAILED in "+c.Failed)
		}
	}
	return all
}

func (c row) columns() string {
	if c.Failed != "" {
		return "FAILED"
	}
	var columns []string
	for _, f := range c.Figures {
		columns = append(columns, f.String(), fmt.Sprintf("%.2f", f.Ratio))
	}
	return strings.Join(columns, "\t")
}

func (c compared) columns() string {
	if c.Missing {
		return "-"
	}
	return fmt.Sprintf("%.2f\t%.2f-%.2f\t%s", c.Median, c.Lowest, c.Highest, c.goal())
}

// aligned sets lines whose columns end in tabs.
func aligned(lines []string) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	_, _ = w.Write([]byte(strings.Join(lines, "\n") + "\n")) // a Builder takes everything
	_ = w.Flush()
	return text.String()
}
