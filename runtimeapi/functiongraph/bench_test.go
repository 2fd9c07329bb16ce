package functiongraph_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"testing"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/runtimeapi/functiongraph"

	"go.uber.org/zap"
)

// BenchmarkClient is what the loop costs for an event with its client, over loopback. The
// allocations are all ours: the platform of this benchmark makes none.
func BenchmarkClient(b *testing.B) {
	for _, size := range []int{1 << 10, 6 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) { benchmarkClient(b, size) })
	}
}

func benchmarkClient(b *testing.B, size int) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	served := make(chan error, 1)
	go func() {
		defer cancel()
		served <- serveEvents(l, size, b.N)
	}()
	loop := &adapter.Loop{
		Handler: program(echo), Limit: int64(size), Grace: testkit.Patience, Log: zap.NewNop(), Pollers: []adapter.RuntimeAPI{
			functiongraph.New(functiongraph.Config{Addr: l.Addr().String(), Timeout: testkit.Patience, Log: zap.NewNop()}),
		},
	}
	b.ReportAllocs()
	b.SetBytes(int64(size))
	if err := loop.Run(ctx); err != nil {
		b.Error(err)
	}
	if err := <-served; err != nil {
		b.Error(err)
	}
}

// serveEvents is a platform on one connection, as lean as it can be: so many events, and
// for each a response of their size.
func serveEvents(l net.Listener, size, events int) error {
	defer func() { _ = l.Close() }()
	c, err := l.Accept()
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	event := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nX-Cff-Request-Id: an-id\r\nContent-Length: %d\r\n\r\n%s", size, bytes.Repeat([]byte("x"), size))
	taken := []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	room := make([]byte, size+4096)
	for range events {
		if err := answerRequest(c, room, 0, event); err != nil {
			return fmt.Errorf("a poll: %w", err)
		}
		if err := answerRequest(c, room, size, taken); err != nil {
			return fmt.Errorf("a response: %w", err)
		}
	}
	return nil
}

// answerRequest reads a request with a body of that size into room, and answers it.
func answerRequest(c net.Conn, room []byte, size int, answer []byte) error {
	for n := 0; ; {
		more, err := c.Read(room[n:])
		if err != nil {
			return err
		}
		n += more
		if head := bytes.Index(room[:n], []byte("\r\n\r\n")); head >= 0 && n == head+4+size {
			_, err := c.Write(answer)
			return err
		}
	}
}
