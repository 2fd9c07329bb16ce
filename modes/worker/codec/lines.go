package codec

import (
	"bytes"
	"encoding/json"
	"io"

	"fgbootstrap/adapter"
)

// lines is one event a line in and one line back, whatever is in it: what
// `while read -r line` understands.
type lines struct{}

func newLines(Options) Codec { return lines{} }

func (lines) Greeting() (line []byte, waits bool) { return nil, false }

func (lines) Awaited() string { return "it has not begun to read its stdin, line after line" }

func (lines) Cancel(string) []byte { return nil }

// Carries refuses what a reader of lines would take for several events.
func (lines) Carries(event []byte) *adapter.Error {
	if bytes.IndexByte(withoutEnd(event), '\n') < 0 || json.Valid(event) {
		return nil
	}
	return notCarried("The event has several lines and is not JSON, and the lines protocol carries one line. " +
		"Send it as JSON, or use pipe mode, which takes any bytes.")
}

func (lines) WriteEvent(w io.Writer, inv *adapter.Invocation) error {
	event := inv.Payload
	if breaks(event) && !json.Valid(event) {
		return writeAll(w, withoutEnd(event), lineEnd)
	}
	if err := writeJSON(w, event); err != nil {
		return err
	}
	return writeAll(w, lineEnd)
}

func (lines) Read(line []byte) (Message, error) {
	if len(line) == 0 {
		return Message{}, nil
	}
	return Message{Kind: Answer, Body: line}, nil
}

var lineEnd = []byte("\n")

// withoutEnd is text without the line end at its end: a text of one line is one
// line with it and without it.
func withoutEnd(text []byte) []byte {
	if line, ended := bytes.CutSuffix(text, lineEnd); ended {
		return bytes.TrimSuffix(line, []byte("\r"))
	}
	return text
}

// breaks tells whether somebody may take text for several lines: some readers do
// at a CR alone.
func breaks(text []byte) bool {
	return bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0
}

// notCarried is the error of an event that a protocol can't carry. No program is
// to blame, but it is the protocol's matter.
func notCarried(message string) *adapter.Error {
	return &adapter.Error{Type: adapter.TypeProtocol, Message: message}
}

func writeAll(w io.Writer, parts ...[]byte) error {
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// writeJSON writes valid JSON on one line, and what does not break as it is.
func writeJSON(w io.Writer, text []byte) error {
	if breaks(text) {
		return writeCompact(w, text)
	}
	return writeAll(w, text)
}

// writeCompact writes valid JSON without the white space between its parts, a run
// at a time: json.Compact would need as much memory again on the heap.
func writeCompact(w io.Writer, text []byte) error {
	for len(text) > 0 {
		if n := blanks(text); n > 0 {
			text = text[n:]
			continue
		}
		n := solid(text)
		if _, err := w.Write(text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

func blanks(text []byte) int { return len(text) - len(bytes.TrimLeft(text, " \t\r\n")) }

// solid is how far text goes without white space outside of strings.
func solid(text []byte) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case ' ', '\t', '\r', '\n':
			return i
		case '"':
			i += stringEnd(text[i:]) - 1
		}
	}
	return len(text)
}

// stringEnd is the length of the JSON string that text begins with.
func stringEnd(text []byte) int {
	for i := 1; i < len(text); i++ {
		n := bytes.IndexAny(text[i:], `"\`)
		if n < 0 {
			break
		}
		if i += n; text[i] == '"' {
			return i + 1
		}
		i++ // what is escaped
	}
	return len(text)
}
