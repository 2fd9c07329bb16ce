package apig

import (
	"fmt"
	"unsafe"

	"fgbootstrap/internal/jsonscan"
)

// Request is an HTTP request as an event describes it. It refers to the event's memory and may be
// reused.
type Request struct {
	Method []byte
	Target []byte // path and query, percent-encoded, beginning with a slash
	Host   []byte // nil: the event names none
	Fields []Field
	Body   Body
	// LeftOut names the first part of the event that the request lacks for safety, and why, for
	// the log; "" if there is none.
	LeftOut string

	cookies []byte // several cookie headers as one
	context []byte // the value of contextHeader
	size    int    // of Fields, in bytes
}

// Reading says how a call becomes a request.
type Reading struct {
	// Path says how the gateway writes a path: PathEncoded, PathDecoded, or anything else for
	// either, to be told by the path itself.
	Path string
	// Prefix is removed once from the start of the path.
	Prefix string
	// IsOurs reports whether a header may come only from the platform. It gets the name in lower
	// case, with - for every character that is neither a letter nor a digit.
	IsOurs func(name string) bool
}

const (
	// maxFields and maxHead bound the head of a request: 10^6 values of one header, in an event
	// of 6 MB, took 261 MB. maxHead is in bytes, for the headers and for the target each.
	maxFields = 20_000
	maxHead   = 8 << 20
)

// refused says why an event is not an HTTP request. It does not quote values: they may be
// secrets.
func refused(format string, args ...any) error { return fmt.Errorf(format, args...) }

// Read makes the request from an API gateway's call. The error says, in half a sentence about the
// event, why HTTP can't carry it: "its … is …".
func (r *Request) Read(call Call, how Reading) error {
	r.Reset()
	var ok bool
	if r.Method, ok = stringOf(call.Method); !ok || !IsToken(r.Method) {
		return refused("its httpMethod is not an HTTP method")
	}
	if string(r.Method) == "CONNECT" {
		return refused("its httpMethod is CONNECT, which asks for a tunnel")
	}
	path, ok := stringOf(call.Path)
	if !ok {
		return refused("its path is not a JSON string")
	}
	prefix := r.readPath(path, how)
	if err := r.readQuery(call.Query); err != nil {
		return err
	}
	if err := r.readHeaders(call.Headers, how); err != nil {
		return err
	}
	if len(prefix) > 0 {
		r.Fields = append(r.Fields, Field{[]byte(prefixHeader), prefix})
	}
	r.readContext(call.Context)
	return r.Body.read(call.Body, call.IsBase64)
}

// Reset forgets the request but keeps its memory.
func (r *Request) Reset() {
	r.Method, r.Host, r.Target, r.LeftOut = nil, nil, r.Target[:0], ""
	clear(r.Fields) // they refer to it
	r.Fields = r.Fields[:0]
	r.cookies, r.context, r.size = r.cookies[:0], r.context[:0], 0
	r.Body.reset()
}

// Memory returns how many bytes of memory Reset keeps, besides those of the body.
func (r *Request) Memory() int {
	return cap(r.Target) + cap(r.cookies) + cap(r.context) + cap(r.Fields)*int(unsafe.Sizeof(Field{}))
}

func (r *Request) readQuery(raw []byte) error {
	separator := byte('?')
	return eachText(raw, "queryStringParameters", func(key, value []byte) error {
		if len(r.Target)+len(key)+len(value) > maxHead {
			return refused("its path and queryStringParameters are longer than %d MB", maxHead>>20)
		}
		r.Target = append(r.Target, separator)
		separator = '&'
		r.Target = appendEscaped(r.Target, key, queryBytes)
		r.Target = append(r.Target, '=')
		r.Target = appendEscaped(r.Target, value, queryBytes)
		return nil
	})
}

// eachText calls do for every text in the members of an object, which are texts or arrays of
// texts. Numbers and booleans count as texts; null is skipped.
func eachText(object []byte, what string, do func(key, value []byte) error) (err error) {
	if object == nil || string(object) == "null" {
		return nil
	}
	whole := jsonscan.Object(object, func(rawKey, value []byte) {
		key, ok := jsonscan.Unescape(rawKey)
		if !ok {
			err = refused("a name in its %s is not a JSON string", what)
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
			err = refused("%.100q in its %s is not JSON", key, what)
		}
	})
	if !whole {
		return refused("its %s is not a JSON object", what)
	}
	return err
}

// Post makes the request of an event that is not a call of the gateway.
func (r *Request) Post(target string, event []byte) {
	r.Reset()
	r.Method = []byte("POST")
	r.Target = append(r.Target, target...)
	r.Fields = append(r.Fields, Field{[]byte("Content-Type"), []byte("application/json")})
	r.Body.raw, r.Body.Size = event, len(event)
}

// HasBody reports whether a server may expect a Content-Length.
func (r *Request) HasBody() bool {
	switch string(r.Method) {
	case "POST", "PUT", "PATCH":
		return true
	}
	return false
}

// IsSafe reports whether the request changes nothing, so that it may be sent again.
func (r *Request) IsSafe() bool {
	switch string(r.Method) {
	case "GET", "HEAD", "OPTIONS":
		return true
	}
	return false
}

// stringOf returns the content of a JSON string, or the JSON of a number, a boolean or null. It
// refers to raw if raw has no escapes.
func stringOf(raw []byte) (content []byte, ok bool) {
	switch raw[0] {
	case '"':
		return jsonscan.Unescape(raw[1 : len(raw)-1])
	case '{', '[':
		return nil, false
	default:
		return raw, jsonscan.Valid(raw)
	}
}

// byteSet is the bytes that may stand somewhere.
type byteSet [256]bool

var (
	tokenBytes = setOf("!#$%&'*+-.^_`|~") // RFC 9110, 5.6.2
	pathBytes  = setOf("-._~!$&'()*+,;=:@/")
	urlBytes   = setOf("-._~!$&'()*+,;=:@/%?#[]")
	// In a query + and ; have a meaning, which decoded text must not get.
	queryBytes = setOf("-._~")
	hostBytes  = setOf("-._~!$&'()*+,;=%:[]") // RFC 3986, with a port
)

// setOf returns the set of letters, digits and these bytes.
func setOf(others string) *byteSet {
	var set byteSet
	for _, c := range []byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" + others) {
		set[c] = true
	}
	return &set
}

// appendEscaped appends text with every byte that is not in set as %XX.
func appendEscaped(dst, text []byte, set *byteSet) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range text {
		if set[c] {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

func (set *byteSet) holds(text []byte) bool {
	for _, c := range text {
		if !set[c] {
			return false
		}
	}
	return len(text) > 0
}

// IsToken reports whether a text can be the name of a header or a method (RFC 9110, 5.6.2).
func IsToken(name []byte) bool { return tokenBytes.holds(name) }

// IsFieldValue reports whether a text can be the value of a header: a line break in it would
// begin another header or end the headers.
func IsFieldValue(value []byte) bool {
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
