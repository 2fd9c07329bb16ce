package failure

import (
	"context"
	"errors"
	"slices"

	"fgbootstrap/adapter"
)

// Hinted is a Handler that adds Hint, a sentence about the command as it is written, to each error
// that the command may have caused. What the program says itself stays as it is.
type Hinted struct {
	adapter.Handler
	Hint string
}

// hinted are the types of those errors.
var hinted = [...]string{adapter.TypeConfig, adapter.TypeInit, adapter.TypeExit, adapter.TypeTimeout, adapter.TypeProtocol}

// Invoke implements adapter.Handler.
func (h Hinted) Invoke(ctx context.Context, inv *adapter.Invocation, r *adapter.Response) error {
	err := h.Handler.Invoke(ctx, inv, r)
	var told *adapter.Error
	if !errors.As(err, &told) || !slices.Contains(hinted[:], told.Type) {
		return err
	}
	e := *told // others may be told the same
	e.Add(h.Hint)
	return &e
}
