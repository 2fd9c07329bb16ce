package httpproxy

import (
	"bytes"

	"fgbootstrap/adapter"
	"fgbootstrap/runtimeapi/functiongraph"
)

// Wire is the request that an event becomes, or why it becomes none. call reports whether
// it is one of the gateway's.
func Wire(event []byte, prefix string) (wire []byte, call bool, err error) {
	x := newExchange()
	inv := &adapter.Invocation{ID: "id", Payload: event, Headers: []adapter.Header{{Name: "x-cff-request-id", Value: "id"}}}
	if err := x.begin(&Handler{Config: Config{StripPrefix: prefix, EventPath: "/invoke", IsMetadata: functiongraph.IsMetadata}}, inv); err != nil {
		return nil, x.call, err
	}
	x.sender.writeHead(inv, &Config{}, "our.host")
	out := bytes.NewBuffer(x.sender.out)
	_, err = x.sender.request.Body.WriteTo(out)
	return out.Bytes(), x.call, err
}

// Envelope is what an answer becomes, or why it is no answer.
func Envelope(wire []byte, streaming bool, limit int64) ([]byte, error) {
	a := newAnswer()
	if err := a.await(&conn{in: bytes.NewReader(wire)}); err != nil {
		return nil, err
	}
	if err := a.head("GET"); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	o := adapter.ResponseOptions{Limit: limit}
	if streaming {
		o.Stream = func(r *adapter.Response) error {
			_, err := r.WriteTo(&out)
			return err
		}
	}
	r, err := adapter.NewResponse(o)
	if err != nil {
		return nil, err
	}
	defer r.Free()
	err = r.End(a.envelop(r))
	if body, whole := r.Whole(); whole {
		out.Write(body)
	}
	return out.Bytes(), err
}

// FreePort is where a server listens that may do so anywhere.
var FreePort = freePort
