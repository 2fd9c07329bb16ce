package httpproxy

import (
	"bytes"

	"fgbootstrap/adapter"
)

// Wire is the request that an event becomes, or why it becomes none. call tells whether
// it is one of the gateway's.
func Wire(event []byte, prefix string) (wire []byte, call bool, err error) {
	x := newExchange()
	inv := &adapter.Invocation{ID: "id", Payload: event, Headers: []adapter.Header{{Name: "x-cff-request-id", Value: "id"}}}
	if err := x.begin(&Mode{Config: Config{StripPrefix: prefix, EventPath: "/invoke"}}, inv); err != nil {
		return nil, x.call, err
	}
	x.writeHead("our.host")
	out := bytes.NewBuffer(x.out)
	_, err = x.request.body.WriteTo(out)
	return out.Bytes(), x.call, err
}

// Envelope is what an answer becomes, or why it is no answer.
func Envelope(answer []byte, streaming bool, limit int64) ([]byte, error) {
	x := newExchange()
	x.Mode = &Mode{Config: Config{MaxResponse: limit, Streaming: streaming}}
	x.conn = &conn{}
	x.request.method = []byte("GET")
	x.in.Reset(bytes.NewReader(answer))
	x.answer.StreamBody = true
	x.answer.Header.SetNoDefaultContentType(true)
	if err := x.answer.Header.Read(x.in); err != nil {
		return nil, err
	}
	if !x.hasNoBody() {
		if err := x.answer.ReadBody(x.in, 0); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	err := x.envelop(&out)
	return out.Bytes(), err
}

// FreePort is where a server listens that may do so anywhere.
var FreePort = freePort

// IsToken tells whether a name can be a header's.
var IsToken = isToken

// Dropped tells of a header's name in lower case whether it is not handed on.
func Dropped(lower string) bool { return dropped[lower] || isOurs(lower) || lower == "host" }
