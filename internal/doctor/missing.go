package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	pathpkg "path"
	"strings"
	"syscall"

	"fgbootstrap/internal/limits"
)

// startError makes the error for a file that was named but can't be executed.
func (c *Command) startError(path string) error {
	_, err := c.world().stat(path)
	switch {
	case err == nil:
		return &StartError{Message: c.Diagnose(path, syscall.EACCES), Cause: syscall.EACCES}
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
		return &StartError{Message: c.Diagnose(path, err), Cause: err}
	}
	message := fmt.Sprintf("There is no file %s.", c.shown(path))
	if target, err := c.world().readLink(path); err == nil {
		message = fmt.Sprintf("%s is a symbolic link to %s, which is not here.", path, target)
	} else if near := c.near(pathpkg.Dir(path), pathpkg.Base(path)); near != "" {
		message += near
	} else {
		message += misread(strings.TrimPrefix(path, c.Dir+"/"))
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
	text := fmt.Sprintf("There is no program %q, neither in %s nor on the PATH (%s).", programName(word), c.CodeRoot, c.Path)
	if c.Path == "" {
		text = fmt.Sprintf("There is no program %q in %s, and PATH is not set.", programName(word), c.CodeRoot)
	}
	if path := c.runtime(word); path != "" {
		return text + fmt.Sprintf(" The platform has one at %s: put that into BOOTSTRAP_COMMAND.", path)
	}
	folders := []string{c.CodeRoot}
	if len(word) > 3 { // the PATH has something close to every shorter name
		folders = append(folders, c.folders()...)
	}
	for _, folder := range folders {
		if near := c.near(folder, word); near != "" {
			return text + near
		}
	}
	if hint := misread(word); hint != "" {
		return text + hint
	}
	return text + " Put it into the ZIP, or name it with its full path."
}

// nameEnds are where the name of a program ends in a word that is more than that: what follows may
// be arguments or the value of a variable, and nobody else's business.
const nameEnds = " \t\n="

// programName returns word as it may be shown: the name of a program without anything else.
func programName(word string) string {
	if end := strings.IndexAny(word, nameEnds); end >= 0 {
		return word[:end+1] + "…"
	}
	return word
}

// shown does the same for the path of a program.
func (c *Command) shown(path string) string {
	below, found := strings.CutPrefix(path, c.Dir+"/")
	switch {
	case !strings.ContainsAny(below, nameEnds):
		return path
	case found:
		return fmt.Sprintf("%q", c.Dir+"/"+programName(below))
	default:
		return fmt.Sprintf("%q", programName(path))
	}
}

// misread says what a word that is no program may be instead.
func misread(word string) string {
	switch end := strings.IndexAny(word, nameEnds); {
	case end < 0:
		return ""
	case word[end] == '=':
		return " It looks like a variable, but no shell is involved: set it in the function's settings, or write sh -c '…'."
	default:
		return " It is one word with a space in it: was the whole command quoted?"
	}
}

// runtime returns the path of the platform's own program of that name, or "".
func (c *Command) runtime(name string) string {
	if c.Runtimes != "" {
		return c.below(c.Runtimes, name)
	}
	return c.below(runtimes, name)
}
