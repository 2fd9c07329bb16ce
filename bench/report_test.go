package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// measured is a group of two candidates and three rounds; the second candidate has failed
// if bad is set.
func measuredGroup(bad error) report {
	g := group{
		title: "a title", load: load{events: 10}, rounds: 3, cpus: 1, columns: []metric{latency, peak}, by: latency,
		candidates: []candidate{{name: "one"}, {name: "other"}},
		compared: []comparison{
			{of: "other", to: "one", atMost: 2.5}, {of: "other", to: "one", by: &peak, atLeast: 2}, {of: "other", by: &peak},
		},
	}
	return g.report(map[string]*series{
		"one":   {results: []result{{P50: 10, Peak: 1}, {P50: 20, Peak: 2}, {P50: 40}}},
		"other": {results: []result{{P50: 30, Peak: 1}, {P50: 40, Peak: 3}, {P50: 80, Peak: 1}}, failed: bad},
	})
}

func TestARatioIsTheMedianOfTheRounds(t *testing.T) {
	want := `
a title (CPUs: 1; rounds: 3 of 10 events)
         p50 µs  ratio  peak MB  ratio
  one    20      1.00   1.0      1.00
  other  40      2.00   1.0      1.00
  compared by p50 µs    median  lowest-highest  goal
  other / one           2.00    2.00-3.00       <= 2.5 met
  other / one, peak MB  1.00    0.00-1.50       >= 2 missed
  other, peak MB        1.00    1.00-3.00       
`
	if got := measuredGroup(nil).text(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestTheFilesHaveAllResults(t *testing.T) {
	dir := t.TempDir()
	o := options{json: filepath.Join(dir, "json"), markdown: filepath.Join(dir, "markdown")}
	r := results{Machine: machine{CPU: "a CPU", CPUs: 4}, Groups: []report{measuredGroup(nil), measuredGroup(os.ErrClosed), {Title: "none", Skipped: "no reason"}}}
	if err := r.write(o); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(o.json)
	if err != nil {
		t.Fatal(err)
	}
	var back results
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	first := back.Groups[0]
	if back.Machine.CPUs != 4 || first.Candidates[1].Figures[0].Ratio != 2 || first.Comparisons[0].Highest != 3 || first.Comparisons[0].Verdict != "met" {
		t.Errorf("got %s", text)
	}
	if text, err = os.ReadFile(o.markdown); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"### a title\n\nCPUs: 1; rounds: 3 of 10 events.\n\n|  | p50 µs | peak MB |\n|---|---:|---:|\n| one | 20 (1.00) | 1.0 (1.00) |\n",
		"| other / one | 2.00 | 2.00 to 3.00 | <= 2.5 met |\n", "| other | FAILED |", "\n\n- other FAILED in file already closed\n", "Skipped: no reason\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
