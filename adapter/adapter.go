// Package adapter is the vocabulary of this program and its loop: an Invocation comes from a
// RuntimeAPI, a Handler turns it into a response, the Loop connects the two and makes sure that
// every invocation gets exactly one outcome.
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
	// ID is the platform's request id. Reports refer to it.
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
	// Traceparent is the trace that the event belongs to, as W3C's Trace Context writes it, or "".
	// The Loop takes it out of the event.
	Traceparent string
}

// Header is one metadata header of an invocation, its name in lower case.
type Header struct {
	Name, Value string
	// Secret says that the value is a key or a token. Programs get it only if Credentials are
	// enabled; logs and errors never contain it.
	Secret bool
}

// Handler runs invocations; every mode is one.
type Handler interface {
	// Invoke hands the event to the user's program and writes its response to r. nil means
	// success. An *Error goes to the caller of the function. Any other error goes to the caller
	// as Runtime.InternalError and to the log in full. ctx ends at inv.Deadline or when the
	// process shuts down (then context.Cause is ErrShutdown). When Invoke returns, everything
	// that it started for this event has ended and nothing refers to inv or r. Each poller calls
	// it from its own goroutine.
	Invoke(ctx context.Context, inv *Invocation, r *Response) error
	// Reported is called after each event whose outcome has been reported, as long as others may
	// follow. inFlight is how many events are being handled; if it is 0, no event begins before
	// Reported returns. The next poll waits for it.
	Reported(inFlight int)
	// Shutdown stops what is kept between events. No Invoke is running when it is called, and
	// none follows.
	Shutdown(ctx context.Context) error
}

// RuntimeAPI is one poller's connection to the platform. It is used by one goroutine at a time,
// with one exception: Respond may send a committed Response while the handler still writes it.
type RuntimeAPI interface {
	// Next waits for an event as long as it takes and handles errors of the platform itself. It
	// fails only if ctx ends before an event begins to arrive. If an event begins to arrive and
	// breaks off, Next returns it together with the error to report for it.
	Next(ctx context.Context) (*Invocation, error)
	// Respond reports success. A Response that is held whole may be sent again until inv.Expires
	// or the end of ctx, but is sent at least once. A committed one is sent once, as it is
	// produced, and breaks off when ctx ends. The error is ErrRefused if the platform refused the
	// report, and ErrUnconfirmed if it may have taken it: then nothing more must be reported.
	Respond(ctx context.Context, inv *Invocation, r *Response) error
	// Fail reports a failure. It is repeated like a response that is held whole.
	Fail(ctx context.Context, inv *Invocation, e *Error) error
}
