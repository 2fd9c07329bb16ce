package apig

import (
	"encoding/json"

	"fgbootstrap/internal/jsonscan"
)

// stringOf returns the content of a JSON string, or the JSON of a number, a boolean or null. It
// refers to raw if raw has no escapes.
func stringOf(raw []byte) (content []byte, ok bool) {
	switch raw[0] {
	case '"':
		return jsonscan.Unescape(raw[1 : len(raw)-1])
	case '{', '[':
		return nil, false
	default:
		return raw, json.Valid(raw)
	}
}

// byteSet is a set of bytes.
type byteSet [256]bool

func setOf(others string) (set byteSet) {
	for c := range set {
		set[c] = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	for _, c := range []byte(others) {
		set[c] = true
	}
	return set
}

var (
	tokenBytes = setOf("!#$%&'*+-.^_`|~") // RFC 9110, 5.6.2
	pathBytes  = setOf("-._~!$&'()*+,;=:@/")
	// In a query + and ; have a meaning, which decoded text must not get.
	queryBytes = setOf("-._~")
	hostBytes  = setOf("-._~!$&'()*+,;=%:[]") // RFC 3986, with a port
)

// appendEscaped appends text with every byte that is not in set as %XX.
func appendEscaped(dst, text []byte, set *byteSet) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range text {
		if set[c] {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

func (set *byteSet) holds(text []byte) bool {
	for _, c := range text {
		if !set[c] {
			return false
		}
	}
	return len(text) > 0
}

// IsToken reports whether a text can be the name of a header or a method (RFC 9110, 5.6.2).
func IsToken(name []byte) bool { return tokenBytes.holds(name) }

func isHost(name []byte) bool { return hostBytes.holds(name) }

// isFieldValue reports whether a text can be the value of a header: a line break in it would
// begin another header or end the headers.
func isFieldValue(value []byte) bool {
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
