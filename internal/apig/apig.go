// Package apig is this program's reading of what an API gateway makes of a request, and its
// writing of the envelope that the gateway makes an answer of. It follows the vendor's
// pages and real captures. The local platform has a reading of its own (platform/gateway):
// each tests the other.
package apig

import (
	"bytes"

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

// IsCall tells whether an event is an API gateway's call.
func IsCall(event []byte) bool {
	_, ok := Read(event)
	return ok
}

// IsEnvelope tells whether a result is what the gateway wants: an object with an integer
// statusCode from 100 to 999.
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

// Begins tells, by the beginning of a result, whether it may be an envelope: it begins with
// a brace. known is false where the beginning is blank.
func Begins(result []byte) (may, known bool) {
	text := bytes.TrimLeft(result, " \t\r\n")
	return len(text) > 0 && text[0] == '{', len(text) > 0
}
