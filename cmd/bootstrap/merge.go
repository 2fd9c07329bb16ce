package main

import (
	"bytes"
	"cmp"
	"math"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"fgbootstrap/internal/jsonscan"
	"fgbootstrap/internal/secret"

	"go.uber.org/zap/zapcore"
)

// mergingCore writes a message that is a JSON object as a line of its own, with what that lacks,
// and any other message as the core of a JSON log does. docs/adr/0020 has the rules.
type mergingCore struct {
	zapcore.Core
	sink zapcore.WriteSyncer
	free sync.Pool // of *object
}

func (c *mergingCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c *mergingCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if begin := strings.TrimLeft(e.Message, " \t\r\n"); begin == "" || begin[0] != '{' {
		return c.Core.Write(e, fields)
	}
	o, _ := c.free.Get().(*object)
	if o == nil {
		o = &object{}
	}
	defer c.free.Put(o)
	if !o.read(e.Message) {
		return c.Core.Write(e, fields)
	}
	id := ""
	for _, f := range fields {
		if f.Key == requestID {
			id = f.String
		}
	}
	_, err := c.sink.Write(o.merge(e, id))
	return err
}

// object is a program's log line that is one. It is reused.
type object struct {
	text    []byte // as the program wrote it
	members []member
	line    []byte // of the log
}

// member is one of an object, its key in raw JSON without the quotes, its value in raw JSON.
type member struct {
	name, key, value []byte // name is key without escapes
	dropped          bool
}

// read reads a message that begins like an object. It returns false if it is not one from end to
// end.
func (o *object) read(message string) bool {
	o.text, o.members = append(o.text[:0], message...), o.members[:0]
	if !jsonscan.Valid(o.text) {
		return false
	}
	jsonscan.Object(tamed(o.text), func(key, value []byte) {
		name, _ := jsonscan.Unescape(key) // it is valid
		o.members = append(o.members, member{name: name, key: key, value: value})
	})
	o.dropRepeated()
	return true
}

// tamed returns valid JSON with the same meaning in UTF-8 and on one line: without the line ends
// between its tokens, and with those characters escaped that could make it look like another line.
func tamed(text []byte) []byte {
	if isTame(text) {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRune(text[i:])
		switch {
		case c == '\r' || c == '\n': // never in a string
		case c >= utf8.RuneSelf-1 && secret.Misleads(c): // all below U+10000
			out = append(out, '\\', 'u', hex[c>>12], hex[c>>8&15], hex[c>>4&15], hex[c&15])
		default:
			out = utf8.AppendRune(out, c) // U+FFFD for what is no character
		}
		i += size
	}
	return out
}

const hex = "0123456789abcdef"

// isTame reports whether text is ASCII on one line, as most is.
func isTame(text []byte) bool {
	for _, c := range text {
		if c >= 0x7f || c == '\n' || c == '\r' {
			return false
		}
	}
	return true
}

// few is how many members are compared each with each.
const few = 16

// dropRepeated leaves the last of several members with one name, which is the one that counts for
// nearly all readers; some take no object with two.
func (o *object) dropRepeated() {
	if len(o.members) > few {
		last := make(map[string]int, len(o.members))
		for i, m := range o.members {
			last[string(m.name)] = i
		}
		for i, m := range o.members {
			o.members[i].dropped = last[string(m.name)] != i
		}
		return
	}
	for i := range o.members {
		for _, later := range o.members[i+1:] {
			if bytes.Equal(o.members[i].name, later.name) {
				o.members[i].dropped = true
				break
			}
		}
	}
}

// find returns the member of that name, or nil.
func (o *object) find(name string) *member {
	for i := range o.members {
		if m := &o.members[i]; !m.dropped && string(m.name) == name {
			return m
		}
	}
	return nil
}

// rename gives what the program says in place of ours another name, unless it uses that, too.
func (o *object) rename(m *member, name string) {
	if m == nil {
		return
	}
	if o.find(name) != nil {
		m.dropped = true
		return
	}
	m.name, m.key = []byte(name), []byte(name)
}

// merge returns the object as a line of the log, with the request id of its event; "" is none. It
// is valid until the next read.
func (o *object) merge(e zapcore.Entry, id string) []byte {
	line := append(append(o.line[:0], `{"level":`...), o.level(e.Level)...)
	line = o.appendTime(append(line, `,"time":`...), e.Time)
	line = o.appendID(line, id)
	for _, m := range o.members {
		if !m.dropped {
			line = append(append(append(append(line, `,"`...), m.key...), `":`...), m.value...)
		}
	}
	o.line = append(line, "}\n"...)
	return o.line
}

func (o *object) appendTime(line []byte, now time.Time) []byte {
	said := o.find("time")
	if said != nil && isScalar(said.value) {
		said.dropped = true
		return append(line, said.value...)
	}
	o.rename(said, "programTime")
	return append(now.UTC().AppendFormat(append(line, '"'), timeLayout), '"')
}

// appendID appends the member with the id of the event, which no program may forge.
func (o *object) appendID(line []byte, id string) []byte {
	said := o.find(requestID)
	if said != nil && id != "" && string(jsonscan.Text(said.value)) == id {
		said.dropped = true
	} else {
		o.rename(said, "programRequestId")
	}
	if id == "" {
		return line
	}
	return appendString(append(line, `,"`+requestID+`":`...), id)
}

func appendString(dst []byte, text string) []byte {
	valid := bytes.ToValidUTF8([]byte(text), []byte("\ufffd"))
	return append(jsonscan.AppendText(append(dst, '"'), valid, math.MaxInt), '"')
}

// levels are the words and numbers by which programs call ours. The numbers are those of pino and
// bunyan.
var levels = map[string]string{
	"trace": `"TRACE"`, "10": `"TRACE"`,
	"debug": `"DEBUG"`, "20": `"DEBUG"`,
	"info": `"INFO"`, "information": `"INFO"`, "informational": `"INFO"`, "notice": `"INFO"`, "30": `"INFO"`,
	"warn": `"WARN"`, "warning": `"WARN"`, "40": `"WARN"`,
	"error": `"ERROR"`, "err": `"ERROR"`, "50": `"ERROR"`,
	"fatal": `"FATAL"`, "critical": `"FATAL"`, "crit": `"FATAL"`, "panic": `"FATAL"`, "emergency": `"FATAL"`, "60": `"FATAL"`,
}

// otherLevels are further names of a member with the level.
var otherLevels = []string{"severity", "levelname", "lvl"}

// level returns the object's level as JSON, in our spelling if that is known; if it has none,
// that of its entry.
func (o *object) level(otherwise zapcore.Level) string {
	said := o.find("level")
	if said != nil && isScalar(said.value) {
		said.dropped = true
		return cmp.Or(knownLevel(said.value), string(said.value))
	}
	o.rename(said, "programLevel")
	for _, name := range otherLevels {
		if m := o.find(name); m != nil {
			if known := knownLevel(m.value); known != "" {
				return known
			}
		}
	}
	return `"` + otherwise.CapitalString() + `"`
}

// longestLevel bounds what is looked up.
const longestLevel = 16

func knownLevel(value []byte) string {
	text := jsonscan.Text(value)
	if len(text) > longestLevel {
		return ""
	}
	return levels[strings.ToLower(string(text))]
}

// isScalar reports whether a value is a text that is not empty, or a number.
func isScalar(value []byte) bool {
	return len(value) > 2 && value[0] == '"' || value[0] == '-' || value[0] >= '0' && value[0] <= '9'
}
