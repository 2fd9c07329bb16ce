package secret

import (
	"bytes"

	"fgbootstrap/internal/jsonscan"
)

// formNames are the names by which readers of logs find their way. They tell nothing, and a line
// without them could not be told from another: a variable may have such a word as its value.
var formNames = map[string]bool{
	`"time"`: true, `"level"`: true, `"message"`: true, `"msg"`: true, `"requestId"`: true,
}

// Object returns text without secrets, as Bytes does, but a JSON object stays one: of its strings,
// keys among them, only what is inside is masked, and a number that is a secret becomes a string.
// If that is not possible, because a secret reaches over several values, it returns what Bytes does.
func (k *Keyring) Object(text []byte) []byte {
	masked := k.Bytes(text)
	if bytes.Equal(masked, text) || !isObject(text) {
		return masked
	}
	kept := make([]byte, 0, len(text))
	// rest is what may hold a secret still: all but the names that were left as they are.
	rest := make([]byte, 0, len(text))
	tail := jsonscan.Scalars(text, func(before, raw []byte, depth int, key bool) {
		kept, rest = append(kept, before...), append(rest, before...)
		if key && depth == 1 && formNames[string(raw)] {
			kept, rest = append(kept, raw...), append(rest, `""`...)
			return
		}
		raw = k.scalar(raw)
		kept, rest = append(kept, raw...), append(rest, raw...)
	})
	kept, rest = append(kept, tail...), append(rest, tail...)
	if !bytes.Equal(k.Bytes(rest), rest) {
		return masked
	}
	return kept
}

func isObject(text []byte) bool {
	for _, c := range text {
		if c > ' ' {
			return c == '{' && jsonscan.Valid(text)
		}
	}
	return false
}

// scalar returns a JSON string, number or the like without secrets, as JSON.
func (k *Keyring) scalar(raw []byte) []byte {
	masked := k.Bytes(raw)
	if bytes.Equal(masked, raw) {
		return raw
	}
	if raw[0] == '"' {
		masked = append(append([]byte{'"'}, k.Bytes(raw[1:len(raw)-1])...), '"')
	}
	if !jsonscan.Valid(masked) { // a number, or half of an escape
		return []byte(`"` + maskText + `"`)
	}
	return masked
}
