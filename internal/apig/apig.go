package apig

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"

	"fgbootstrap/internal/jsonscan"
)

// Call is what an API gateway's call has that can be asked for, as JSON: raw,
// strings with their quotes, nil where it is not there.
type Call struct{ Method, Path, Query, Headers, Body, IsBase64 []byte }

// Read tells whether an event is an API gateway's call: an object with string
// httpMethod and path and an object requestContext. What it returns refers to event.
func Read(event []byte) (call Call, ok bool) {
	if !bytes.Contains(event, []byte(`"requestContext"`)) {
		return call, false // most events; a scan at the speed of memory
	}
	var context []byte
	members := map[string]*[]byte{
		"httpMethod": &call.Method, "path": &call.Path, "requestContext": &context,
		"queryStringParameters": &call.Query, "headers": &call.Headers, "body": &call.Body, "isBase64Encoded": &call.IsBase64,
	}
	whole := jsonscan.Object(event, func(key, value []byte) {
		if member := members[string(key)]; member != nil {
			*member = value
		}
	})
	return call, whole && startsWith(call.Method, '"') && startsWith(call.Path, '"') && startsWith(context, '{')
}

func startsWith(text []byte, c byte) bool { return len(text) > 0 && text[0] == c }

func IsCall(event []byte) bool {
	_, ok := Read(event)
	return ok
}

// IsEnvelope tells whether a result is what the gateway wants: an object with
// an integer statusCode from 100 to 999.
func IsEnvelope(result []byte) bool {
	status := false
	whole := jsonscan.Object(result, func(key, value []byte) {
		if string(key) == "statusCode" {
			status = len(value) == 3 && value[0] >= '1' && value[0] <= '9' && digit(value[1]) && digit(value[2])
		}
	})
	return whole && status
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// The envelope of a result that is none. Written by hand, because the body may
// have 6 MB and goes into memory that is not on the heap.
const (
	EnvelopeHead   = `{"statusCode":200,"headers":{"Content-Type":"`
	EnvelopeText   = `"},"isBase64Encoded":false,"body":"`
	EnvelopeBinary = `"},"isBase64Encoded":true,"body":"`
	EnvelopeTail   = `"}`
)

// AppendEnvelope puts result, of no more than limit bytes, into an envelope, in
// base64 if binary or if it is no text, and appends that to dst. Text stops once dst has grown past limit, base64 takes a
// third more: so it never exceeds twice the limit and the envelope itself.
func AppendEnvelope(dst, result []byte, binary bool, limit int) []byte {
	dst = append(dst, EnvelopeHead...)
	dst = append(dst, ContentType(result)...)
	if !binary && utf8.Valid(result) {
		dst = append(dst, EnvelopeText...)
		dst = AppendJSONText(dst, result, limit)
		return append(dst, EnvelopeTail...)
	}
	dst = append(dst, EnvelopeBinary...)
	dst = base64.StdEncoding.AppendEncode(dst, result)
	return append(dst, EnvelopeTail...)
}

const hexDigits = "0123456789abcdef"

// AppendJSONText appends valid UTF-8 as the inside of a JSON string, up to where dst has
// grown past limit.
func AppendJSONText(dst, text []byte, limit int) []byte {
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

// ContentType is what a browser should take result for.
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
