package secret

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// An escape reads the escape that text begins with. It appends what that stands for to out and
// returns how many bytes of text it has, or 0 if it is none. cut says that the end of text may
// have cut it off.
type escape func(out, text []byte) (_ []byte, n int, cut bool)

// spellings are the ways to write single characters in which secrets are looked for, one inside
// another too: JSON in JSON, a URL in JSON. Base64 is not among them; see forms.
var spellings = [...]struct {
	marks string // an escape begins with one of them
	read  escape
	blank bool // it differs from another one by how it writes a blank
}{
	{marks: `\`, read: backslash},
	{marks: `%`, read: percent},
	{marks: `%+`, read: percentOrPlus, blank: true},
	{marks: `&`, read: entity},
}

// depth is how many spellings may be inside one another.
const depth = 2

// view is a text, or another view without its escapes.
type view struct {
	text []byte
	of   *view // nil for the text itself
	// steps are the ends of the escapes, here and in of.
	steps []step
	// open is where an escape begins that the end of the text may have cut off, or len(text).
	open int
}

type step struct{ here, there int }

// original returns the offset in the text itself of an offset here.
func (v *view) original(offset int) int {
	for ; v.of != nil; v = v.of {
		i, exact := slices.BinarySearchFunc(v.steps, offset, func(s step, offset int) int { return s.here - offset })
		switch {
		case exact:
			offset = v.steps[i].there
		case i > 0:
			offset += v.steps[i-1].there - v.steps[i-1].here
		}
	}
	return offset
}

// readings returns what text stands for if there are escapes in it; as a rule there are none. blank
// says that a secret has a blank.
func readings(text []byte, blank bool) []*view {
	if !hasMarks(text, blank) {
		return nil
	}
	return (&view{text: text, open: len(text)}).readings(nil, depth, blank)
}

func hasMarks(text []byte, blank bool) bool {
	for _, s := range spellings {
		if (blank || !s.blank) && bytes.ContainsAny(text, s.marks) {
			return true
		}
	}
	return false
}

// readings appends what v stands for to all.
func (v *view) readings(all []*view, depth int, blank bool) []*view {
	for _, s := range spellings {
		if s.blank && !blank {
			continue
		}
		inside := v.without(s.marks, s.read)
		if inside == nil {
			continue
		}
		all = append(all, inside)
		if depth > 1 {
			all = inside.readings(all, depth-1, blank)
		}
	}
	return all
}

// without returns v without the escapes that begin with one of marks, or nil if it has none.
func (v *view) without(marks string, read escape) *view {
	text := v.text[:v.open]
	i := bytes.IndexAny(text, marks)
	if i < 0 {
		return nil
	}
	out := &view{text: make([]byte, 0, len(text)), of: v, open: -1}
	copied := 0
	for i < len(text) {
		here := len(out.text) + i - copied // where it begins
		decoded, n, cut := read(append(out.text, text[copied:i]...), text[i:])
		if cut && out.open < 0 {
			out.open = here
		}
		if n > 0 {
			out.text = decoded
			copied = i + n
			out.steps = append(out.steps, step{len(decoded), copied})
		}
		i += max(n, 1)
		next := bytes.IndexAny(text[i:], marks)
		if next < 0 {
			break
		}
		i += next
	}
	if copied == 0 && out.open < 0 {
		return nil
	}
	out.text = append(out.text, text[copied:]...)
	if out.open < 0 {
		out.open = len(out.text)
	}
	return out
}

// control are the characters that a backslash and a letter stand for.
var control = [...]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', 'a': '\a'}

// backslash reads \/ \" \n \x2f \u002f as JSON, programming languages and shells write them.
func backslash(out, text []byte) (_ []byte, n int, cut bool) {
	if len(text) < 2 {
		return out, 0, true
	}
	switch c := text[1]; {
	case c == 'u':
		return codeUnits(out, text)
	case c == 'x':
		b, cut := hexadecimal(text, 2, 2)
		if b < 0 {
			return out, 0, cut
		}
		return append(out, byte(b)), 4, false
	case int(c) < len(control) && control[c] != 0:
		return append(out, control[c]), 2, false
	case c < ' ' || c >= 0x7f || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
		return out, 0, false
	default:
		return append(out, c), 2, false
	}
}

// codeUnits reads \u00e9, or two of them for one character.
func codeUnits(out, text []byte) (_ []byte, n int, cut bool) {
	first, cut := hexadecimal(text, 2, 4)
	if first < 0 {
		return out, 0, cut
	}
	if !utf16.IsSurrogate(rune(first)) {
		return utf8.AppendRune(out, rune(first)), 6, false
	}
	rest := text[6:]
	if len(rest) < 6 && bytes.HasPrefix([]byte(`\u`), rest[:min(len(rest), 2)]) {
		return out, 0, true
	}
	if bytes.HasPrefix(rest, []byte(`\u`)) {
		second, _ := hexadecimal(rest, 2, 4)
		if c := utf16.DecodeRune(rune(first), rune(second)); c != utf8.RuneError {
			return utf8.AppendRune(out, c), 12, false
		}
	}
	return utf8.AppendRune(out, utf8.RuneError), 6, false
}

// hexadecimal is the number of that many digits at text[from:], or -1 if it is none; cut says that
// it ends with text.
func hexadecimal(text []byte, from, digits int) (n int, cut bool) {
	if cut = len(text) < from+digits; cut {
		digits = len(text) - from
	}
	for _, c := range text[from : from+digits] {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 + int(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			n = n<<4 + int(c|0x20-'a') + 10
		default:
			return -1, false
		}
	}
	if cut {
		return -1, true
	}
	return n, false
}

// percent reads %2F as URLs have it.
func percent(out, text []byte) (_ []byte, n int, cut bool) {
	c, cut := hexadecimal(text, 1, 2)
	if c < 0 {
		return out, 0, cut
	}
	return append(out, byte(c)), 3, false
}

// percentOrPlus reads what forms have, where a plus is a blank.
func percentOrPlus(out, text []byte) (_ []byte, n int, cut bool) {
	if text[0] == '+' {
		return append(out, ' '), 1, false
	}
	return percent(out, text)
}

var entities = [...]struct{ name, text string }{{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", `"`}, {"apos", "'"}}

// longestEntity is that of &#x10ffff;.
const longestEntity = 10

// entity reads &amp; &#38; &#x26; as HTML has them.
func entity(out, text []byte) (_ []byte, n int, cut bool) {
	begin := text[:min(len(text), longestEntity)]
	end := 1
	for end < len(begin) && (begin[end] == '#' || isWord(begin[end])) {
		end++
	}
	if end == len(begin) || begin[end] != ';' {
		return out, 0, end == len(text)
	}
	name := string(begin[1:end])
	for _, e := range entities {
		if e.name == name {
			return append(out, e.text...), end + 1, false
		}
	}
	if len(name) < 2 || name[0] != '#' {
		return out, 0, false
	}
	digits, base := name[1:], 10
	if digits[0]|0x20 == 'x' {
		digits, base = digits[1:], 16
	}
	c, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return out, 0, false
	}
	return utf8.AppendRune(out, rune(c)), end + 1, false //nolint:gosec // an invalid rune becomes U+FFFD
}
