// Package gateway is the API gateway in front of a function: it turns a request into an event and
// an envelope into an answer. It opens no connection. It imports none of our packages, so that
// its reading of the platform's documentation is independent of internal/apig, and each tests the
// other.
package gateway

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Field is a header of an HTTP message.
type Field struct{ Name, Value string }

// Header is the head of an HTTP message without its first line: its fields in the order sent.
type Header []Field

// Request is a request as it arrived at the API gateway.
type Request struct {
	Method string
	Path   string // as sent, percent-encoded; begins with a slash
	Query  string // as sent, without the question mark
	Host   string // host[:port]; may be empty
	Remote string // IP of the client
	Header Header
	Body   []byte // without its transfer coding

	// EncodedPath has the path reach the function as it was sent. The vendor does not say which of
	// the two its gateway does.
	EncodedPath bool
}

type event struct {
	Body            string            `json:"body"`
	RequestContext  eventContext      `json:"requestContext"`
	Query           *object           `json:"queryStringParameters"`
	Method          string            `json:"httpMethod"`
	PathParameters  map[string]string `json:"pathParameters"`
	Headers         *object           `json:"headers"`
	Path            string            `json:"path"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

type eventContext struct {
	APIID     string `json:"apiId"`
	RequestID string `json:"requestId"`
	Stage     string `json:"stage"`
}

// NewEvent returns the event that the gateway makes from a request: the body always in base64,
// header names in lower case, path (see Request.EncodedPath) and query percent-decoded, a repeated query key or header as
// an array. Keys are in the order of their first occurrence, a key's values in theirs. requestID
// is the gateway's own id, which is not the invocation's.
//
// Only what is unambiguous is decoded. A path with a broken escape is an error, as for most
// servers: as text, %zz would become the same as %25zz. In a query a broken escape is taken
// literally, as browsers and most frameworks do; only & separates pairs. JSON carries only UTF-8,
// so other bytes in the path, the query or a header, escaped or not, are an error: the function
// would take a replacement for what was sent.
//
// An event can't carry, and so a function can't see:
//   - which characters of path and query were percent-encoded and how: %2F or a slash, %41 or A, + or %20 (in a query)
//   - a question mark without a query, empty pairs (a&&b), a key without = apart from one with an empty value
//   - where a repeated query key or header stood among the others: a=1&b=2&a=3 is a=1&a=3&b=2
//   - a fragment apart from the path or query (no client sends one), a target with scheme and host (GET http://h/p)
//     apart from the path alone: its host replaces the Host header
//   - the letter case of header names, and the order of different headers if the function's JSON does not keep it;
//     spaces around a value, and folded lines, which become one
//   - headers of the connection: Connection and what it names, Keep-Alive, Proxy-Connection, TE, Trailer,
//     Transfer-Encoding, Upgrade and Expect, so neither WebSockets nor other upgrades
//   - the client's own X-Forwarded-For, -Host, -Port and -Proto, X-Real-IP and X-Request-ID, for the gateway's win
//   - the HTTP version, chunks and their extensions, trailers: the body is there as a whole, with its content-length
//   - the method CONNECT, the target * of OPTIONS, and bytes that are not UTF-8 outside the body: refused
//   - more than the event's limit: base64 leaves about 4.7 MB for a body
func NewEvent(r Request, requestID string) ([]byte, error) {
	if !isToken(r.Method) {
		return nil, fmt.Errorf("method %q is not a token", r.Method)
	}
	path, err := eventPath(r)
	if err != nil {
		return nil, fmt.Errorf("path %q: %w", r.Path, err)
	}
	query, err := decodeQuery(r.Query)
	if err != nil {
		return nil, fmt.Errorf("query %q: %w", r.Query, err)
	}
	headers, err := eventHeaders(r, requestID)
	if err != nil {
		return nil, err
	}
	ev := event{
		Body:            base64.StdEncoding.EncodeToString(r.Body),
		RequestContext:  eventContext{APIID: "00000000-0000-4000-8000-000000000000", RequestID: requestID, Stage: "RELEASE"},
		Query:           query,
		Method:          r.Method,
		PathParameters:  map[string]string{},
		Headers:         headers,
		Path:            path,
		IsBase64Encoded: true,
	}
	text, err := plainJSON(ev)
	if err != nil {
		return nil, fmt.Errorf("APIG event: %w", err)
	}
	return text, nil
}

var errNotUTF8 = errors.New("not UTF-8, and an event can't carry anything else")

func eventPath(r Request) (path string, err error) {
	if !strings.HasPrefix(r.Path, "/") {
		return "", errors.New("a path must begin with a slash")
	}
	if path = r.Path; !r.EncodedPath {
		path, err = url.PathUnescape(r.Path)
	}
	if err == nil && !utf8.ValidString(path) {
		err = errNotUTF8
	}
	return path, err
}

func decodeQuery(s string) (*object, error) {
	query := &object{}
	for pair := range strings.SplitSeq(s, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		key, value = decodeForm(key), decodeForm(value)
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return nil, errNotUTF8
		}
		query.add(key, value)
	}
	return query, nil
}

// decodeForm decodes a key or value of a query. An invalid escape stays as it is.
func decodeForm(s string) string {
	if !strings.ContainsAny(s, "+%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' {
			c = ' '
		}
		if c == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				c = byte(v)
				i += 2
			}
		}
		b = append(b, c)
	}
	return string(b)
}
