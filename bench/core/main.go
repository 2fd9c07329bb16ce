// Command core is bootstrap's loop with nothing behind it: every event is its own
// answer. It wires the loop as cmd/bootstrap does.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/apig"
	"fgbootstrap/runtimeapi/functiongraph"

	"go.uber.org/zap"
)

func main() {
	logger, err := zap.NewProduction()
	if err != nil {
		log.Fatal(err)
	}
	loop := &adapter.Loop{
		Handler: null{},
		Pollers: []adapter.RuntimeAPI{functiongraph.New(functiongraph.Config{
			Addr: os.Getenv("RUNTIME_API_ADDR"), Timeout: 30 * time.Second, Margin: time.Second, Log: logger,
		})},
		Limit: 6 << 20,
		Envelope: &adapter.Envelope{
			Wants: apig.IsCall, Is: apig.IsEnvelope, Begins: apig.Begins, Bare: apig.OK(""), Doubts: apig.Doubts, Lacks: apig.Lacks,
		},
		Log: logger,
	}
	if err := loop.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// null is the handler that does the least that can be done.
type null struct{}

func (null) Invoke(_ context.Context, inv *adapter.Invocation, w *adapter.Response) error {
	_, err := w.Write(inv.Payload)
	return err
}

func (null) Reported(int) {}

func (null) Shutdown(context.Context) error { return nil }
