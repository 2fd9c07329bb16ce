package codec

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/jsonscan"
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
	return "it has not answered the request initialize, with a result or an error, on one line without headers"
}

func (jsonrpc) Carries(event []byte) *adapter.Error {
	if jsonscan.Valid(event) {
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
	if err := writeAll(w, []byte(`,"context":`)); err != nil {
		return err
	}
	if err := writeJSON(w, inv.Context(j.credentials)); err != nil {
		return err
	}
	return writeAll(w, []byte("}}\n"))
}

func (jsonrpc) Cancel(id string) []byte {
	return []byte(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":` + string(quoted(id)) + "}}\n")
}

// quoted is text as a JSON string.
func quoted(text string) []byte {
	out, _ := json.Marshal(text)                                     // strings can't fail
	return bytes.ReplaceAll(out, []byte("\u0085"), []byte(`\u0085`)) // the other separators are escaped
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
	if !jsonscan.Valid(line) || !jsonscan.Object(line, r.member) {
		if framed(line) {
			return Message{}, &Malformed{Why: "has a Content-Length header, as between language servers and editors; here a message is a line, without headers"}
		}
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

// framed reports whether a line is a header that counts the bytes of the next message, or ends in
// one: then it is a message without a line end before it.
func framed(line []byte) bool {
	const name = "content-length:"
	header := line[bytes.LastIndexByte(line, '}')+1:]
	return len(header) >= len(name) && bytes.EqualFold(header[:len(name)], []byte(name))
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
	method := text(r.method)
	if method != "log" && method != "chunk" {
		if given(r.id) {
			return Message{}, &Malformed{Why: "is a request, and bootstrap serves none"}
		}
		return Message{}, nil
	}
	var p params
	if r.params == nil || !jsonscan.Object(r.params, p.member) {
		return Message{}, &Malformed{Why: "is a " + method + " notification without an object as its params"}
	}
	id := text(p.id)
	if method == "log" {
		return Message{Kind: Log, ID: id, Level: text(p.level), Body: jsonscan.Text(p.message)}, nil
	}
	return fragment(id, jsonscan.Text(p.data), text(p.encoding))
}

// params are those of both notifications.
type params struct{ id, level, message, data, encoding []byte }

func (p *params) member(key, value []byte) {
	switch string(key) {
	case "id":
		p.id = value
	case "level":
		p.level = value
	case "message":
		p.message = value
	case "data":
		p.data = value
	case "encoding":
		p.encoding = value
	}
}

func fragment(id string, body []byte, encoding string) (Message, error) {
	switch encoding {
	case "", "utf8", "utf-8":
	case "base64":
		decoded, err := jsonscan.DecodeBase64(body)
		if err != nil {
			return Message{}, &Malformed{Why: "is a chunk that is not base64"}
		}
		body = decoded
	default:
		return Message{}, &Malformed{Why: "is a chunk whose encoding is neither utf8 nor base64"}
	}
	return Message{Kind: Fragment, ID: id, Body: body}, nil
}

// text is what is in a JSON string, or the JSON of anything else; null is nothing.
func text(raw []byte) string { return string(jsonscan.Text(raw)) }
