// Package doctor finds the program of a command and says, in a sentence or two that a person
// can act on, why it can't be started. It starts nothing.
package doctor

import (
	"cmp"
	"fmt"
	pathpkg "path"
	"strings"
	"syscall"
)

// runtimes is where the platform keeps interpreters of its own; it is not on
// the PATH of a custom runtime.
const runtimes = "/opt/function/runtime"

// Command is the user's program as it was configured. It is looked up again after every start
// that fails, so that a program repaired on disk runs again.
type Command struct {
	// Words are the program and its arguments; nil means the default: Handler's
	// words if the first is an executable of CodeRoot, else CodeRoot/handler.
	Words   []string
	Handler string
	// CodeRoot is the folder of the ZIP, Dir the program's working directory,
	// Path its PATH. The folders are absolute.
	CodeRoot, Dir, Path string
	// Runtimes is where to look for an interpreter to hint at; "" means the
	// platform's folder.
	Runtimes string
	// In is where the program will start; nil means this machine.
	In World
}

// StartError says why a program can't be started and what to do about it.
type StartError struct {
	Message string
	// Missing is set when no program was named at all: that is a configuration error.
	Missing bool
	Cause   error
}

func (e *StartError) Error() string { return e.Message }
func (e *StartError) Unwrap() error { return e.Cause }

// Find returns the file to start and its arguments; the first argument is the program's name as
// it was given. The error is a *StartError.
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

// implied returns the command to run if none is configured.
func (c *Command) implied() ([]string, error) {
	handler := strings.Fields(c.Handler)
	if len(handler) > 0 && handler[0] == "bootstrap" { // that is us
		handler = nil
	}
	looked := "there is no executable file " + pathpkg.Join(c.CodeRoot, "handler")
	if len(handler) > 0 {
		looked = fmt.Sprintf("neither the function's handler %q nor handler is an executable file of %s", c.Handler, c.CodeRoot)
	}
	forgotten := "" // a file that is there but is not executable
	for _, words := range [][]string{handler, {"handler"}} {
		if len(words) == 0 {
			continue
		}
		file := pathpkg.Join(c.CodeRoot, words[0])
		if c.executable(file) {
			return append([]string{file}, words[1:]...), nil
		}
		if _, err := c.world().stat(file); err == nil && forgotten == "" {
			forgotten = file
		}
	}
	if forgotten != "" {
		return nil, c.startError(forgotten)
	}
	instead := cmp.Or(code{c}.program(), code{c}.holdsOnly()+" Set BOOTSTRAP_COMMAND to the program and its arguments, for example: python3 handler.py.")
	return nil, &StartError{Missing: true, Message: "There is no program to run: BOOTSTRAP_COMMAND is not set, and " + looked + "." + instead}
}

// lookUp finds the file of a command's first word: with a slash it is a path, relative to Dir;
// without one it is a file in CodeRoot or on the PATH.
func (c *Command) lookUp(word string) (string, error) {
	if strings.Contains(word, "/") {
		path := c.fromDir(word)
		if c.executable(path) {
			return path, nil
		}
		return "", c.startError(path)
	}
	found := ""
	for i, folder := range append([]string{c.CodeRoot}, c.folders()...) {
		path := pathpkg.Join(folder, word)
		if c.executable(path) {
			return path, nil
		}
		// On the PATH a directory of that name is a coincidence.
		if info, err := c.world().stat(path); err == nil && found == "" && (i == 0 || !info.IsDir()) {
			found = path
		}
	}
	if found != "" {
		return "", c.startError(found)
	}
	return "", &StartError{Message: c.notFound(word), Cause: syscall.ENOENT}
}

// fromDir resolves path as the program does.
func (c *Command) fromDir(path string) string {
	if pathpkg.IsAbs(path) {
		return path
	}
	return pathpkg.Join(c.Dir, path)
}

// folders returns the folders of the PATH; an empty one is the working directory.
func (c *Command) folders() []string {
	if c.Path == "" {
		return nil
	}
	folders := strings.Split(c.Path, ":")
	for i, folder := range folders {
		folders[i] = c.fromDir(folder)
	}
	return folders
}
