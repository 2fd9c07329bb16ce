package codec

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"fgbootstrap/adapter"
)

// jsonrpc is JSON-RPC 2.0 (jsonrpc.org/specification), a message a line.
type jsonrpc struct{ credentials bool }

func newJSONRPC(o Options) Codec { return jsonrpc{o.Credentials} }

// initializeID is the id of the request that a worker gets at its start.
const initializeID = "initialize"

func (jsonrpc) Greeting() (line []byte, waits bool) {
	return []byte(`{"jsonrpc":"2.0","id":"` + initializeID + `","method":"initialize","params":{}}` + "\n"), true
}

func (jsonrpc) Awaited() string {
	return "it has not answered the request initialize, with a result or an error"
}

func (jsonrpc) Carries(event []byte) *adapter.Error {
	if json.Valid(event) {
		return nil
	}
	what := "not JSON"
	if len(event) == 0 {
		what = "empty"
	}
	return notCarried("The event is " + what + ", and the jsonrpc protocol carries JSON. " +
		"Send it as JSON, or use pipe mode, which takes any bytes.")
}

func (j jsonrpc) WriteEvent(w io.Writer, inv *adapter.Invocation) error {
	err := writeAll(w, []byte(`{"jsonrpc":"2.0","id":`), quoted(inv.ID), []byte(`,"method":"invoke","params":{"event":`))
	if err == nil {
		err = writeJSON(w, inv.Payload)
	}
	if err != nil {
		return err
	}
	return writeAll(w, []byte(`,"context":`), inv.Context(j.credentials), []byte("}}\n"))
}

func (jsonrpc) Cancel(id string) []byte {
	return []byte(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":` + string(quoted(id)) + "}}\n")
}

// quoted is text as a JSON string.
func quoted(text string) []byte {
	out, _ := json.Marshal(text) // strings can't fail
	return out
}

// reply are the members of a message that count.
type reply struct{ id, method, params, result, err []byte }

func (r *reply) member(key, value []byte) {
	switch string(key) {
	case "id":
		r.id = value
	case "method":
		r.method = value
	case "params":
		r.params = value
	case "result":
		r.result = value
	case "error":
		r.err = value
	}
}

var null = []byte("null")

func given(value []byte) bool { return value != nil && !bytes.Equal(value, null) }

func (j jsonrpc) Read(line []byte) (Message, error) {
	if len(line) == 0 {
		return Message{}, nil
	}
	var r reply
	if !json.Valid(line) || !adapter.ScanObject(line, r.member) {
		return Message{}, &Malformed{Why: "is no JSON-RPC message"}
	}
	if r.method != nil {
		return r.notification()
	}
	m := Message{ID: text(r.id)}
	m.Ready = m.ID == initializeID
	switch {
	case given(r.err):
		m.Kind, m.Err = Failure, rpcError(r.err)
		return m, nil
	case r.result != nil && m.ID != "":
		m.Kind, m.Body = Answer, r.result
		return m, nil
	default:
		return Message{}, &Malformed{Why: "is no JSON-RPC message: it has neither a method nor an id with a result or an error"}
	}
}

// rpcError is the error of a failed request; data may hold more than JSON-RPC's
// number and message.
func rpcError(raw []byte) *adapter.Error {
	var e struct {
		Code    json.RawMessage `json:"code"`
		Message json.RawMessage `json:"message"`
		Data    json.RawMessage `json:"data"`
	}
	_ = json.Unmarshal(raw, &e) // what it is not stays empty
	out := &adapter.Error{Type: adapter.TypeFunction, Message: text(e.Message)}
	if own := adapter.ProgramError(e.Data); own != nil {
		out.Type, out.Stack = cmp.Or(own.Type, out.Type), own.Stack
	} else if given(e.Data) {
		out.Stack = strings.Split(strings.TrimRight(text(e.Data), "\n"), "\n")
	}
	if out.Message == "" {
		out.Message = fmt.Sprintf("The program answered with an error: %s", raw)
	}
	return out
}

// notification is a message that is no reply: log or chunk. Others mean nothing
// to us.
func (r *reply) notification() (Message, error) {
	var params struct {
		ID       json.RawMessage `json:"id"`
		Level    json.RawMessage `json:"level"`
		Message  json.RawMessage `json:"message"`
		Data     json.RawMessage `json:"data"`
		Encoding json.RawMessage `json:"encoding"`
	}
	method := text(r.method)
	if method != "log" && method != "chunk" {
		if given(r.id) {
			return Message{}, &Malformed{Why: "is a request, and bootstrap serves none"}
		}
		return Message{}, nil
	}
	if r.params == nil || json.Unmarshal(r.params, &params) != nil {
		return Message{}, &Malformed{Why: "is a " + method + " notification without an object as its params"}
	}
	id := text(params.ID)
	if method == "log" {
		return Message{Kind: Log, ID: id, Level: text(params.Level), Body: []byte(text(params.Message))}, nil
	}
	return fragment(id, text(params.Data), text(params.Encoding))
}

func fragment(id, data, encoding string) (Message, error) {
	body := []byte(data)
	switch encoding {
	case "", "utf8", "utf-8":
	case "base64":
		var err error
		if body, err = base64.StdEncoding.AppendDecode(nil, body); err != nil {
			return Message{}, &Malformed{Why: "is a chunk that is not base64"}
		}
	default:
		return Message{}, &Malformed{Why: "is a chunk whose encoding is neither utf8 nor base64"}
	}
	return Message{Kind: Fragment, ID: id, Body: body}, nil
}

// text is a string's content, or the JSON of anything else; null is nothing.
func text(raw json.RawMessage) string {
	if len(raw) > 1 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}
