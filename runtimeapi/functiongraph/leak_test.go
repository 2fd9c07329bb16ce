package functiongraph_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/platform"
)

// A sequential test: the others would be counted, too.
func TestEventsLeaveNoGoroutinesAndDescriptorsBehind(t *testing.T) {
	for _, streaming := range []bool{false, true} {
		t.Run(fmt.Sprintf("streaming %t", streaming), func(t *testing.T) {
			api := runtimeAPI(t, platform.Config{Streaming: streaming})
			start(t, api.Addr(), settings{streaming: streaming, limit: 7 << 20,
				program: func(ctx context.Context, inv *adapter.Invocation, w io.Writer) error {
					if len(inv.Payload)%2 == 1 {
						_ = echo(ctx, inv, w)
						return &adapter.Error{Type: "Odd"}
					}
					return echo(ctx, inv, w)
				}})
			round := func() {
				for _, size := range []int{0, 1, 100_000, 100_001, 2 << 20, 2<<20 + 1} {
					if r := invoke(t, api, platform.Event{Payload: make([]byte, size)}); r.Failed != (size%2 == 1) {
						t.Errorf("%d bytes: %+v", size, r)
					}
				}
			}
			for range 3 {
				round()
			}
			goroutines, descriptors := settle(t, runtime.NumGoroutine, 0), settle(t, openFiles, 0)
			for range 30 {
				round()
			}
			if n := settle(t, runtime.NumGoroutine, goroutines+2); n > goroutines+2 {
				t.Errorf("%d goroutines after %d", n, goroutines)
			}
			if n := settle(t, openFiles, descriptors+2); n > descriptors+2 {
				t.Errorf("%d descriptors after %d", n, descriptors)
			}
		})
	}
}

// settle is count once it is no more than limit, or after a while.
func settle(t *testing.T, count func() int, limit int) int {
	t.Helper()
	for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); runtime.Gosched() {
		if count() <= limit {
			break
		}
	}
	return count()
}

func openFiles() int {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(files)
}
