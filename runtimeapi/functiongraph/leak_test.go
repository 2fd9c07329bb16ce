package functiongraph_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"
)

// A sequential test: the others would be counted, too.
func TestEventsLeaveNoGoroutinesAndDescriptorsBehind(t *testing.T) {
	for _, streaming := range []bool{false, true} {
		t.Run(fmt.Sprintf("streaming %t", streaming), func(t *testing.T) {
			srv, addr := runtimeAPI(t, api.Config{Streaming: streaming})
			start(t, addr, settings{streaming: streaming, limit: 7 << 20,
				program: func(ctx context.Context, inv *adapter.Invocation, w io.Writer) error {
					if len(inv.Payload)%2 == 1 {
						_ = echo(ctx, inv, w)
						return &adapter.Error{Type: "Odd"}
					}
					return echo(ctx, inv, w)
				}})
			round := func() {
				for _, size := range []int{0, 1, 100_000, 100_001, 1<<20 + 2, 1<<20 + 3} {
					if r := invoke(t, srv, api.Event{Payload: make([]byte, size)}); r.Failed != (size%2 == 1) {
						t.Errorf("%d bytes: %+v", size, r)
					}
				}
			}
			round()
			const slack = 3 // what is just coming to its end
			goroutines, descriptors := testkit.Goroutines()+slack, testkit.Descriptors(t)+slack
			for range 10 {
				round()
			}
			testkit.AtMost(t, goroutines, "goroutines", testkit.Goroutines)
			testkit.AtMost(t, descriptors, "descriptors", func() int { return testkit.Descriptors(t) })
		})
	}
}

func TestLargeEventsLeaveNoMemoryBehind(t *testing.T) {
	s := listen(t)
	start(t, s.addr, settings{})
	round := func(size, n int) {
		for range n {
			p := s.accept()
			p.poll()
			// Not all of it, to save time: but the room is there before that is known.
			p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nX-Cff-Request-Id: 1\r\nContent-Length: %d\r\n\r\n{}", size))
			_ = p.Close()
			p = s.accept()
			p.post("error/1")
			p.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		}
	}
	const size, events = 30 << 20, 50
	round(size, 3)
	before := reserved(t)
	round(size, events)
	if grown := reserved(t) - before; grown > size*events/3 {
		t.Errorf("%d bytes more are reserved after %d events of %d", grown, events, size)
	}
}

// reserved is the size of our address space in bytes.
func reserved(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var pages int
	if _, err := fmt.Sscan(string(text), &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
