package apig

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// ContentType returns the Content-Type that a browser should use for result.
func ContentType(result []byte) string {
	switch {
	case !utf8.Valid(result):
		return "application/octet-stream"
	case startsLikeHTML(result):
		return "text/html; charset=utf-8"
	case json.Valid(result):
		return "application/json"
	default:
		return "text/plain; charset=utf-8"
	}
}

// htmlStarts are the tags by which browsers know HTML (the WHATWG's MIME
// sniffing table).
var htmlStarts = []string{
	"!doctype html", "html", "head", "script", "iframe", "h1", "div", "font", "table",
	"a", "style", "title", "b", "body", "br", "p", "!--",
}

func startsLikeHTML(text []byte) bool {
	text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n\f")
	if len(text) == 0 || text[0] != '<' {
		return false
	}
	text = text[1:]
	for _, tag := range htmlStarts {
		if len(text) <= len(tag) || !bytes.EqualFold(text[:len(tag)], []byte(tag)) {
			continue
		}
		if c := text[len(tag)]; tag == "!--" || bytes.IndexByte([]byte(" \t\r\n\f>"), c) >= 0 {
			return true
		}
	}
	return false
}
