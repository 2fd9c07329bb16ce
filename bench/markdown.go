package main

import (
	"fmt"
	"strings"
)

// markdown is what is put into docs/performance.md.
func (r results) markdown() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n", r.Machine)
	for _, g := range r.Groups {
		text.WriteString(g.markdown())
	}
	return text.String()
}

func (r report) markdown() string {
	text := fmt.Sprintf("\n### %s\n\n%s.\n\n", r.Title, r.conditions())
	if r.Skipped != "" {
		return text + "Skipped: " + r.Skipped + "\n"
	}
	text += table(append([]string{""}, r.Metrics...), len(r.Candidates), func(i int) []string {
		return r.Candidates[i].cells()
	})
	if len(r.Comparisons) > 0 {
		text += "\n" + table([]string{"by " + r.By, "median", "lowest to highest", "goal"}, len(r.Comparisons), func(i int) []string {
			return append([]string{r.Comparisons[i].name(r.By)}, r.Comparisons[i].cells()...)
		})
	}
	for i, note := range r.notes() {
		if i == 0 {
			text += "\n"
		}
		text += "- " + strings.ReplaceAll(note, "\n", "\n  ") + "\n"
	}
	return text
}

// table has its first column at the left, all others at the right.
func table(head []string, rows int, cells func(i int) []string) string {
	text := line(head) + "|---|" + strings.Repeat("---:|", len(head)-1) + "\n"
	for i := range rows {
		text += line(cells(i))
	}
	return text
}

func line(cells []string) string {
	return "| " + strings.Join(cells, " | ") + " |\n"
}

func (c row) cells() []string {
	if c.Failed != "" {
		return []string{c.Name, "FAILED"}
	}
	cells := []string{c.Name}
	for _, f := range c.Figures {
		cells = append(cells, fmt.Sprintf("%s (%.2f)", f, f.Ratio))
	}
	return cells
}

func (c compared) cells() []string {
	if c.Missing {
		return []string{"-"}
	}
	return []string{fmt.Sprintf("%.2f", c.Median), fmt.Sprintf("%.2f to %.2f", c.Lowest, c.Highest), c.goal()}
}
