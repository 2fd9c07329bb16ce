package apig

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"fgbootstrap/internal/jsonscan"
)

// Request is an HTTP request as an event describes it. It refers to the event, and may be
// used for one after the other.
type Request struct {
	Method []byte
	Target []byte // path and query, percent-encoded, beginning with a slash
	Host   []byte // nil: the event names none
	Fields []Field
	Body   Body
}

// Reading says how a call becomes a request.
type Reading struct {
	// Prefix is taken off the path, once.
	Prefix string
	// IsOurs tells whether a header is one that only the platform's word is taken for. It
	// gets the name in lower case, with - for whatever is neither letter nor digit: to WSGI
	// and CGI _ is the same, to some of them anything is.
	IsOurs func(name string) bool
}

// refused is why an event is no HTTP request. Values are not quoted in it: they may be
// secrets.
func refused(format string, args ...any) error { return fmt.Errorf(format, args...) }

// Read makes the request of an API gateway's call. The error says why HTTP
// can't carry it, half a sentence about the event: "its … is …".
func (r *Request) Read(call Call, how Reading) error {
	r.Reset()
	var ok bool
	if r.Method, ok = stringOf(call.Method); !ok || !IsToken(r.Method) {
		return refused("its httpMethod is no HTTP method")
	}
	if string(r.Method) == "CONNECT" {
		return refused("its httpMethod is CONNECT, which asks for a tunnel")
	}
	path, ok := stringOf(call.Path)
	if !ok {
		return refused("its path is no JSON string")
	}
	r.Target = appendPath(r.Target, strip(path, how.Prefix))
	if err := r.readQuery(call.Query); err != nil {
		return err
	}
	if err := r.readHeaders(call.Headers, how.IsOurs); err != nil {
		return err
	}
	return r.Body.read(call.Body, call.IsBase64)
}

// Reset forgets the request before, but not the memory that it had.
func (r *Request) Reset() {
	r.Method, r.Host, r.Target = nil, nil, r.Target[:0]
	clear(r.Fields) // they refer to it
	r.Fields = r.Fields[:0]
	r.Body.reset()
}

// strip takes prefix off path once, if path ends there or goes on with a slash.
func strip(path []byte, prefix string) []byte {
	if rest, found := bytes.CutPrefix(path, []byte(prefix)); found && (len(rest) == 0 || rest[0] == '/') {
		return rest
	}
	return path
}

// appendPath appends a path, percent-encoded anew: the gateway has decoded it. It
// always begins with a slash, so that nothing in it can pass for a host.
func appendPath(dst, path []byte) []byte {
	if len(path) == 0 || path[0] != '/' {
		dst = append(dst, '/')
	}
	return appendEscaped(dst, path, pathBytes)
}

func (r *Request) readQuery(raw []byte) error {
	separator := byte('?')
	return eachText(raw, "queryStringParameters", func(key, value []byte) error {
		r.Target = append(r.Target, separator)
		separator = '&'
		r.Target = appendEscaped(r.Target, key, queryBytes)
		r.Target = append(r.Target, '=')
		r.Target = appendEscaped(r.Target, value, queryBytes)
		return nil
	})
}

// ofConnection are the headers that are about a connection, which is ours, and about the
// length of the body, which is known. What Connection names besides is not looked at:
// it was for the gateway, and a client could take the gateway's own headers away so.
var ofConnection = map[string]bool{
	"connection": true, "content-length": true, "expect": true, "http2-settings": true, "keep-alive": true,
	"proxy-connection": true, "te": true, "trailer": true, "transfer-encoding": true, "upgrade": true,
}

// OfConnection tells whether a header, its name in lower case, is about a connection and not
// about what goes over it.
func OfConnection(name string) bool { return ofConnection[name] }

func (r *Request) readHeaders(raw []byte, isOurs func(string) bool) error {
	return eachText(raw, "headers", func(name, value []byte) error {
		value = bytes.Trim(value, " \t")
		lower := strings.ToLower(string(name))
		switch {
		case !IsToken(name):
			return refused("%.100q is no name of an HTTP header", name)
		case !isFieldValue(value):
			return refused("its header %.100q has a line break or another control character in its value", name)
		case lower == "upgrade" && strings.Contains(strings.ToLower(string(value)), "websocket"):
			return refused("it asks for a websocket, and a function answers one request at a time; let the page poll instead, " +
				"or serve the websocket from somewhere else")
		case lower == "host":
			return r.setHost(value)
		case ofConnection[lower] || isOurs(folded(lower)):
			return nil
		}
		r.Fields = append(r.Fields, Field{name, value})
		return nil
	})
}

// setHost takes a Host header, of which a request has one.
func (r *Request) setHost(host []byte) error {
	switch {
	case len(host) == 0:
		return nil
	case !hostBytes.holds(host):
		return refused("its header \"host\" is no name of a host")
	case r.Host != nil && !bytes.EqualFold(r.Host, host):
		return refused("its header \"host\" names several hosts")
	}
	r.Host = host
	return nil
}

// folded is a header's name with - for whatever is neither letter nor digit.
func folded(lower string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, lower)
}

// eachText calls do for every text in the members of an object, which are texts or
// arrays of texts. Numbers and booleans are texts, null is nothing.
func eachText(object []byte, what string, do func(key, value []byte) error) (err error) {
	if object == nil || string(object) == "null" {
		return nil
	}
	whole := jsonscan.Object(object, func(rawKey, value []byte) {
		key, ok := jsonscan.Unescape(rawKey)
		if !ok {
			err = refused("a name in its %s is no JSON string", what)
		}
		one := func(value []byte) {
			content, ok := stringOf(value)
			if !ok && err == nil {
				err = refused("%.100q in its %s is neither a text nor a list of texts", key, what)
			}
			if err == nil && string(value) != "null" {
				err = do(key, content)
			}
		}
		if value[0] != '[' {
			one(value)
		} else if !jsonscan.Array(value, one) && err == nil {
			err = refused("%.100q in its %s is no JSON", key, what)
		}
	})
	if !whole {
		return refused("its %s is no JSON object", what)
	}
	return err
}

// Post makes the request of an event that is no call of the gateway.
func (r *Request) Post(target string, event []byte) {
	r.Reset()
	r.Method = []byte("POST")
	r.Target = append(r.Target, target...)
	r.Fields = append(r.Fields, Field{[]byte("Content-Type"), []byte("application/json")})
	r.Body.raw, r.Body.Size = event, len(event)
}

// HasBody tells whether a server may wait for the length of the body.
func (r *Request) HasBody() bool {
	switch string(r.Method) {
	case "POST", "PUT", "PATCH":
		return true
	}
	return false
}

// IsSafe tells whether the request changes nothing, so that it may be sent again.
func (r *Request) IsSafe() bool {
	switch string(r.Method) {
	case "GET", "HEAD", "OPTIONS":
		return true
	}
	return false
}

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
