package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	pathpkg "path"
	"syscall"

	"fgbootstrap/internal/limits"
)

// Diagnose says in a sentence or two why the file path can't be started in c's Dir with its PATH,
// and what helps. cause is the system's error. If there is no finding, Diagnose repeats it.
func (c *Command) Diagnose(path string, cause error) string {
	if met := limits.Met(cause); met != "" { // the file can't be looked into then, and is not to blame
		return fmt.Sprintf("%s can't be started. %s", path, met)
	}
	if finding := c.examine(path, cause).finding(); finding != "" {
		return finding
	}
	return fmt.Sprintf("%s can't be started: %s.", path, system(cause))
}

// Check is Diagnose before there is an error. It returns "" if it finds nothing wrong.
func (c *Command) Check(path string) string {
	return c.examine(path, nil).finding()
}

// checkDir says why no program can be started in c's Dir; "" means that one can.
func (c *Command) checkDir() string {
	if err := c.world().access(c.Dir); err != nil {
		return fmt.Sprintf("The program's working directory %s can't be entered: %s.", c.Dir, system(err))
	}
	return ""
}

// finding returns the first finding of the examinations, or "".
func (s subject) finding() string {
	for _, look := range []func(subject) string{
		folder, noPermission, emptyFile, byteOrderMark, carriageReturn, interpreter, foreignBinary, elf, noShebang,
	} {
		if finding := look(s); finding != "" {
			return finding
		}
	}
	return ""
}

// subject is a file under examination.
type subject struct {
	path    string
	command *Command // whose PATH and directory count
	cause   error
	info    fs.FileInfo
	head    []byte // the first 4 KB
}

func (c *Command) examine(path string, cause error) subject {
	s := subject{path: path, command: c, cause: cause}
	s.info, _ = c.world().stat(path)
	if s.info == nil || !s.info.Mode().IsRegular() {
		return s
	}
	s.head = make([]byte, 4096)
	n, _ := c.world().readAt(path, s.head, 0)
	s.head = s.head[:n]
	return s
}

// remedies are for errors of the system that can hit any program.
var remedies = map[syscall.Errno]string{
	syscall.E2BIG:   "its arguments and environment together are too large; pass less in variables",
	syscall.ETXTBSY: "its file is still being written",
}

func system(cause error) string {
	var errno syscall.Errno
	if !errors.As(cause, &errno) {
		return fmt.Sprint(cause)
	}
	text := errno.Error()
	if name := errnoName(errno); name != "" {
		text += " (" + name + ")"
	}
	if remedy := remedies[errno]; remedy != "" {
		text += ": " + remedy
	}
	return text
}

func folder(s subject) string {
	if s.info == nil || !s.info.IsDir() {
		return ""
	}
	return fmt.Sprintf("%s is a directory, not a program. Name the file in it that is to run.", s.path)
}

func noPermission(s subject) string {
	if s.info == nil || !s.info.Mode().IsRegular() || s.command.world().access(s.path) == nil {
		return ""
	}
	name := pathpkg.Base(s.path)
	text := fmt.Sprintf("%s is not executable. Run chmod +x %s before you make the ZIP, and make the ZIP on Linux or macOS: "+
		"a ZIP made on Windows does not keep the executable bit.", s.path, name)
	if bytes.HasPrefix(s.head, []byte(elfMagic)) {
		return text
	}
	return fmt.Sprintf("%s Or start it by its interpreter: BOOTSTRAP_COMMAND=%s %s, for example.", text, s.likelyInterpreter(), name)
}

func emptyFile(s subject) string {
	if s.info == nil || !s.info.Mode().IsRegular() || s.info.Size() > 0 {
		return ""
	}
	return fmt.Sprintf("%s is empty.", s.path)
}
