// Package apig reads the event that an API gateway makes from a request, and writes the envelope
// that the gateway turns into an answer. It follows the vendor's pages and real captures. The
// local platform has an implementation of its own (platform/gateway): each tests the other.
package apig

import (
	"bytes"

	"fgbootstrap/internal/jsonscan"
)

// Call holds the members of an API gateway's call as raw JSON, strings with their quotes; nil if
// a member is missing.
type Call struct{ Method, Path, Query, Headers, Body, IsBase64, Context []byte }

// Read reports whether an event is an API gateway's call: an object with the strings httpMethod
// and path and the object requestContext. call refers to event's memory.
func Read(event []byte) (call Call, ok bool) {
	if !bytes.Contains(event, []byte(`"requestContext"`)) {
		return call, false // most events; a scan at the speed of memory
	}
	members := map[string]*[]byte{
		"httpMethod": &call.Method, "path": &call.Path, "requestContext": &call.Context,
		"queryStringParameters": &call.Query, "headers": &call.Headers, "body": &call.Body, "isBase64Encoded": &call.IsBase64,
	}
	whole := jsonscan.Object(event, func(key, value []byte) {
		if member := members[string(key)]; member != nil {
			*member = value
		}
	})
	return call, whole && startsWith(call.Method, '"') && startsWith(call.Path, '"') && startsWith(call.Context, '{')
}

func startsWith(text []byte, c byte) bool { return len(text) > 0 && text[0] == c }

// IsCall reports whether an event is an API gateway's call.
func IsCall(event []byte) bool {
	_, ok := Read(event)
	return ok
}

// IsEnvelope reports whether a result is what the gateway wants: an object with an integer
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

// Begins reports, by the beginning of a result, whether it may be an envelope: it begins with a
// brace. known is false if the beginning is blank.
func Begins(result []byte) (may, known bool) {
	text := bytes.TrimLeft(result, " \t\r\n")
	return len(text) > 0 && text[0] == '{', len(text) > 0
}
