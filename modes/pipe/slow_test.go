package pipe_test

import (
	"strings"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/modetest"
)

// slow is a platform that takes a response slowly.
type slow struct{ taken int }

func (s *slow) Write(p []byte) (int, error) {
	time.Sleep(300 * time.Millisecond) // longer than a program's end is waited for
	s.taken += len(p)
	return len(p), nil
}

// The program has ended, and its pipe is full, long before all of it is taken.
func TestASlowPlatformGetsAllThatAProgramWroteBeforeItEnded(t *testing.T) {
	mode := open(t, modetest.Program(t.TempDir(), "head", "-c", "500000", "/dev/zero"))
	large := []byte(strings.Repeat("x", 70000)) // its pipes are large, too
	platform := &slow{}
	response, err := adapter.NewResponse(adapter.ResponseOptions{Limit: 1 << 20, Stream: func(r *adapter.Response) error {
		_, err := r.WriteTo(platform)
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Free()
	response.Reset(large)
	err = response.End(mode.Invoke(t.Context(), &adapter.Invocation{Payload: large}, response))
	if err != nil || platform.taken != 500000 {
		t.Errorf("got %d bytes, %v", platform.taken, err)
	}
}
