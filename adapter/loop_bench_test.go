package adapter_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"

	"go.uber.org/zap"
)

// BenchmarkLoop is what the loop itself costs for an event: neither the platform nor a
// program is there.
func BenchmarkLoop(b *testing.B) {
	for _, size := range []int{1 << 10, 6 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) { benchmarkLoop(b, bytes.Repeat([]byte("x"), size)) })
	}
}

func benchmarkLoop(b *testing.B, event []byte) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	api := &supply{end: cancel, left: b.N, inv: adapter.Invocation{ID: "an-id", Payload: event}}
	loop := &adapter.Loop{
		Handler: program{invoke: echo}, Pollers: []adapter.RuntimeAPI{api}, Limit: int64(len(event)), Grace: testkit.Patience, Log: zap.NewNop(),
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(event)))
	if err := loop.Run(ctx); err != nil {
		b.Error(err)
	}
	if api.answered != b.N {
		b.Errorf("%d of %d events are answered", api.answered, b.N)
	}
}

// supply is a platform in memory: the same event again and again.
type supply struct {
	end            context.CancelFunc
	left, answered int
	inv            adapter.Invocation
}

func (s *supply) Next(ctx context.Context) (*adapter.Invocation, error) {
	if s.left == 0 {
		s.end()
		return nil, ctx.Err()
	}
	s.left--
	s.inv.Received = time.Now()
	s.inv.Expires = s.inv.Received.Add(testkit.Patience)
	s.inv.Deadline = s.inv.Expires
	return &s.inv, nil
}

func (s *supply) Respond(_ context.Context, inv *adapter.Invocation, r *adapter.Response) error {
	if body, held := r.Whole(); held && len(body) == len(inv.Payload) {
		s.answered++
	}
	return nil
}

func (s *supply) Fail(context.Context, *adapter.Invocation, *adapter.Error) error { return nil }
