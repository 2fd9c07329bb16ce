package codec

import (
	"bytes"
	"io"
	"unicode/utf8"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/jsonscan"
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
	if bytes.IndexByte(withoutEnd(event), '\n') < 0 || jsonscan.Valid(event) {
		return nil
	}
	return notCarried("The event has several lines and is not JSON, and the lines protocol carries one line. " +
		"Send it as JSON, or use pipe mode, which takes any bytes.")
}

func (lines) WriteEvent(w io.Writer, inv *adapter.Invocation) error {
	event := inv.Payload
	if (breaks(event) || separated(event)) && !jsonscan.Valid(event) {
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

// writeJSON writes valid JSON on one line, for readers of any kind: of what some of them take
// for the end of a line, white space between the parts goes, and U+0085, U+2028 and U+2029,
// which can only be in strings, are escaped there: Node's readline ends a line at the last
// two, Python's str.splitlines at all three.
func writeJSON(w io.Writer, text []byte) error {
	put := writePlain
	if separated(text) {
		put = writeEscaped
	}
	if breaks(text) {
		return writeCompact(w, text, put)
	}
	return put(w, text)
}

// separators end a line for some readers, though not in JSON.
var separators = map[string]string{"\u0085": `\u0085`, "\u2028": `\u2028`, "\u2029": `\u2029`}

// separated reports whether text has one of the separators.
func separated(text []byte) bool {
	return bytes.Contains(text, []byte("\u0085")) || bytes.Contains(text, []byte("\u2028")) || bytes.Contains(text, []byte("\u2029"))
}

func writePlain(w io.Writer, text []byte) error { return writeAll(w, text) }

// writeEscaped writes JSON, or a part of it, with the separators escaped.
func writeEscaped(w io.Writer, text []byte) error {
	start := 0
	for i := 0; i < len(text); i++ {
		if text[i] != 0xc2 && text[i] != 0xe2 {
			continue
		}
		_, size := utf8.DecodeRune(text[i:])
		if escape := separators[string(text[i:i+size])]; escape != "" {
			if err := writeAll(w, text[start:i], []byte(escape)); err != nil {
				return err
			}
			start = i + size
		}
		i += size - 1
	}
	return writeAll(w, text[start:])
}

// writeCompact writes valid JSON without the white space between its parts, a run
// at a time: json.Compact would need as much memory again on the heap.
func writeCompact(w io.Writer, text []byte, put func(io.Writer, []byte) error) error {
	for len(text) > 0 {
		if n := blanks(text); n > 0 {
			text = text[n:]
			continue
		}
		n := solid(text)
		if err := put(w, text[:n]); err != nil {
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
