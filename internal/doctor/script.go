package doctor

import (
	"bytes"
	"errors"
	"fmt"
	pathpkg "path"
	"strings"
	"syscall"
)

// shebang returns the first line after the #!, or "" if there is none.
func (s subject) shebang() string {
	text, found := bytes.CutPrefix(s.head, []byte("#!"))
	if !found {
		return ""
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return string(line)
}

// interpreters are the usual ones by file extension.
var interpreters = map[string]string{
	".py": "python3", ".js": "node", ".mjs": "node", ".cjs": "node", ".sh": "sh", ".bash": "bash", ".pl": "perl", ".php": "php", ".rb": "ruby",
	".lua": "lua", ".tcl": "tclsh", ".awk": "awk -f", ".jq": "jq -f", ".jar": "java -jar",
}

// likelyInterpreter returns the one in the #! line, or what the file's name suggests.
func (s subject) likelyInterpreter() string {
	if line := strings.TrimSpace(s.shebang()); line != "" {
		return strings.TrimPrefix(strings.TrimPrefix(line, "/usr/bin/env "), "-S ")
	}
	if name := interpreters[pathpkg.Ext(s.path)]; name != "" {
		return name
	}
	return "python3"
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
		s.path, strings.TrimLeft(s.shebang(), " \t"), pathpkg.Base(s.path))
}

func interpreter(s subject) string {
	words := strings.Fields(s.shebang())
	if len(words) == 0 {
		return ""
	}
	file := s.command.fromDir(words[0]) // the system looks for it from where the program starts
	if _, err := s.command.world().stat(file); err != nil {
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
	if pathpkg.Base(words[0]) == "env" {
		return s.byEnv(words[1:])
	}
	return ""
}

// byEnv checks a script whose #! line has words after env.
func (s subject) byEnv(words []string) string {
	if len(words) > 1 && !strings.HasPrefix(words[0], "-") && !strings.Contains(words[0], "=") {
		// The kernel passes everything after the interpreter as one word.
		return fmt.Sprintf("%s wants the interpreter %q by env, which takes all of it as the name. Write env -S to give it arguments.",
			s.path, strings.Join(words, " "))
	}
	for len(words) > 0 && (strings.HasPrefix(words[0], "-") || strings.Contains(words[0], "=")) {
		words = words[1:]
	}
	if len(words) == 0 || strings.Contains(words[0], "/") || s.command.Path == "" { // without PATH env has one of its own
		return ""
	}
	for _, folder := range s.command.folders() {
		if s.command.executable(pathpkg.Join(folder, words[0])) {
			return ""
		}
	}
	return fmt.Sprintf("%s wants the interpreter %s by env, which is not on the PATH (%s).", s.path, words[0], s.command.Path)
}

func noShebang(s subject) string {
	if s.info == nil || !s.info.Mode().IsRegular() || len(s.head) == 0 ||
		strings.TrimSpace(s.shebang()) != "" || bytes.HasPrefix(s.head, []byte(elfMagic)) {
		return ""
	}
	if s.cause != nil && !errors.Is(s.cause, syscall.ENOEXEC) {
		return ""
	}
	return fmt.Sprintf("%s is neither a Linux program nor a script with a #! line. Make #!/bin/sh (or its interpreter) its "+
		"first line, or start it by its interpreter in BOOTSTRAP_COMMAND.", s.path)
}
