package adapter_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"testing"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/secret"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// starter is a handler that starts processes of its own for each event.
type starter struct {
	program
	pids []int
}

func (s starter) Invoke(ctx context.Context, inv *adapter.Invocation, r *adapter.Response) error {
	for i, pid := range s.pids {
		r.Started(pid, i == 0)
	}
	return s.invoke(ctx, inv, r)
}

func TestTheLineOfAnEventSaysWhatBecameOfIt(t *testing.T) {
	fails := func(err error) func(context.Context, *adapter.Invocation, io.Writer) error {
		return func(_ context.Context, _ *adapter.Invocation, w io.Writer) error {
			_, _ = io.WriteString(w, "half")
			return err
		}
	}
	for name, row := range map[string]struct {
		handler starter
		limit   int64
		want    map[string]any
	}{
		"it succeeds":                     {starter{program{invoke: echo}, []int{17}}, 0, map[string]any{"bytesOut": int64(7), "outcome": "ok", "cold": true, "pid": int64(17)}},
		"it fails":                        {starter{program{invoke: fails(&adapter.Error{Type: "Shop.s3cr3t-word"})}, []int{17}}, 0, map[string]any{"bytesOut": int64(4), "outcome": "Shop.****", "cold": true, "pid": int64(17)}},
		"we fail":                         {starter{program{invoke: fails(errors.New("no"))}, nil}, 0, map[string]any{"bytesOut": int64(4), "outcome": "Runtime.InternalError", "cold": false, "pid": int64(0)}},
		"it is too large":                 {starter{program{invoke: echo}, []int{17}}, 3, map[string]any{"bytesOut": int64(7), "outcome": "FunctionResponseTooLarge", "cold": true, "pid": int64(17)}},
		"another process has it":          {starter{program{invoke: echo}, []int{17, 18}}, 0, map[string]any{"bytesOut": int64(7), "outcome": "ok", "cold": false, "pid": int64(18)}},
		"none has it after all":           {starter{program{invoke: fails(errors.New("no"))}, []int{17, 0}}, 0, map[string]any{"bytesOut": int64(4), "outcome": "Runtime.InternalError", "cold": false, "pid": int64(0)}},
		"the handler panics, and is ours": {starter{program{invoke: func(context.Context, *adapter.Invocation, io.Writer) error { panic("a test") }}, nil}, 0, map[string]any{"bytesOut": int64(0), "outcome": "Runtime.InternalError", "cold": false, "pid": int64(0)}},
	} {
		t.Run(name, func(t *testing.T) {
			core, lines := observer.New(zapcore.InfoLevel)
			w := begin(t, &adapter.Loop{
				Handler: row.handler, Limit: row.limit, EventLog: zap.New(core), Trigger: func(event []byte) string { return "of " + string(event) },
				Mask: secret.NewMask("s3cr3t-word"),
			}, 1, api.Config{}, testkit.Patience)
			id := w.invoke(api.Event{Payload: []byte("payload")}).RequestID
			if err := w.stop(); err != nil {
				t.Fatal(err)
			}
			if lines.Len() != 1 || lines.All()[0].Message != "event" {
				t.Fatalf("got %v", lines.All())
			}
			got := lines.All()[0].ContextMap()
			for _, name := range []string{"waitedMs", "startedMs", "ranMs"} {
				if ms, ok := got[name].(float64); !ok || ms < 0 || ms > float64(testkit.Patience.Milliseconds()) {
					t.Errorf("%s is %v", name, got[name])
				}
				delete(got, name)
			}
			maps.Copy(row.want, map[string]any{"requestId": id, "trigger": "of payload", "bytesIn": int64(7)})
			if !maps.Equal(got, row.want) {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
}
