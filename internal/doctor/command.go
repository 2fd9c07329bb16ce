// Package doctor finds the program of a command and says, in a sentence or two that a person
// can act on, why it can't be started. It starts nothing.
package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/agnivade/levenshtein"
	"golang.org/x/sys/unix"
)

// runtimes is where the platform keeps interpreters of its own; it is not on
// the PATH of a custom runtime.
const runtimes = "/opt/function/runtime"

// Command is the user's program as it was configured. It is looked for anew at
// every start that fails, so that a program repaired on disk runs again.
type Command struct {
	// Words are the program and its arguments; nil means the default: Handler's
	// words if the first is an executable of CodeRoot, else CodeRoot/handler.
	Words   []string
	Handler string
	// CodeRoot is the folder of the ZIP, Dir the program's working directory,
	// Path its PATH.
	CodeRoot, Dir, Path string
	// Runtimes is where to look for an interpreter to hint at; "" means the
	// platform's folder.
	Runtimes string
}

// StartError says why a program can't be started and what to do about it.
type StartError struct {
	Message string
	// Missing is set when no program was named at all: that is a matter of
	// configuration.
	Missing bool
	Cause   error
}

func (e *StartError) Error() string { return e.Message }
func (e *StartError) Unwrap() error { return e.Cause }

// Find returns the file to start and its arguments, the first being its name
// as it was given. Its error is a *StartError.
func (c *Command) Find() (path string, args []string, err error) {
	words := c.Words
	if len(words) == 0 {
		if words, err = c.implied(); err != nil {
			return "", nil, err
		}
	}
	path, err = c.lookUp(words[0])
	return path, words, err
}

// implied is the command where none is configured.
func (c *Command) implied() ([]string, error) {
	handler := strings.Fields(c.Handler)
	if len(handler) > 0 && handler[0] == "bootstrap" { // that is us
		handler = nil
	}
	looked := "there is no executable file " + filepath.Join(c.CodeRoot, "handler")
	if len(handler) > 0 {
		looked = fmt.Sprintf("neither the function's handler %q nor handler is an executable file of %s", c.Handler, c.CodeRoot)
	}
	forgotten := "" // a file that is there but is not executable
	for _, words := range [][]string{handler, {"handler"}} {
		if len(words) == 0 {
			continue
		}
		file := filepath.Join(c.CodeRoot, words[0])
		if executable(file) {
			return append([]string{file}, words[1:]...), nil
		}
		if _, err := os.Stat(file); err == nil && forgotten == "" {
			forgotten = file
		}
	}
	if forgotten != "" {
		return nil, c.startError(forgotten)
	}
	return nil, &StartError{
		Missing: true,
		Message: "There is no program to run: BOOTSTRAP_COMMAND is not set, and " + looked +
			". Set BOOTSTRAP_COMMAND to the program and its arguments, for example: python3 handler.py.",
	}
}

// lookUp finds the file of a command's first word: with a slash it is a path,
// from Dir; without, a file of CodeRoot or of the PATH.
func (c *Command) lookUp(word string) (string, error) {
	if strings.Contains(word, "/") {
		path := word
		if !filepath.IsAbs(path) {
			path = filepath.Join(c.Dir, path)
		}
		if executable(path) {
			return path, nil
		}
		return "", c.startError(path)
	}
	found := ""
	for i, folder := range append([]string{c.CodeRoot}, filepath.SplitList(c.Path)...) {
		if !filepath.IsAbs(folder) {
			folder = filepath.Join(c.Dir, folder)
		}
		path := filepath.Join(folder, word)
		if executable(path) {
			return path, nil
		}
		// On the PATH a directory of that name is a coincidence.
		if info, err := os.Stat(path); err == nil && found == "" && (i == 0 || !info.IsDir()) {
			found = path
		}
	}
	if found != "" {
		return "", c.startError(found)
	}
	return "", &StartError{Message: c.notFound(word), Cause: unix.ENOENT}
}

// startError is for a file that is named but can't be executed.
func (c *Command) startError(path string) error {
	_, err := os.Stat(path)
	switch {
	case err == nil:
		return &StartError{Message: c.Diagnose(path, unix.EACCES), Cause: unix.EACCES}
	case !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR):
		return &StartError{Message: c.Diagnose(path, err), Cause: err}
	}
	message := fmt.Sprintf("There is no file %s.", path)
	if target, err := os.Readlink(path); err == nil {
		message = fmt.Sprintf("%s is a symbolic link to %s, which is not here.", path, target)
	} else if near := nearest(filepath.Dir(path), filepath.Base(path)); near != "" {
		message += near
	} else {
		message += quoted(path)
	}
	return &StartError{Message: message, Cause: err}
}

// Explain is the error of a start of path that failed for cause.
func (c *Command) Explain(path string, cause error) *StartError {
	message := CheckDir(c.Dir)
	if message == "" {
		message = c.Diagnose(path, cause)
	}
	return &StartError{Message: message, Cause: cause}
}

// notFound is for a word that is no file of any folder.
func (c *Command) notFound(word string) string {
	text := fmt.Sprintf("There is no program %q, neither in %s nor on the PATH (%s).", word, c.CodeRoot, c.Path)
	if c.Path == "" {
		text = fmt.Sprintf("There is no program %q in %s, and PATH is not set.", word, c.CodeRoot)
	}
	if path := c.runtime(word); path != "" {
		return text + fmt.Sprintf(" The platform has one at %s: put that into BOOTSTRAP_COMMAND.", path)
	}
	folders := []string{c.CodeRoot}
	if len(word) > 3 { // of shorter names the PATH has one for every slip of the hand
		folders = append(folders, filepath.SplitList(c.Path)...)
	}
	for _, folder := range folders {
		if near := nearest(folder, word); near != "" {
			return text + near
		}
	}
	if hint := quoted(word); hint != "" {
		return text + hint
	}
	return text + " Put it into the ZIP, or name it with its full path."
}

func quoted(word string) string {
	if !strings.ContainsAny(word, " \t") {
		return ""
	}
	return " It is one word with a blank in it: was it quoted as a whole?"
}

// runtime is the platform's own program of that name, or "".
func (c *Command) runtime(name string) string {
	root := c.Runtimes
	if root == "" {
		root = runtimes
	}
	for _, pattern := range []string{"*/bin", "*/*/bin", "bin", "*", "*/*"} {
		folders, _ := filepath.Glob(filepath.Join(root, pattern))
		for _, folder := range folders {
			if path := filepath.Join(folder, name); executable(path) {
				return path
			}
		}
	}
	return ""
}

// nearest is a remark about the file of folder whose name is closest to name.
func nearest(folder, name string) string {
	entries, _ := os.ReadDir(folder)
	best, distance := "", 3
	for _, entry := range entries {
		if d := levenshtein.ComputeDistance(entry.Name(), name); d < distance && (d == 1 || 2*d < len(name)) && !entry.IsDir() {
			best, distance = entry.Name(), d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" Did you mean %s?", filepath.Join(folder, best))
}

// executable tells whether path is a file that may be executed; whether it can
// is Diagnose's question.
func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && unix.Access(path, unix.X_OK) == nil
}
