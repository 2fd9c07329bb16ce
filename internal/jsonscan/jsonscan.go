// Package jsonscan reads the outermost structure of JSON (RFC 8259) without decoding it, at a
// speed of gigabytes a second, tells whether a text is JSON, and writes text and bytes as JSON
// strings. It builds no values.
package jsonscan

import "bytes"

// Object calls member for each member of the JSON object that text is, with the raw key (without
// its quotes, escapes not resolved) and the raw value, and reports whether text is one object
// from end to end. It looks only at the outermost structure, so that 6 MB take well under a
// millisecond. It does not look inside values.
func Object(text []byte, member func(key, value []byte)) bool {
	s := scanner{rest: text}
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return s.atEnd()
	}
	for {
		key, ok := s.value()
		if !ok || key[0] != '"' || !s.take(':') {
			return false
		}
		value, ok := s.value()
		if !ok {
			return false
		}
		member(key[1:len(key)-1], value)
		if s.take('}') {
			return s.atEnd()
		}
		if !s.take(',') {
			return false
		}
	}
}

// Array does the same for an array and its elements.
func Array(text []byte, element func(value []byte)) bool {
	s := scanner{rest: text}
	if !s.take('[') {
		return false
	}
	if s.take(']') {
		return s.atEnd()
	}
	for {
		value, ok := s.value()
		if !ok {
			return false
		}
		element(value)
		if s.take(']') {
			return s.atEnd()
		}
		if !s.take(',') {
			return false
		}
	}
}

type scanner struct{ rest []byte }

func (s *scanner) space() {
	s.rest = s.rest[spaceEnd(s.rest, 0):]
}

func (s *scanner) atEnd() bool {
	s.space()
	return len(s.rest) == 0
}

func (s *scanner) take(c byte) bool {
	s.space()
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// value takes one value, whatever its kind.
func (s *scanner) value() ([]byte, bool) {
	s.space()
	if len(s.rest) == 0 {
		return nil, false
	}
	n := 0
	switch s.rest[0] {
	case '"':
		n = stringLen(s.rest)
	case '{', '[':
		n = nestedLen(s.rest)
	default:
		n = bytes.IndexAny(s.rest, " \t\r\n,:]}\"{[")
		if n < 0 {
			n = len(s.rest)
		}
	}
	if n <= 0 {
		return nil, false
	}
	value := s.rest[:n]
	s.rest = s.rest[n:]
	return value, true
}

// stringLen is the length of the string that text begins with, quotes
// included, or 0 if it does not end.
func stringLen(text []byte) int {
	for i := 1; ; i++ {
		n := bytes.IndexByte(text[i:], '"')
		if n < 0 {
			return 0
		}
		i += n
		escapes := 0
		for text[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i + 1
		}
	}
}

// nestedLen is the length of the object or array that text begins with, or 0.
func nestedLen(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			n := stringLen(text[i:])
			if n == 0 {
				return 0
			}
			i += n - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}
