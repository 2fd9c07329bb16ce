// Package fgtest is what the tests of the local platform have in common: a bootstrap and a client
// made by hand, functions whose bootstrap is the test binary, and a look at what is left behind.
// It is not part of fgdev.
package fgtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"fgbootstrap/platform/api"
)

// Patience is how long a test waits for what must happen: a busy machine may need more than the
// platform's 3 s.
const Patience = 60 * time.Second

// NoLeaks fails the test if it has more goroutines or descriptors at its end than now.
func NoLeaks(t *testing.T) {
	t.Helper()
	goroutines, fds := countGoroutines(), openFiles(t)
	t.Cleanup(func() {
		Eventually(t, "goroutines and descriptors are back", func() bool {
			return countGoroutines() <= goroutines && openFiles(t) <= fds
		})
	})
}

// countGoroutines leaves out the clock of the HTTP library, which it starts once and never stops.
func countGoroutines() int {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	return bytes.Count(buf, []byte("\ngoroutine ")) - bytes.Count(buf, []byte("fasthttp.updateServerDate.func"))
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// Eventually calls ok until it returns true, for at most Patience.
func Eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(Patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			buf := make([]byte, 1<<16)
			t.Errorf("never: %s\n%s", what, buf[:runtime.Stack(buf, true)])
			return
		}
	}
}

// Await returns the next value of a channel, which must come within Patience.
func Await[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(Patience):
		buf := make([]byte, 1<<16)
		t.Fatalf("nothing came\n%s", buf[:runtime.Stack(buf, true)])
		panic("unreachable")
	}
}

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

// Need skips a test that can't do without a program, or, where CI has to install it, fails it.
func Need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed, and CI has to install it", program)
	}
	t.Skipf("%s is not installed", program)
}
