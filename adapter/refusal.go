package adapter

import "context"

// Refusal is the Handler of a function that can't run: it answers every event with the reason. If
// the process exited instead, the caller would only see "runtime process is exited".
type Refusal struct{ Reason *Error }

// Invoke implements Handler.
func (r Refusal) Invoke(context.Context, *Invocation, *Response) error { return r.Reason }

// Reported implements Handler.
func (Refusal) Reported(int) {}

// Shutdown implements Handler.
func (Refusal) Shutdown(context.Context) error { return nil }
