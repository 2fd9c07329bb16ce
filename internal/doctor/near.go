package doctor

import (
	pathpkg "path"
	"strings"

	"github.com/agnivade/levenshtein"
)

// known are the interpreters and shells that commands start with.
var known = []string{
	"python3", "python", "node", "php", "ruby", "perl", "java", "bash", "sh", "lua", "deno", "bun", "dotnet", "awk", "jq", "busybox", "pypy3", "Rscript",
}

// edits is how many typing errors lie between two names: a letter too many, too few or wrong, or
// two that were swapped. A change of case is none.
func edits(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	n := levenshtein.ComputeDistance(a, b)
	if n == 2 && swapped(a, b) {
		return 1
	}
	return n
}

// swapped reports whether a is b with two neighbours swapped.
func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) - 1 {
		if a[i] != b[i] {
			return a[:i]+a[i+1:i+2]+a[i:i+1]+a[i+2:] == b
		}
	}
	return false
}

// near finds the file in folder whose name is closest to name, and how many errors away it is.
func (g guess) near(folder, name string) (path string, errors int) {
	entries, _ := g.command.world().readDir(folder)
	best, distance := "", 3
	for _, entry := range entries {
		if d := edits(entry.Name(), name); d < distance && (d < 2 || 2*d < len(name)) && !entry.IsDir() {
			best, distance = entry.Name(), d
		}
	}
	if best == "" {
		return "", 0
	}
	return pathpkg.Join(folder, best), distance
}

// program finds the program that word likely means: a file of the code folder or, unless that
// is closer, an interpreter that is here. Of all other programs of the PATH only one that is a
// single error away: among hundreds of names there is one close to nearly every word.
func (g guess) program(word string) string {
	path, errors := g.near(g.command.CodeRoot, word)
	if interpreter, more := g.interpreter(word); interpreter != "" && (path == "" || more <= errors) {
		return interpreter
	}
	if path != "" || len(word) <= 3 { // the PATH has something close to every shorter name
		return path
	}
	for _, folder := range g.command.folders() {
		if path, errors := g.near(folder, word); path != "" && errors < 2 {
			return path
		}
	}
	return ""
}

// interpreter finds the known interpreter that word likely means, where it is.
func (g guess) interpreter(word string) (path string, errors int) {
	errors = 3
	if len(word) < 3 {
		return "", 0
	}
	for _, name := range known {
		d := min(edits(name, word), edits(unversioned(name), unversioned(word)))
		if d < errors && 2*d <= len(word) && len(name) >= 3 {
			if at := g.onPath(name); at != "" {
				path, errors = at, d
			}
		}
	}
	return path, errors
}

func unversioned(name string) string { return strings.TrimRight(name, "0123456789.") }

// onPath returns the path of the program of that name, or "".
func (g guess) onPath(name string) string {
	for _, folder := range g.command.folders() {
		if path := pathpkg.Join(folder, name); g.command.executable(path) {
			return path
		}
	}
	return g.command.runtime(name)
}
