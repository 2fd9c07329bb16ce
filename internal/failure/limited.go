package failure

import (
	"context"
	"errors"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/limits"
)

// Limited is a Handler whose errors say which limit of the system they have met, wherever that was:
// what has an error of its own for it keeps that.
type Limited struct{ adapter.Handler }

// Invoke implements adapter.Handler.
func (l Limited) Invoke(ctx context.Context, inv *adapter.Invocation, r *adapter.Response) error {
	err := l.Handler.Invoke(ctx, inv, r)
	if err == nil || errors.As(err, new(*adapter.Error)) {
		return err
	}
	if met := limits.Met(err); met != "" {
		return &adapter.Error{Type: adapter.TypeInternal, Message: met, Cause: err}
	}
	return err
}
