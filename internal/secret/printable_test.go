package secret

import "testing"

func TestNoCharacterMakesALineLookLikeAnother(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "",
		"plain, with a\ttab": "plain, with a\ttab",
		"é 函数 👩‍👩‍👧 \u00a0 stay": "é 函数 👩‍👩‍👧 \u00a0 stay",
		"10 %\r20 %\r":              `10 %\r20 %\r`,
		"\x1b[31mred\x1b[0m":        `\x1b[31mred\x1b[0m`,
		"\x00\a\b\v\f\x7f":          `\x00\a\b\v\f\x7f`,
		"next\u0085line":            `next\u0085line`,
		"line\u2028and\u2029par":    `line\u2028and\u2029par`,
		"\u202egnp.exe\u2066\u200f": `\u202egnp.exe\u2066\u200f`,
		"\x9b31m in one byte":       `\x9b31m in one byte`,
		"latin \xe9, GBK \xba\xaf":  "latin \xe9, GBK \xba\xaf",
		"\ufffd stays":              "\ufffd stays",
	} {
		if got := Printable(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}
