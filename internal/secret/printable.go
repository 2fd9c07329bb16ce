package secret

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable returns text with those characters escaped, as Go does it, that could make it look
// like another line, or change how it looks: control characters except for tabs, line separators,
// and what changes the direction of writing. It returns text itself if it has none.
func Printable(text string) string {
	if isPlain(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case size == 1 && c == utf8.RuneError && text[i] < 0xa0: // in a terminal that takes bytes
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case misleads(c):
			quoted := strconv.QuoteRuneToASCII(c)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(text[i : i+size])
		}
		i += size
	}
	return b.String()
}

// isPlain reports whether text is ASCII without control characters, as most lines are.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}

func misleads(c rune) bool {
	return c != '\t' && unicode.IsControl(c) || c == '\u2028' || c == '\u2029' || unicode.Is(unicode.Bidi_Control, c)
}
