package codec

import (
	"io"
	"strconv"
	"sync/atomic"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/jsonscan"
)

// actionLoop is what OpenWhisk's launchers speak.
type actionLoop struct {
	// function are the members that are the same for every event, as JSON.
	function []byte
	waits    bool
	traces   atomic.Bool // an event had a trace
}

func newActionLoop(o Options) Codec {
	function := []byte{}
	// Launchers make variables of them, __OW_ACTION_NAME and so on.
	for _, member := range []struct{ name, value string }{
		{"namespace", o.Getenv("RUNTIME_PROJECT_ID")},
		{"action_name", o.Getenv("RUNTIME_FUNC_NAME")},
		{"action_version", o.Getenv("RUNTIME_FUNC_VERSION")},
		{"api_host", ""},
		{"api_key", ""},
	} {
		function = append(function, `,"`+member.name+`":`...)
		function = append(function, quoted(member.value)...)
	}
	return &actionLoop{function: function, waits: o.Getenv("__OW_WAIT_FOR_ACK") != ""}
}

func (a *actionLoop) Greeting() (line []byte, waits bool) { return nil, a.waits }

func (a *actionLoop) Awaited() string {
	if !a.waits {
		return lines{}.Awaited()
	}
	return `it has not written {"ok":true} to descriptor 3, which __OW_WAIT_FOR_ACK has us wait for`
}

func (*actionLoop) Cancel(string) []byte { return nil }

func (*actionLoop) Carries(event []byte) *adapter.Error {
	if isStructure(event) {
		return nil
	}
	return notCarried("The event is neither a JSON object nor an array, which is what the actionloop protocol carries. " +
		"Send one, or use another protocol or pipe mode.")
}

// WriteEvent writes every member but value as a string: launchers fail at numbers.
func (a *actionLoop) WriteEvent(w io.Writer, inv *adapter.Invocation) error {
	if err := writeAll(w, []byte(`{"value":`)); err != nil {
		return err
	}
	if err := writeJSON(w, inv.Payload); err != nil {
		return err
	}
	deadline := strconv.FormatInt(inv.Deadline.UnixMilli(), 10)
	return writeAll(w, a.function, a.trace(inv), []byte(`,"activation_id":`), quoted(inv.ID), []byte(`,"deadline":"`+deadline+"\"}\n"))
}

// trace is the member with the event's trace. Launchers keep the variable that they make of it: from
// the first trace on, an event without one has to empty it.
func (a *actionLoop) trace(inv *adapter.Invocation) []byte {
	if inv.Traceparent != "" && !a.traces.Load() {
		a.traces.Store(true)
	}
	if !a.traces.Load() {
		return nil
	}
	return append([]byte(`,"traceparent":`), quoted(inv.Traceparent)...)
}

func (*actionLoop) Read(line []byte) (Message, error) {
	if len(line) == 0 {
		return Message{}, nil
	}
	if !isStructure(line) {
		return Message{}, &Malformed{Why: "is neither a JSON object nor an array, which is what the actionloop protocol wants"}
	}
	var failure, acknowledged []byte
	members := 0
	jsonscan.Object(line, func(key, value []byte) {
		members++
		switch string(key) {
		case "error":
			failure = value
		case "ok":
			acknowledged = value
		}
	})
	if members == 1 && failure != nil {
		return Message{Kind: Failure, Err: actionError(failure), Body: failure}, nil // web actions answer so, too
	}
	return Message{Kind: Answer, Body: line, Ready: members == 1 && string(acknowledged) == "true"}, nil
}

// actionError is the error that stands behind "error": a text, or anything.
func actionError(raw []byte) *adapter.Error {
	if own := adapter.ProgramError(raw); own != nil && own.Message != "" {
		if own.Type == "" {
			own.Type = adapter.TypeFunction
		}
		return own
	}
	message := text(raw)
	if message == "" {
		message = "The program answered with an error that says nothing."
	}
	return &adapter.Error{Type: adapter.TypeFunction, Message: message}
}

// isStructure tells whether text is a JSON object or array.
func isStructure(text []byte) bool {
	n := blanks(text)
	return n < len(text) && (text[n] == '{' || text[n] == '[') && jsonscan.Valid(text)
}
