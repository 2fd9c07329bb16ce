package httpproxy

import (
	"bytes"
	"fmt"
	"strings"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/apig"
	"fgbootstrap/internal/jsonscan"
)

// request is an HTTP request as an event describes it. It refers to the event.
type request struct {
	method []byte
	target []byte // path and query, percent-encoded, beginning with a slash
	host   []byte // nil: the event names none
	fields []field
	body   body
}

type field struct{ name, value []byte }

// refused is why an event is no HTTP request. Values are not quoted in it: they may be
// secrets.
func refused(format string, args ...any) error {
	return &adapter.Error{
		Type:    adapter.TypeProtocol,
		Message: "The event can't be handed to the server as an HTTP request: " + fmt.Sprintf(format, args...) + ".",
	}
}

// readAPIG makes the request of an API gateway's call; prefix is taken off its path.
// The error says why HTTP can't carry it.
func (r *request) readAPIG(call apig.Call, prefix string) error {
	r.reset()
	var ok bool
	if r.method, ok = text(call.Method); !ok || !isToken(r.method) {
		return refused("its httpMethod is no HTTP method")
	}
	if string(r.method) == "CONNECT" {
		return refused("its httpMethod is CONNECT, which asks for a tunnel")
	}
	path, ok := text(call.Path)
	if !ok {
		return refused("its path is no JSON string")
	}
	r.target = appendPath(r.target, strip(path, prefix))
	if err := r.readQuery(call.Query); err != nil {
		return err
	}
	if err := r.readHeaders(call.Headers); err != nil {
		return err
	}
	return r.body.read(call.Body, call.IsBase64)
}

// reset forgets the request before, but not the memory that it had.
func (r *request) reset() {
	r.method, r.host, r.target = nil, nil, r.target[:0]
	clear(r.fields) // they refer to it
	r.fields = r.fields[:0]
	r.body.reset()
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
	return appendEscaped(dst, path, &pathBytes)
}

func (r *request) readQuery(raw []byte) error {
	separator := byte('?')
	return eachText(raw, "queryStringParameters", func(key, value []byte) error {
		r.target = append(r.target, separator)
		separator = '&'
		r.target = appendEscaped(r.target, key, &queryBytes)
		r.target = append(r.target, '=')
		r.target = appendEscaped(r.target, value, &queryBytes)
		return nil
	})
}

// dropped are the headers that are about a connection, which is ours, and about the
// length of the body, which is known. What Connection names besides is not looked at:
// it was for the gateway, and a client could take the gateway's own headers away so.
var dropped = map[string]bool{
	"connection": true, "content-length": true, "expect": true, "http2-settings": true, "keep-alive": true,
	"proxy-connection": true, "te": true, "trailer": true, "transfer-encoding": true, "upgrade": true,
}

func (r *request) readHeaders(raw []byte) error {
	return eachText(raw, "headers", func(name, value []byte) error {
		value = bytes.Trim(value, " \t")
		lower := strings.ToLower(string(name))
		switch {
		case !isToken(name):
			return refused("%.100q is no name of an HTTP header", name)
		case !isFieldValue(value):
			return refused("its header %.100q has a line break or another control character in its value", name)
		case lower == "upgrade" && strings.Contains(strings.ToLower(string(value)), "websocket"):
			return refused("it asks for a websocket, and a function answers one request at a time; let the page poll instead, " +
				"or serve the websocket from somewhere else")
		case lower == "host":
			return r.setHost(value)
		case dropped[lower] || isOurs(lower):
			return nil
		}
		r.fields = append(r.fields, field{name, value})
		return nil
	})
}

// setHost takes a Host header, of which a request has one.
func (r *request) setHost(host []byte) error {
	switch {
	case len(host) == 0:
		return nil
	case !isHost(host):
		return refused("its header \"host\" is no name of a host")
	case r.host != nil && !bytes.EqualFold(r.host, host):
		return refused("its header \"host\" names several hosts")
	}
	r.host = host
	return nil
}

// isOurs tells whether a header is one that only the platform's word is taken for,
// also as WSGI and CGI would take it: to the one _ is -, to some of the other anything is.
func isOurs(lower string) bool {
	lower = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, lower)
	return strings.HasPrefix(lower, "x-cff-") || strings.HasPrefix(lower, "x-stream-")
}

// eachText calls do for every text in the members of an object, which are texts or
// arrays of texts. Numbers and booleans are texts, null is nothing.
func eachText(object []byte, what string, do func(key, value []byte) error) (err error) {
	if object == nil || string(object) == "null" {
		return nil
	}
	whole := jsonscan.Object(object, func(rawKey, value []byte) {
		key, ok := unescape(rawKey)
		if !ok {
			err = refused("a name in its %s is no JSON string", what)
		}
		one := func(value []byte) {
			content, ok := text(value)
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

// post makes the request of an event that is no call of the gateway.
func (r *request) post(target string, event []byte) {
	r.reset()
	r.method = []byte("POST")
	r.target = append(r.target, target...)
	r.fields = append(r.fields, field{[]byte("Content-Type"), []byte("application/json")})
	r.body.raw, r.body.size = event, len(event)
}

// hasBody tells whether a server may wait for the length of the body.
func (r *request) hasBody() bool {
	switch string(r.method) {
	case "POST", "PUT", "PATCH":
		return true
	}
	return false
}

// isSafe tells whether the request changes nothing, so that it may be sent again.
func (r *request) isSafe() bool {
	switch string(r.method) {
	case "GET", "HEAD", "OPTIONS":
		return true
	}
	return false
}

// hasToken tells whether a header that is a list has this token.
func hasToken(list []byte, token string) bool {
	for item := range bytes.SplitSeq(list, []byte(",")) {
		if bytes.EqualFold(bytes.TrimSpace(item), []byte(token)) {
			return true
		}
	}
	return false
}
