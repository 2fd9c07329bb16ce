// Command jsonrpc-go is a worker by jrpc2, a library that knows nothing of
// bootstrap. It echoes the event, fails if event.fail is set (with that text),
// and waits event.ms before; several events at once.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/creachadair/jrpc2"
	"github.com/creachadair/jrpc2/channel"
	"github.com/creachadair/jrpc2/handler"
)

func main() {
	methods := handler.Map{
		"invoke":          handler.New(invoke),
		"$/cancelRequest": handler.New(cancel),
	}
	server := jrpc2.NewServer(methods, &jrpc2.ServerOptions{Concurrency: 64})
	if err := server.Start(channel.Line(os.Stdin, os.Stdout)).Wait(); err != nil {
		log.Fatal(err)
	}
}

type params struct {
	Event json.RawMessage `json:"event"`
}

func invoke(ctx context.Context, p params) (json.RawMessage, error) {
	var wish struct {
		MS   time.Duration `json:"ms"`
		Fail string        `json:"fail"`
	}
	_ = json.Unmarshal(p.Event, &wish) // an event that is no object is echoed
	select {
	case <-time.After(wish.MS * time.Millisecond):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	switch wish.Fail {
	case "":
		return p.Event, nil
	case "typed":
		data := map[string]any{"errorType": "Shop.Closed", "stackTrace": []string{"a", "b"}}
		return nil, jrpc2.Errorf(-32000, "typed").WithData(data)
	default:
		return nil, jrpc2.Errorf(-32000, "%s", wish.Fail)
	}
}

// cancel ends the call of that id: to jrpc2 an id is its JSON text.
func cancel(ctx context.Context, p struct {
	ID json.RawMessage `json:"id"`
}) error {
	jrpc2.ServerFromContext(ctx).CancelRequest(string(p.ID))
	return nil
}
