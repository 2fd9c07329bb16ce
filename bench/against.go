package main

import (
	"fmt"
	"os"
	"path/filepath"
)

const (
	// before is the name of an earlier bootstrap in the folder of the programs.
	before = "before"
	// noWorse is what a figure may be of what it was: a change costs less than noise.
	noWorse = 1.05
)

// bringBefore puts an earlier bootstrap beside the programs. Both are written in the same way:
// how a file has come into the system's cache counts at its start.
func bringBefore(binary, dir string) error {
	ours := filepath.Join(dir, "bootstrap")
	for from, to := range map[string]string{binary: filepath.Join(dir, before), ours: ours + ".new"} {
		program, err := os.ReadFile(from)
		if err != nil {
			return fmt.Errorf("the bootstrap to compare with: %w", err)
		}
		if err := os.WriteFile(to, program, 0o755); err != nil {
			return err
		}
	}
	return os.Rename(ours+".new", ours)
}

// against is g with nothing but bootstrap, and with an earlier one in its place, taking
// turns. It is false if there is no bootstrap in g.
func (g group) against() (group, bool) {
	var both []candidate
	g.compared = nil
	for _, c := range g.candidates {
		if c.command[0] != "bootstrap" {
			continue
		}
		old := c
		old.name = c.name + ", " + before
		old.command = append([]string{before}, c.command[1:]...)
		both = append(both, old, c)
		compared := comparison{of: c.name, to: old.name, atMost: noWorse}
		if g.by.name == rate.name {
			compared = comparison{of: c.name, to: old.name, atLeast: 1 / noWorse}
		}
		g.compared = append(g.compared, compared)
	}
	g.candidates = both
	return g, len(both) > 0
}
