// Package adapter is the vocabulary of this program and its loop: an
// Invocation comes from a RuntimeAPI, a Handler turns it into a response, the
// Loop carries the one to the other and sees to it that every invocation gets
// exactly one outcome.
//
// It knows no platform (see runtimeapi/), starts no process (internal/process)
// and chooses no mode (modes/). It imports the standard library and zap only.
package adapter

import (
	"context"
	"time"
)

// Invocation is one event and what the platform says about it. The poller that
// received it owns it: everything in it is valid until Handler.Invoke returns
// and must not be kept or changed.
type Invocation struct {
	// ID is the platform's request id. Reports go by it.
	ID string
	// Received is the time of the first byte of the poll's answer, Waited how long the
	// poll had waited for it.
	Received time.Time
	Waited   time.Duration
	// Deadline is when we give up ourselves: Expires less the margin.
	Deadline time.Time
	// Expires is when the platform gives up: Received + RUNTIME_TIMEOUT.
	Expires time.Time
	// Type is how it was invoked, in the platform's words: sync, async or "".
	Type string
	// Headers are the metadata headers, names in lower case, in the order of
	// their arrival, credentials included (see Metadata).
	Headers []Header
	// Payload is the event, byte for byte.
	Payload []byte
}

// Header is one metadata header of an invocation, its name in lower case.
type Header struct {
	Name, Value string
	// Secret says that the value is a key or a token, which programs get only if they are
	// to have it, and logs and errors never.
	Secret bool
}

// Handler runs invocations; every mode is one.
type Handler interface {
	// Invoke hands the event to the user's program and writes its response to
	// r. nil means success. An *Error is what the caller of the function gets;
	// any other error reaches the caller as Runtime.InternalError and the log
	// in full. ctx ends at inv.Deadline or when the process shuts down (then
	// context.Cause is ErrShutdown). When Invoke returns, what it started for
	// this event is gone and nothing refers to inv or r any more. It is called from
	// as many goroutines as there are pollers.
	Invoke(ctx context.Context, inv *Invocation, r *Response) error
	// Reported is called between events: after each whose outcome has been reported, as
	// long as others may follow. inFlight is how many are being handled; at 0 none begins
	// before it returns. The next poll waits for it.
	Reported(inFlight int)
	// Shutdown stops what is kept between events. No Invoke is running then
	// and none follows.
	Shutdown(ctx context.Context) error
}

// RuntimeAPI is one poller's connection to the platform. It is used by one
// goroutine at a time, but for a committed Response, which Respond may be
// sending while the handler still writes it.
type RuntimeAPI interface {
	// Next waits for an event, as long as it takes: errors of the platform are
	// its own business. It fails only when ctx ended before an event began to
	// arrive. An event that began to arrive and broke off is returned together
	// with the error to report for it.
	Next(ctx context.Context) (*Invocation, error)
	// Respond reports success. A Response that is held whole may be sent again,
	// until inv.Expires or ctx ends, but at least once; a committed one is sent
	// once, as it is produced, and breaks off when ctx ends. The error is
	// ErrRefused if the platform said no: then it is to be told nothing more.
	Respond(ctx context.Context, inv *Invocation, r *Response) error
	// Fail reports a failure; it is repeated like a whole response.
	Fail(ctx context.Context, inv *Invocation, e *Error) error
}
