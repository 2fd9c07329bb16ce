package resident

import (
	"context"
	"errors"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/supervise"
)

// Instance is a start of a program, with what can be said while it is not ready.
type Instance interface {
	supervise.Instance
	// Missing is what it is waited for, half a sentence.
	Missing() string
	// NotReady is the error of an event that has waited for it to the event's deadline.
	NotReady(inv *adapter.Invocation) error
}

// Unserved is the error of an event that no instance could take: err is why, busy what is
// said of instances that are there and could not.
func Unserved[T Instance](ctx context.Context, c *Config, all *supervise.Supervisor[T], inv *adapter.Invocation, err error, busy *adapter.Error) error {
	var lost *supervise.LostCause
	if errors.As(err, &lost) {
		return failure.Again(lost)
	}
	var none T
	starting, reason := all.Waiting()
	var told *adapter.Error
	switch {
	case errors.Is(context.Cause(ctx), adapter.ErrShutdown):
		return c.Program.TimedOut(context.Cause(ctx), inv, "", nil)
	case starting != none && errors.As(reason, &told):
		return failure.StartedAgain(told, inv, starting.Missing())
	case starting != none:
		return starting.NotReady(inv)
	case reason != nil:
		return reason
	default:
		return busy
	}
}
