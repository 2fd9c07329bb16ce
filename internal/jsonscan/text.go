package jsonscan

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// WholeRunes is text without the character that its end cuts in two.
func WholeRunes(text []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return text[:len(text)-n]
			}
			break
		}
	}
	return text
}

const hexDigits = "0123456789abcdef"

// AppendText appends valid UTF-8 as the inside of a JSON string, up to where dst has
// grown past limit.
func AppendText(dst, text []byte, limit int) []byte {
	start := 0
	for i, c := range text {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		if len(dst) > limit {
			return dst
		}
	}
	return append(dst, text[start:]...)
}

// Text is the content of a JSON string, or the JSON of anything else; null is nothing. It
// refers to raw where that has no escapes. It is raw itself where that is no JSON.
func Text(raw []byte) []byte {
	if len(raw) > 1 && raw[0] == '"' {
		if content, ok := Unescape(raw[1 : len(raw)-1]); ok {
			return content
		}
		return raw
	}
	if string(bytes.TrimSpace(raw)) == "null" {
		return nil
	}
	return raw
}

// Unescape is the content of a JSON string of which raw is what is between the quotes, and
// false if that is no JSON. It refers to raw where that has no escapes.
func Unescape(raw []byte) (content []byte, ok bool) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw, true
	}
	var s string
	quoted := append(append([]byte{'"'}, raw...), '"')
	err := json.Unmarshal(quoted, &s)
	return []byte(s), err == nil
}
