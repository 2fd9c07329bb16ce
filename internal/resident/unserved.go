package resident

import (
	"context"
	"errors"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/supervise"
)

// Instance is one start of a program that can say why it is not ready.
type Instance interface {
	supervise.Instance
	// Missing says, in half a sentence, what has not come yet.
	Missing() string
	// NotReady returns the error of an event that has waited for it until the event's deadline.
	NotReady(inv *adapter.Invocation) error
}

// Unserved returns the error of an event that no instance could take. err says why; busy is the
// error if instances are running but could not take it.
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
