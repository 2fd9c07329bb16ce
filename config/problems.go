package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"fgbootstrap/internal/secret"
)

// maxShown is how many bytes of a value or name a sentence shows; enough to recognise it, too
// little to flood a log.
const maxShown = 80

// Problems are all faults of a configuration, one sentence each. No sentence holds a value of
// user data other than that of a BOOTSTRAP_* or RUNTIME_* scalar.
type Problems []string

// Error joins the sentences on one line, because it ends up in a log line and in an error report.
func (p Problems) Error() string { return strings.Join(p, "; ") }

// About reports whether one of them is about the value of the variable name.
func (p Problems) About(name string) bool {
	return slices.ContainsFunc(p, func(s string) bool { return strings.HasPrefix(s, name+": ") || strings.HasPrefix(s, name+" is ") })
}

// report collects what Load has to tell while it goes on with defaults.
type report struct {
	problems Problems
	warnings []string
	vars     map[string]string // the merged environment
	secrets  []string
	mask     *secret.Mask    // of them: people do paste a token into the wrong field
	bad      map[string]bool // names of variables whose value was refused
}

func (r *report) problemf(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

func (r *report) warnf(format string, args ...any) {
	r.warnings = append(r.warnings, fmt.Sprintf(format, args...))
}

// refuse notes that the variable name has a value it can't have. allowed finishes the sentence.
func (r *report) refuse(name, allowed string) {
	if r.bad == nil {
		r.bad = map[string]bool{}
	}
	r.bad[name] = true
	if concealed(name) {
		r.problemf("%s: %s", name, allowed)
		return
	}
	r.problemf("%s is %s: %s", name, strconv.Quote(cut(r.mask.String(r.vars[name]))), allowed)
}

// cut shortens s to maxShown bytes without splitting a character.
func cut(s string) string {
	if len(s) <= maxShown {
		return s
	}
	n := maxShown
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// showName gives a variable's name as it is, or quoted where a reader would not see what is in it.
func showName(name string) string {
	name = cut(name)
	if q := strconv.Quote(name); len(q) != len(name)+2 || strings.Contains(name, " ") {
		return q
	}
	return name
}
