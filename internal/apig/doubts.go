package apig

import (
	"bytes"
	"strings"

	"fgbootstrap/internal/jsonscan"
)

const envelopeForm = ` The gateway wants {"statusCode":200,"headers":{},"isBase64Encoded":false,"body":"…"} and nothing around it.`

// asText is about a page that its client sees as text.
const asText = "A result looks like HTML and has no type, so the API gateway's client gets it as text/plain. If it is a page, set " +
	"BOOTSTRAP_APIG_TYPE=text/html; charset=utf-8, print the Content-Type in an envelope, or with BOOTSTRAP_PIPE_INPUT=cgi before the page."

// Doubts is a sentence about a result that was probably meant as an envelope and is none, or that
// is one with members that the gateway does not know; else "". It quotes nothing, and most results cost it
// a search at the speed of memory.
func Doubts(result []byte) string {
	if IsEnvelope(result) {
		return unknownMembers(result)
	}
	why := notQuite(result)
	if why == "" {
		return ""
	}
	return "The result looks like an API gateway's envelope but is none: " + why + "." + envelopeForm
}

// unknownMembers is about those that other clouds' gateways know, and about a body that is none.
func unknownMembers(envelope []byte) string {
	var found []string
	text := true
	jsonscan.Object(envelope, func(key, value []byte) {
		switch name := string(key); {
		case name == "body":
			text = startsWith(value, '"') || string(value) == "null"
		case name == "multiValueHeaders" || name == "cookies" && startsWith(value, '['):
			found = append(found, name)
		}
	})
	if !text {
		return "The envelope's body is no JSON string, which the API gateway wants: encode it once more, as a string."
	}
	if len(found) == 0 {
		return ""
	}
	return "The envelope has " + strings.Join(found, " and ") + ", which the API gateway does not know, and the client does not get: " +
		`a header that repeats is a list in headers, such as {"Set-Cookie":["a=1","b=2"]}.`
}

// notQuite says why a result that has something of an envelope is none.
func notQuite(result []byte) string {
	if !mentionsStatus(result) {
		return ""
	}
	text, marked := bytes.CutPrefix(bytes.TrimSpace(result), []byte("\ufeff"))
	begins := len(text) > 0 && (text[0] == '{' || text[0] == '"' || text[0] == '[')
	switch {
	case marked && IsEnvelope(text):
		return "a byte order mark (U+FEFF) stands before it; write UTF-8 without one"
	case startsWith(text, '"') && bytes.Contains(text, []byte(`\"statusCode\"`)):
		return "it is a JSON string that holds the envelope, which was encoded twice"
	case within(text):
		return "there is other text before or after it; print that to stderr"
	case begins && bytes.Contains(text, []byte(`'statusCode'`)):
		return "it is no JSON; in Python print json.dumps(result), not the result"
	}
	why := ""
	whole := jsonscan.Object(text, func(key, value []byte) {
		switch {
		case string(key) == "statusCode" && startsWith(value, '"'):
			why = "its statusCode is a string and must be a number"
		case string(key) == "statusCode":
			why = "its statusCode is not a whole number from 100 to 999"
		case why == "" && isStatus(string(key)):
			why = `its status must be called statusCode, spelt just so`
		}
	})
	if !whole && startsWith(text, '{') {
		return "it is no JSON"
	}
	return why
}

// isStatus reports whether a member may have been meant as the statusCode.
func isStatus(key string) bool {
	return strings.EqualFold(strings.NewReplacer("_", "", "-", "").Replace(key), "statusCode")
}

// mentionsStatus reports whether a result has the name of an envelope's first member in one of its
// usual spellings.
func mentionsStatus(result []byte) bool {
	for _, part := range []string{"tatusCode", "tatuscode", "tatus_code", "tatus-code", "TATUSCODE", "TATUS_CODE"} {
		if bytes.Contains(result, []byte(part)) {
			return true
		}
	}
	return false
}

// within reports whether there is an envelope with other text around it.
func within(text []byte) bool {
	const mostLines = 20 // that were printed before it
	isOne := func(from []byte) bool {
		line, _, _ := bytes.Cut(from, []byte("\n"))
		return IsEnvelope(line) || IsEnvelope(from[:bytes.LastIndexByte(from, '}')+1])
	}
	rest, found := text, true
	for i := 0; i < mostLines && found; i++ {
		if startsWith(rest, '{') && isOne(rest) {
			return true
		}
		_, rest, found = bytes.Cut(rest, []byte("\n"))
	}
	brace := bytes.IndexByte(text, '{') // in the middle of a line
	return brace > 0 && isOne(text[brace:])
}

// Lacks is a sentence about an event that was probably meant as an API gateway's call, and what
// it lacks to be one; else "".
func Lacks(event []byte) string {
	if !bytes.Contains(event[:min(len(event), 64<<10)], []byte(`"httpMethod"`)) && !bytes.Contains(event, []byte(`"requestContext"`)) {
		return ""
	}
	var has [3]bool
	others := 0
	whole := jsonscan.Object(event, func(key, value []byte) {
		switch string(key) {
		case "httpMethod":
			has[0] = startsWith(value, '"')
		case "path":
			has[1] = startsWith(value, '"')
		case "requestContext":
			has[2] = startsWith(value, '{')
		case "headers", "queryStringParameters", "isBase64Encoded":
			others++
		}
	})
	var missing []string
	for i, member := range []string{"httpMethod (a string)", "path (a string)", "requestContext (an object)"} {
		if !has[i] {
			missing = append(missing, member)
		}
	}
	likely := len(missing) == 1 || len(missing) == 2 && others > 0
	if !whole || !likely {
		return ""
	}
	return "The event looks like an API gateway's call, but it lacks " + strings.Join(missing, " and ") + ", and is treated as any other event."
}
