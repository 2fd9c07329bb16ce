package adapter

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"fgbootstrap/internal/jsonscan"
)

// The error types of this program, as the caller of a function sees them.
// FunctionResponseTooLarge is the name that the vendor's own runtimes use.
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

// ErrRefused means that the platform rejected a report for good: it no longer waits for one, or
// it does not accept this one.
var ErrRefused = errors.New("the platform refused the report")

// ErrUnconfirmed means that the platform may have taken a report, and has not said so. Another one
// could be a second outcome.
var ErrUnconfirmed = errors.New("the platform has not confirmed the report")

// isFinal reports whether no other report may follow one that failed for err.
func isFinal(err error) bool { return errors.Is(err, ErrRefused) || errors.Is(err, ErrUnconfirmed) }

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

// The limits of an error, in bytes and lines: programs write their own errors, and if the
// platform found a report too large the event would get none.
const (
	maxType    = 256
	maxMessage = 32 << 10
	maxStack   = 100
	maxLine    = 2 << 10
)

// masker is a secret.Mask or Keyring.
type masker interface{ String(text string) string }

// forCaller returns e as it is sent: without the secrets of m, and within the limits.
func (e *Error) forCaller(m masker) *Error {
	out := &Error{
		Type:    shorten(m.String(e.Type), maxType),
		Message: shorten(m.String(e.Message), maxMessage),
	}
	for _, line := range e.Stack[:min(len(e.Stack), maxStack)] {
		out.Stack = append(out.Stack, shorten(m.String(line), maxLine))
	}
	return out
}

// Add adds a sentence to the message, which may lack its end.
func (e *Error) Add(sentence string) {
	text := strings.TrimSpace(e.Message)
	if text != "" && !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "!") && !strings.HasSuffix(text, "?") {
		text += "."
	}
	e.Message = strings.TrimSpace(text + " " + sentence)
}

func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return string(jsonscan.WholeRunes([]byte(text[:limit]))) + "…"
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
