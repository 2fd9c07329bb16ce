package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"fgbootstrap/platform/door"
)

type runCommand struct {
	// 8000 is where web programs listen by default, 8081 to 8090 belong to the platform's extensions.
	Listen string `default:"127.0.0.1:8070" placeholder:"HOST:PORT" help:"Address of the doors; port 0 picks a free one (default ${default})."`
	// Which of the two the real gateway does is not documented.
	GatewayPath string `default:"decoded" enum:"decoded,encoded" placeholder:"FORM" help:"How the API gateway writes the path of a call into the event: decoded, or encoded as it was sent (default ${default})."`
	functionFlags
}

// Run serves until it is interrupted.
func (c *runCommand) Run(ctx context.Context, std streams) error {
	p, stop, err := c.open(std)
	if err != nil {
		return err
	}
	defer stop()
	front, err := door.Config{EncodedPaths: c.GatewayPath == "encoded"}.Open(p, c.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return usage("%s is in use, perhaps by another fgdev; choose another address with --listen (port 0 picks a free one)", c.Listen)
	}
	if err != nil {
		return usageError{fmt.Errorf("--listen %s: %w", c.Listen, err)}
	}
	_, _ = fmt.Fprintf(std.out, "API gateway:  http://%s/\nraw events:   http://%s%s  (POST)\n", front.Addr(), front.Addr(), door.RawPath)
	<-ctx.Done()
	std.note("stopping")
	return errors.Join(p.Close(), front.Close()) // in this order: the calls of the door get their answers
}
