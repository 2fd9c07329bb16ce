package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// nearby is how many edits away a name still counts as a typing error.
const nearby = 2

// checkNames reports settings that do not exist. A typing error, also in the order of the words,
// is a problem: the setting that was meant silently keeps its default. Any other unknown name is
// a warning, which names the setting that only lacks words: BOOTSTRAP_SERVERS, for example, is Kafka's. So is a name close to a setting but
// without its prefix: it may have been renamed to switch it off.
func (r *report) checkNames(all []Setting) {
	known := names(all)
	for _, name := range slices.Sorted(maps.Keys(r.vars)) {
		if r.vars[name] == "" || slices.Contains(known, name) {
			continue
		}
		ours := strings.HasPrefix(name, settingPrefix)
		meant, near := nearest(name, known)
		if ours && !near {
			meant, near = reordered(name, known)
		}
		switch {
		case ours && near:
			r.problemf("%s is not a setting; did you mean %s?", showName(name), meant)
		case ours && lacking(name, known) != "":
			r.warnf("%s is not a setting of bootstrap; did you mean %s?", showName(name), lacking(name, known))
		case ours:
			r.warnf("%s is not a setting of bootstrap; it is only passed on to the program", showName(name))
		case near:
			r.warnf("%s is not a setting of bootstrap; did you mean %s?", showName(name), meant)
		}
	}
}

// checkMode warns about settings of a mode that was not chosen: a user who sets a worker protocol
// and forgets the mode would wonder why it has no effect.
func (r *report) checkMode(all []Setting, mode, input string) {
	if r.bad["BOOTSTRAP_MODE"] {
		return
	}
	for _, s := range all {
		owner, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(s.Name, settingPrefix)), "_")
		if mode == "pipe" && input != "event" && slices.Contains(ofRequests, s.Name) {
			continue
		}
		if v := r.vars[s.Name]; v != "" && v != s.Default && !r.bad[s.Name] && owner != mode && slices.Contains(modes, owner) {
			r.warnf("%s has no effect: it is for BOOTSTRAP_MODE=%s, and the mode is %s", s.Name, owner, mode)
		}
	}
}

// ofRequests are the settings of http mode that count for BOOTSTRAP_PIPE_INPUT=body and cgi, too.
var ofRequests = []string{"BOOTSTRAP_HTTP_EVENT_PATH", "BOOTSTRAP_HTTP_PATH", "BOOTSTRAP_HTTP_STRIP_PREFIX"}

func names(all []Setting) []string {
	names := []string{contextFile}
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}

// nearest finds the known name with the fewest edits to name, and whether they are few enough for
// a typing error. A change of case is not an edit.
func nearest(name string, known []string) (string, bool) {
	best, edits := "", nearby+1
	name = strings.ToUpper(name)
	if !resembles(name) {
		return "", false
	}
	for _, k := range known {
		if diff := len(name) - len(k); diff > nearby || diff < -nearby {
			continue // spares a long name the quadratic comparison
		}
		if d := levenshtein.ComputeDistance(name, k); d < edits {
			best, edits = k, d
		}
	}
	return best, edits <= nearby
}

// reordered finds the known name that has the same words as name in another order.
func reordered(name string, known []string) (string, bool) {
	i := slices.IndexFunc(known, func(k string) bool { return slices.Equal(sortedWords(k), sortedWords(name)) })
	if i < 0 {
		return "", false
	}
	return known[i], true
}

// lacking finds the one known name that has all words of name and more, or "".
func lacking(name string, known []string) (meant string) {
	for _, k := range known {
		words := sortedWords(k)
		if slices.ContainsFunc(sortedWords(name), func(w string) bool { return !slices.Contains(words, w) }) {
			continue
		}
		if meant != "" {
			return "" // it may be either
		}
		meant = k
	}
	return meant
}

func sortedWords(name string) []string {
	return slices.Sorted(strings.SplitSeq(strings.ToUpper(name), "_"))
}

// resembles spares most names the comparison with every setting, half the time of Load at a cold
// start: two edits can't break all three of these parts of settingPrefix.
func resembles(name string) bool {
	return strings.Contains(name, "BOO") || strings.Contains(name, "TST") || strings.Contains(name, "RAP")
}
