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
		case Misleads(c):
			quoted := strconv.QuoteRuneToASCII(c)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(text[i : i+size])
		}
		i += size
	}
	return b.String()
}

// isPlain reports whether text is ASCII without control characters but for tabs, as most lines are.
func isPlain(text string) bool {
	for ; len(text) >= 8; text = text[8:] {
		if !areAllPlain(text) && !isEachPlain(text[:8]) {
			return false
		}
	}
	return isEachPlain(text)
}

// areAllPlain looks at the first eight bytes at once; it takes tabs for control characters.
func areAllPlain(text string) bool {
	_ = text[7]
	x := uint64(text[0]) | uint64(text[1])<<8 | uint64(text[2])<<16 | uint64(text[3])<<24 |
		uint64(text[4])<<32 | uint64(text[5])<<40 | uint64(text[6])<<48 | uint64(text[7])<<56
	const ones = 0x0101010101010101
	// The high bit of a byte that is below ' ', is 0x7f or has it already.
	return (x|(x-ones*' ')|(x+ones))&(ones<<7) == 0
}

func isEachPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}

// Misleads reports whether a character is one that Printable escapes.
func Misleads(c rune) bool {
	return c != '\t' && unicode.IsControl(c) || c == '\u2028' || c == '\u2029' || unicode.Is(unicode.Bidi_Control, c)
}
