package config

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// functionEnv is fgdev's file for variables. In the cloud nobody reads it.
	functionEnv = "function.env"
	// functionEnvBytes is how much of it is looked at: sixteen times what all variables of a
	// function may have.
	functionEnvBytes = 64 << 10
)

// decisive are the settings without which another program runs than the author meant, or in
// another way.
var decisive = [...]string{"BOOTSTRAP_MODE", "BOOTSTRAP_COMMAND", "BOOTSTRAP_PIPE_INPUT", "BOOTSTRAP_WORKER_PROTOCOL", "BOOTSTRAP_HTTP_PORT", "BOOTSTRAP_HTTP_SOCKET"}

// undelivered says in a sentence, without its end, which decisive settings the function.env in
// root has that nobody handed to us; "" if there are none, or the file can't be read. It shows no
// value. fgdev hands all of them on.
func (r *report) undelivered(root string) string {
	if _, err := decodeUserData(r.vars[userData]); err != nil && strings.TrimSpace(r.vars[userData]) != "" {
		return "" // then nobody knows what was handed to us
	}
	var names []string
	set := namesIn(readSmall(filepath.Join(root, functionEnv)))
	for _, name := range decisive {
		if _, here := r.vars[name]; !here && slices.Contains(set, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	list := strings.Join(names, ", ")
	return functionEnv + " sets " + list + ", but the function's variables don't: " + functionEnv + " is read by fgdev only; set " + list + " in the console"
}

// readSmall returns the beginning of a regular file, or nothing if it can't be read. Opening
// anything else might wait forever.
func readSmall(path string) []byte {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	text, _ := io.ReadAll(io.LimitReader(f, functionEnvBytes))
	return text
}

// namesIn lists the variables that a dotenv file gives a value. It takes what fgdev takes: export,
// a colon for the =, comments, values in quotes over several lines.
func namesIn(text []byte) (names []string) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	for {
		text = bytes.TrimLeft(text, " \t\r\n")
		if len(text) == 0 {
			return names
		}
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		end := bytes.IndexAny(line, "=:")
		if line[0] == '#' || end < 0 {
			text = rest
			continue
		}
		name := strings.TrimSpace(strings.TrimPrefix(string(line[:end]), "export "))
		value := bytes.TrimLeft(text[end+1:], " \t\r")
		if n := quotedLength(value); n > 0 {
			if n > 2 {
				names = append(names, name)
			}
			text = value[n:]
			continue
		}
		if value = bytes.TrimSpace(line[end+1:]); len(value) > 0 && value[0] != '#' {
			names = append(names, name)
		}
		text = rest
	}
}

// quotedLength is the length of the quoted value that text begins with, 0 if it begins with none.
func quotedLength(text []byte) int {
	if len(text) == 0 || text[0] != '"' && text[0] != '\'' {
		return 0
	}
	for i := 1; i < len(text); i++ {
		if text[i] == text[0] && text[i-1] != '\\' {
			return i + 1
		}
	}
	return 0
}
