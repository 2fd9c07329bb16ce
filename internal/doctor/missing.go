package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"fgbootstrap/internal/limits"
)

// startError makes the error for a file that was named but can't be executed.
func (c *Command) startError(path string) error {
	_, err := c.world().stat(path)
	g := guess{c}
	switch {
	case err == nil:
		return &StartError{Message: c.Diagnose(path, syscall.EACCES), Cause: syscall.EACCES}
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
		return &StartError{Message: c.Diagnose(path, err), Cause: err}
	}
	message := fmt.Sprintf("There is no file %s.", path)
	if target, err := c.world().readLink(path); err == nil {
		message = fmt.Sprintf("%s is a symbolic link to %s, which is not here.", path, target)
	} else {
		message += cmp.Or(g.unquoted(), quoted(path), g.instead(path))
	}
	return &StartError{Message: message, Cause: err}
}

// Explain makes the error for a start of path that failed with cause.
func (c *Command) Explain(path string, cause error) *StartError {
	message := ""
	if limits.Met(cause) == "" {
		message = c.checkDir()
	}
	if message == "" {
		message = c.Diagnose(path, cause)
	}
	return &StartError{Message: message, Cause: cause}
}

// notFound makes the message for a word that is not a file in any of the folders.
func (c *Command) notFound(word string) string {
	text := fmt.Sprintf("There is no program %q, neither in %s nor on the PATH (%s).", shown(word), c.CodeRoot, c.Path)
	if c.Path == "" {
		text = fmt.Sprintf("There is no program %q in %s, and PATH is not set.", shown(word), c.CodeRoot)
	}
	if path := c.runtime(word); path != "" {
		return text + fmt.Sprintf(" The platform has one at %s: put that into BOOTSTRAP_COMMAND.", path)
	}
	g := guess{c}
	if hint := cmp.Or(assigned(word), builtin(word), g.unquoted()); hint != "" {
		return text + hint
	}
	if near := g.program(word); near != "" {
		return text + didYouMean(near)
	}
	if hint := cmp.Or(quoted(word), code{c}.elsewhere(word), code{c}.holdsOnly()); hint != "" {
		return text + hint
	}
	return text + " Put it into the ZIP, or name it with its full path."
}

// shown is word without the value that it gives a variable: that may be secret.
func shown(word string) string {
	if name, _, is := strings.Cut(word, "="); is && isName(name) {
		return name + "=…"
	}
	return word
}

func assigned(word string) string {
	name, _, is := strings.Cut(word, "=")
	if !is || !isName(name) {
		return ""
	}
	return fmt.Sprintf(" No shell reads the command: set the variable %s in the function's settings, or start the program by sh -c '…'.", name)
}

func isName(text string) bool {
	return text != "" && (text[0] < '0' || text[0] > '9') && !strings.ContainsFunc(text, func(c rune) bool {
		return c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
}

// builtins are words that only a shell knows, and what to do instead.
var builtins = map[string]string{
	"cd": "set BOOTSTRAP_DIR to the folder, or ", "export": "set the variable in the function's settings, or ", "set": "", "unset": "",
	"source": "", "exec": "", "eval": "", "alias": "", "ulimit": "", "umask": "", "trap": "", "if": "", "for": "", "while": "", "until": "", "case": "", "{": "", "(": "", "!": "",
}

func builtin(word string) string {
	instead, is := builtins[word]
	if !is {
		return ""
	}
	return fmt.Sprintf(" It is a word of shells, and no shell reads the command: %sstart it by sh -c '…'.", instead)
}

func quoted(word string) string {
	if !strings.ContainsAny(word, " \t") {
		return ""
	}
	return " It is one word with a space in it: was the whole command quoted?"
}

// runtime returns the path of the platform's own program of that name, or "".
func (c *Command) runtime(name string) string {
	if c.Runtimes != "" {
		return c.below(c.Runtimes, name)
	}
	return c.below(runtimes, name)
}
