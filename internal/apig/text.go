package apig

import (
	"encoding/json"
	"strings"

	"fgbootstrap/internal/jsonscan"
)

// stringOf is the content of a JSON string, or the JSON of a number, a boolean or null. It
// refers to raw as long as that has no escapes.
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

// byteSet is the bytes, besides letters and digits, that may stand somewhere.
type byteSet string

const (
	tokenBytes byteSet = "!#$%&'*+-.^_`|~" // RFC 9110, 5.6.2
	pathBytes  byteSet = "-._~!$&'()*+,;=:@/"
	// In a query + and ; have meanings that what the gateway has decoded has not.
	queryBytes byteSet = "-._~"
	hostBytes  byteSet = "-._~!$&'()*+,;=%:[]" // RFC 3986, with a port
)

func (set byteSet) has(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte(string(set), c) >= 0
}

// appendEscaped appends text with every byte that is not in set as %XX.
func appendEscaped(dst, text []byte, set byteSet) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range text {
		if set.has(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

func (set byteSet) holds(text []byte) bool {
	for _, c := range text {
		if !set.has(c) {
			return false
		}
	}
	return len(text) > 0
}

// IsToken tells whether a text can be the name of a header or a method (RFC 9110, 5.6.2).
func IsToken(name []byte) bool { return tokenBytes.holds(name) }

func isHost(name []byte) bool { return hostBytes.holds(name) }

// isFieldValue tells whether a text can be the value of a header: one with a line
// break would be another header, or the end of them all.
func isFieldValue(value []byte) bool {
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
