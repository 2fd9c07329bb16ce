package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Diagnose says in a sentence or two why the file path can't be started in c's
// Dir and with its PATH, and what helps. cause is the system's error; without a
// finding it is repeated.
func (c *Command) Diagnose(path string, cause error) string {
	if finding := c.examine(path, cause).finding(); finding != "" {
		return finding
	}
	return fmt.Sprintf("%s can't be started: %s.", path, system(cause))
}

// Check is Diagnose before there is an error; "" means that nothing is amiss
// as far as can be seen.
func (c *Command) Check(path string) string {
	return c.examine(path, nil).finding()
}

// CheckDir says why no program can be started in the directory dir; "" means
// that one can.
func CheckDir(dir string) string {
	if err := unix.Access(dir, unix.X_OK); err != nil {
		return fmt.Sprintf("The program's working directory %s can't be entered: %s.", dir, system(err))
	}
	return ""
}

// finding is what the first of the examinations finds that finds something.
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

// subject is a file that is examined.
type subject struct {
	path    string
	command *Command // whose PATH and directory count
	cause   error
	info    os.FileInfo
	head    []byte // the first 4 KB
}

func (c *Command) examine(path string, cause error) subject {
	s := subject{path: path, command: c, cause: cause}
	s.info, _ = os.Stat(path)
	if s.info == nil || !s.info.Mode().IsRegular() {
		return s
	}
	f, err := os.Open(path)
	if err != nil {
		return s
	}
	defer f.Close()
	s.head = make([]byte, 4096)
	n, _ := io.ReadFull(f, s.head)
	s.head = s.head[:n]
	return s
}

// shebang is the first line after the #!, or "" where there is none.
func (s subject) shebang() string {
	text, found := bytes.CutPrefix(s.head, []byte("#!"))
	if !found {
		return ""
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return string(line)
}

// remedies are for what the system says about any program.
var remedies = map[unix.Errno]string{
	unix.E2BIG:   "its arguments and environment together are too large; pass less in variables",
	unix.EAGAIN:  "there are too many processes; the platform allows 1024 with their threads",
	unix.EMFILE:  "there are too many open files; the platform allows 2048",
	unix.ENOMEM:  "there is no memory left; raise the function's memory",
	unix.ETXTBSY: "its file is still being written",
}

func system(cause error) string {
	var errno unix.Errno
	if !errors.As(cause, &errno) {
		return fmt.Sprint(cause)
	}
	text := fmt.Sprintf("%s (%s)", errno.Error(), unix.ErrnoName(errno))
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
	if s.info == nil || !s.info.Mode().IsRegular() || unix.Access(s.path, unix.X_OK) == nil {
		return ""
	}
	name := filepath.Base(s.path)
	text := fmt.Sprintf("%s is not executable. Run chmod +x %s before you make the ZIP, and make the ZIP on Linux or macOS: "+
		"a ZIP made on Windows does not keep the executable bit.", s.path, name)
	if bytes.HasPrefix(s.head, []byte(elfMagic)) {
		return text
	}
	return fmt.Sprintf("%s Or start it by its interpreter: BOOTSTRAP_COMMAND=%s %s, for example.", text, s.likelyInterpreter(), name)
}

// interpreters are the usual ones, by the ending of a script's name.
var interpreters = map[string]string{".js": "node", ".mjs": "node", ".cjs": "node", ".sh": "sh", ".pl": "perl", ".php": "php", ".rb": "ruby"}

// likelyInterpreter is that of the #! line, or what the file's name suggests.
func (s subject) likelyInterpreter() string {
	if line := strings.TrimSpace(s.shebang()); line != "" {
		return strings.TrimPrefix(strings.TrimPrefix(line, "/usr/bin/env "), "-S ")
	}
	if name := interpreters[filepath.Ext(s.path)]; name != "" {
		return name
	}
	return "python3"
}

func emptyFile(s subject) string {
	if s.info == nil || !s.info.Mode().IsRegular() || s.info.Size() > 0 {
		return ""
	}
	return fmt.Sprintf("%s is empty.", s.path)
}

func byteOrderMark(s subject) string {
	if !bytes.HasPrefix(s.head, []byte("\xef\xbb\xbf#!")) {
		return ""
	}
	return fmt.Sprintf("%s begins with a byte order mark (BOM), so the system does not see its #! line. "+
		"Save it as UTF-8 without BOM.", s.path)
}

func carriageReturn(s subject) string {
	if !strings.HasSuffix(s.shebang(), "\r") {
		return ""
	}
	return fmt.Sprintf("%s has Windows line ends (CRLF): the system looks for the interpreter %q. "+
		"Convert it, for example with sed -i 's/\\r$//' %s.",
		s.path, strings.TrimLeft(s.shebang(), " \t"), filepath.Base(s.path))
}

func interpreter(s subject) string {
	words := strings.Fields(s.shebang())
	if len(words) == 0 {
		return ""
	}
	file := words[0]
	if !filepath.IsAbs(file) { // the system looks for it from where the program starts
		file = filepath.Join(s.command.Dir, file)
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Sprintf("%s wants the interpreter %s, which is not here. Name an installed interpreter in its #! line, "+
			"or start the file by its interpreter in BOOTSTRAP_COMMAND.", s.path, words[0])
	}
	// An interpreter from the ZIP can be as broken as any program.
	program := s.command.examine(file, nil)
	for _, look := range []func(subject) string{folder, noPermission, emptyFile, foreignBinary, elf} {
		if finding := look(program); finding != "" {
			return fmt.Sprintf("%s wants the interpreter %s. %s", s.path, words[0], finding)
		}
	}
	if filepath.Base(words[0]) == "env" {
		return s.byEnv(words[1:])
	}
	return ""
}

// byEnv is for a script whose #! line goes on with words after env.
func (s subject) byEnv(words []string) string {
	if len(words) > 1 && !strings.HasPrefix(words[0], "-") && !strings.Contains(words[0], "=") {
		// The kernel hands on all that follows the interpreter as one word.
		return fmt.Sprintf("%s wants the interpreter %q by env, all of it being the name. Write env -S to give it arguments.",
			s.path, strings.Join(words, " "))
	}
	for len(words) > 0 && (strings.HasPrefix(words[0], "-") || strings.Contains(words[0], "=")) {
		words = words[1:]
	}
	if len(words) == 0 || strings.Contains(words[0], "/") || s.command.Path == "" { // without PATH env has one of its own
		return ""
	}
	for _, folder := range filepath.SplitList(s.command.Path) {
		if executable(filepath.Join(folder, words[0])) {
			return ""
		}
	}
	return fmt.Sprintf("%s wants the interpreter %s by env, which is not on the PATH (%s).", s.path, words[0], s.command.Path)
}

func foreignBinary(s subject) string {
	for _, kind := range []struct{ magic, system string }{
		{"MZ", "Windows"},
		{"\xcf\xfa\xed\xfe", "macOS"},
		{"\xca\xfe\xba\xbe", "macOS"},
	} {
		if bytes.HasPrefix(s.head, []byte(kind.magic)) {
			return fmt.Sprintf("%s is a program for %s. Build it for Linux on %s (Go: GOOS=linux GOARCH=%s).",
				s.path, kind.system, runtime.GOARCH, runtime.GOARCH)
		}
	}
	return ""
}

func noShebang(s subject) string {
	if s.info == nil || !s.info.Mode().IsRegular() || len(s.head) == 0 ||
		strings.TrimSpace(s.shebang()) != "" || bytes.HasPrefix(s.head, []byte(elfMagic)) {
		return ""
	}
	if s.cause != nil && !errors.Is(s.cause, unix.ENOEXEC) {
		return ""
	}
	return fmt.Sprintf("%s is neither a Linux program nor a script with a #! line. Make #!/bin/sh (or its interpreter) its "+
		"first line, or start it by its interpreter in BOOTSTRAP_COMMAND.", s.path)
}
