package apig

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"fgbootstrap/internal/jsonscan"
)

const (
	// contextHeader carries the event's requestContext as JSON.
	contextHeader = "X-Bootstrap-Request-Context"
	// maxContext is its most bytes. Some servers take 8 KB of a header, Node 16 KB of all.
	maxContext = 4 << 10
)

// ofContext lists the headers that the vendor's HTTP functions get from a member of
// requestContext.
var ofContext = []struct{ member, header string }{
	{"apiId", "X-Apig-Api-Id"}, {"requestId", "X-Apig-Request-Id"}, {"sourceIp", "X-Apig-Source-Ip"}, {"stage", "X-Apig-Source-Stage"},
}

// readContext adds the headers that the event's requestContext becomes.
func (r *Request) readContext(raw []byte) {
	values := make([][]byte, len(ofContext)) // of two members with one name the last counts
	empty := true
	jsonscan.Object(raw, func(key, value []byte) {
		empty = false
		for i, row := range ofContext {
			if string(key) == row.member {
				values[i] = value
			}
		}
	})
	for i, row := range ofContext {
		if values[i] == nil || string(values[i]) == "null" {
			continue
		}
		if text, ok := stringOf(values[i]); ok && len(text) > 0 && len(text) <= maxContext && IsFieldValue(text) {
			r.Fields = append(r.Fields, Field{[]byte(row.header), text})
		}
	}
	if empty {
		return
	}
	if r.context = appendCompact(r.context, raw); len(r.context) > 0 {
		r.Fields = append(r.Fields, Field{[]byte(contextHeader), r.context})
	} else if r.LeftOut == "" {
		r.LeftOut = fmt.Sprintf("its requestContext, which is not JSON or longer than %d KB and so not in %s", maxContext>>10, contextHeader)
	}
}

// appendCompact appends JSON without blanks and in ASCII. It returns dst[:0] if that is more than
// maxContext, or raw is not JSON.
func appendCompact(dst, raw []byte) []byte {
	if len(raw) > 8*maxContext || !jsonscan.Valid(raw) {
		return dst[:0]
	}
	inString := false
	for i := 0; i < len(raw) && len(dst) <= maxContext; {
		c, width := rune(raw[i]), 1
		switch {
		case c == '\\': // never outside a string
			dst = append(dst, raw[i:i+2]...)
			width = 2
		case c > '~': // DEL too, which a header can't hold
			c, width = utf8.DecodeRune(raw[i:])
			dst = appendRune(dst, c)
		case c > ' ' || inString:
			inString = inString != (c == '"')
			dst = append(dst, raw[i])
		}
		i += width
	}
	if len(dst) > maxContext {
		return dst[:0]
	}
	return dst
}

// appendRune appends a character as JSON's \uXXXX, one or two.
func appendRune(dst []byte, c rune) []byte {
	if high, low := utf16.EncodeRune(c); high != utf8.RuneError {
		return fmt.Appendf(dst, `\u%04x\u%04x`, high, low)
	}
	return fmt.Appendf(dst, `\u%04x`, c)
}
