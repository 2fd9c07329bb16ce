package adapter

import (
	"bytes"
	"encoding/json"
	"errors"
)

// The error types of this program, as the caller of a function sees them.
// FunctionResponseTooLarge is called as the vendor's own runtimes call it.
const (
	TypeConfig   = "Runtime.ConfigError"      // a setting is wrong; nothing was started
	TypeInit     = "Runtime.InitError"        // the program could not be started
	TypeExit     = "Runtime.ExitError"        // the program failed or was killed
	TypeTimeout  = "Runtime.Timeout"          // the program was still busy at the deadline
	TypeProtocol = "Runtime.ProtocolError"    // the program's answer breaks the protocol
	TypeShutdown = "Runtime.Shutdown"         // the instance was stopped meanwhile
	TypeInternal = "Runtime.InternalError"    // ours, or the platform's
	TypeFunction = "Function.Error"           // the program's own error, without a type
	TypeTooLarge = "FunctionResponseTooLarge" // the response is over the limit
)

// ErrShutdown is the context.Cause of an invocation that ends because the
// instance is being stopped.
var ErrShutdown = errors.New("the instance is shutting down")

// ErrRefused is a report that the platform has turned away for good: it does
// not wait for one any more, or does not want one like this.
var ErrRefused = errors.New("the platform refused the report")

// Error is a failed invocation. Type, Message and Stack go to the caller of
// the function, so Message is a sentence for somebody who has not read our
// documentation; Cause goes to the log only.
type Error struct {
	Type    string   `json:"errorType"`
	Message string   `json:"errorMessage"`
	Stack   []string `json:"stackTrace"`
	Cause   error    `json:"-"`
}

// Error is the text for the log, with the cause.
func (e *Error) Error() string {
	text := e.Type + ": " + e.Message
	if e.Cause != nil {
		text += " (" + e.Cause.Error() + ")"
	}
	return text
}

func (e *Error) Unwrap() error { return e.Cause }

// JSON is the body of an error report. stackTrace is always an array.
func (e *Error) JSON() []byte {
	out := *e
	if out.Stack == nil {
		out.Stack = []string{}
	}
	var body bytes.Buffer
	text := json.NewEncoder(&body)
	text.SetEscapeHTML(false) // people read this in a console
	// Strings only: Encode replaces invalid UTF-8 and cannot fail.
	_ = text.Encode(out)
	return bytes.TrimSpace(body.Bytes())
}

// masked is e with the values of m taken out of everything that leaves us.
func (e *Error) masked(m *Mask) *Error {
	out := &Error{Type: m.String(e.Type), Message: m.String(e.Message), Cause: e.Cause}
	for _, line := range e.Stack {
		out.Stack = append(out.Stack, m.String(line))
	}
	return out
}

// asError turns whatever a handler returned into what the caller gets.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{
		Type:    TypeInternal,
		Message: "The bootstrap could not handle this event; its log says more under this request id.",
		Cause:   err,
	}
}
