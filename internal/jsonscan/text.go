package jsonscan

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// WholeRunes returns text without an incomplete character at its end.
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

// AppendText appends valid UTF-8 as the inside of a JSON string. It stops once dst has grown past
// limit.
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

// Text returns the content of a JSON string, nil for null, or raw for anything else, also if it
// is not JSON. The content refers to raw if raw has no escapes.
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

// Unescape returns the content of a JSON string; raw is the part between the quotes. It returns
// false if that is not JSON. The content refers to raw if raw has no escapes.
func Unescape(raw []byte) (content []byte, ok bool) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw, true
	}
	var s string
	quoted := append(append([]byte{'"'}, raw...), '"')
	err := json.Unmarshal(quoted, &s)
	return []byte(s), err == nil
}
