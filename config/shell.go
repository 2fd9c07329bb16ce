package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// aroundAll is the cure for anything that only a shell understands.
const aroundAll = "write sh -c '…' around the whole command if you want one"

// shellOperators have a meaning only to a shell. Of two that begin alike the longer one comes
// first.
var shellOperators = []string{
	"2>&1", "1>&2", "&>>", "&>", "2>>", "2>", ">&2", "&&", "||", ">>", "<<", ";", "|", ">", "<", "$(", "`",
}

// bareWord is a word of the command as a shell would see it.
type bareWord struct {
	first bool
	text  string // what is quoted or escaped, and so means nothing to a shell, is x; see bareWords
	plain string // what the program gets
}

// shellSigns is the table of what shows that the author of a command expected a shell: how it is
// found in a word, and the cure. What is found must hold no part of the word that may be secret.
func (r *report) shellSigns() []struct {
	find func(bareWord) string
	cure string
} {
	return []struct {
		find func(bareWord) string
		cure string
	}{
		{assignment, "set the variable in the function's settings, or " + aroundAll},
		{operator, aroundAll},
		{r.variable, aroundAll},
		{wildcard, aroundAll},
		{tilde, "write the whole path, or " + aroundAll},
		{comment, "leave the comment out"},
		{typographic, `quote with ' or "`},
	}
}

// shellHint says in a sentence, without its end, what in the command only a shell would understand
// and what to do about it; "" if there is nothing. In a JSON array the author has quoted each word
// on purpose. What follows -c is a shell's script.
func (r *report) shellHint(words []string) string {
	v := r.vars["BOOTSTRAP_COMMAND"]
	if isJSONCommand(v) {
		return ""
	}
	bare := bareWords(strings.TrimSuffix(v, "\r\n"))
	if len(bare) != len(words) {
		return "" // none, or none that is right
	}
	for i, text := range bare {
		if i > 0 && isScriptOption(words[i-1]) {
			continue
		}
		for _, sign := range r.shellSigns() {
			if found := sign.find(bareWord{i == 0, text, words[i]}); found != "" {
				return fmt.Sprintf("BOOTSTRAP_COMMAND has %s, but no shell reads it: %s", found, insteadOfCd(words[0])+sign.cure)
			}
		}
	}
	return ""
}

func insteadOfCd(first string) string {
	if first != "cd" {
		return ""
	}
	return "set BOOTSTRAP_DIR to the folder instead of cd, or "
}

// isScriptOption is true of -c, -lc, -ec and the like.
func isScriptOption(word string) bool {
	letters, option := strings.CutPrefix(word, "-")
	return option && strings.HasSuffix(letters, "c") && !strings.HasPrefix(letters, "-")
}

func assignment(w bareWord) string {
	name, _, is := strings.Cut(w.text, "=")
	if !w.first || !is || !isName(name) {
		return ""
	}
	return name + "=…"
}

func isName(text string) bool {
	return text != "" && (text[0] < '0' || text[0] > '9') && !strings.ContainsFunc(text, notInName)
}

func notInName(c rune) bool {
	return c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
}

func operator(w bareWord) string {
	for _, op := range shellOperators {
		if strings.Contains(w.text, op) {
			return op
		}
	}
	if strings.HasSuffix(w.text, "&") { // elsewhere it separates the parameters of an address
		return "&"
	}
	return ""
}

// alwaysSet are variables that are set when the program runs, though the platform does not set
// them.
var alwaysSet = []string{"HOME", "LANG", "PATH", "PORT", "PWD"}

// variable is the first variable that a shell would replace. Names that are not set are ignored,
// since $ABC may be part of a password, unless a path begins with one; so are words with blanks,
// which are scripts: awk has its own $NF.
func (r *report) variable(w bareWord) (found string) {
	if strings.ContainsAny(w.plain, " \t\n") {
		return ""
	}
	folder, _, isPath := strings.Cut(w.text, "/")
	os.Expand(w.text, func(name string) string {
		set := r.vars[name] != "" || slices.Contains(alwaysSet, name) || strings.HasPrefix(name, "X_CFF_")
		begins := isPath && (folder == "$"+name || folder == "${"+name+"}")
		if found == "" && isName(name) && (set || begins) {
			found = "$" + name
		}
		return ""
	})
	return found
}

// wildcard leaves the query of an address alone.
func wildcard(w bareWord) string {
	switch {
	case strings.Contains(w.text, "*"):
		return "*"
	case strings.Contains(w.text, "?") && !strings.ContainsAny(w.text, "=&:"):
		return "?"
	}
	return ""
}

func tilde(w bareWord) string {
	_, path, set := strings.Cut(w.text, "=")
	if !set {
		path = w.text
	}
	home, _, _ := strings.Cut(path, "/")
	if user, is := strings.CutPrefix(home, "~"); is && !strings.ContainsFunc(user, notInName) {
		return "~"
	}
	return ""
}

func comment(w bareWord) string {
	if !w.first && w.text == "#" {
		return "#"
	}
	return ""
}

// typographic finds the quotes that word processors and chats put in the place of " and '.
func typographic(w bareWord) string {
	if i := strings.IndexAny(w.text, typographicQuotes); i >= 0 {
		return "the typographic quote " + string([]rune(w.text[i:])[:1])
	}
	return ""
}

// bareWords splits a command as splitCommand does. Characters that are escaped or in single quotes
// are replaced by x, and so are those in double quotes that mean nothing to a shell there.
func bareWords(v string) (words []string) {
	var word []byte
	open, quote := false, byte(0)
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch {
		case c == '\\' && quote != '\'' && i+1 < len(v):
			if i++; v[i] != '\n' { // which goes on with the line
				word, open = append(word, 'x'), true
			}
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == '\'' || quote == '"' && !liveInQuotes(c):
			word = append(word, 'x')
		case quote == 0 && strings.IndexByte(" \t\n", c) >= 0:
			if open {
				words = append(words, string(word))
			}
			word, open = nil, false
		default:
			word, open = append(word, c), true
		}
	}
	if open {
		words = append(words, string(word))
	}
	return words
}

// liveInQuotes is true of what a variable or a command in double quotes is written with.
func liveInQuotes(c byte) bool {
	return strings.IndexByte("$`(){}/", c) >= 0 || !notInName(rune(c))
}
