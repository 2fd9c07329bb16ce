// Package fgtest is what the tests of the local platform have in common: a bootstrap and a client made by hand,
// and functions whose bootstrap is the test binary. It is no part of fgdev.
package fgtest

import (
	"context"
	"fmt"

	"fgbootstrap/platform/api"
)

// Outcome is what Invoke returned: a result or an error.
type Outcome struct {
	*api.Result
	Err error
}

func (o Outcome) String() string {
	if o.Err != nil {
		return o.Err.Error()
	}
	return fmt.Sprintf("%+v %s", *o.Result, o.Payload)
}

// Invoker is the runtime API, or the platform around it.
type Invoker interface {
	Invoke(context.Context, api.Event) (*api.Result, error)
}

// Invoke hands an event in and does not wait; the channel has room for the outcome.
func Invoke(i Invoker, ev api.Event) <-chan Outcome {
	done := make(chan Outcome, 1)
	go func() {
		r, err := i.Invoke(context.Background(), ev)
		done <- Outcome{r, err}
	}()
	return done
}
