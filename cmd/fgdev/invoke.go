package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"fgbootstrap/platform/api"
)

type invokeCommand struct {
	Event string `short:"e" placeholder:"FILE" help:"The event, any bytes; - is stdin (default: {})."`
	Async bool   `help:"Make the invocation type async."`
	functionFlags
}

// Run invokes once. stdout gets the result's bytes and nothing else.
func (c *invokeCommand) Run(ctx context.Context, std streams) error {
	payload, err := c.payload(std)
	if err != nil {
		return usageError{err}
	}
	p, stop, err := c.open(std)
	if err != nil {
		return err
	}
	defer stop()
	ev := api.Event{Payload: payload, Async: c.Async}
	if c.Streaming {
		ev.Stream = std.out
	}
	// On an interrupt the platform stops the function first: the function reports the end of the
	// event, and the platform must still be there to take the report.
	defer context.AfterFunc(ctx, func() {
		std.note("stopping")
		if err := p.Close(); err != nil {
			std.note("%v", err)
		}
	})()
	result, err := p.Invoke(context.WithoutCancel(ctx), ev)
	switch {
	case errors.Is(err, api.ErrEventTooLarge):
		return usageError{err}
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case err != nil:
		return err
	}
	return c.print(std, result)
}

func (c *invokeCommand) payload(std streams) ([]byte, error) {
	var (
		payload []byte
		err     error
		source  = c.Event
	)
	switch c.Event {
	case "":
		return []byte("{}"), nil
	case "-":
		source = "on stdin"
		payload, err = io.ReadAll(std.in)
	default:
		payload, err = os.ReadFile(c.Event)
	}
	if err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	if !json.Valid(payload) {
		std.note("warning: the event %s is not JSON; sending it as it is", source)
	}
	return payload, nil
}

func (c *invokeCommand) print(std streams, r *api.Result) error {
	out := std.out
	if r.Cut { // half a result is there already
		std.note("the streamed result broke off")
		out = std.err
	}
	if _, err := out.Write(r.Payload); err != nil {
		return fmt.Errorf("result: %w", err)
	}
	if r.Failed {
		return errInvocation
	}
	return nil
}
