package pipe_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/doctor"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/secret"
	"fgbootstrap/modes/pipe"
	"fgbootstrap/runtimeapi/functiongraph"

	"go.uber.org/zap"
)

// A wrapper that ends at the first signal leaves the program in it the time that both have.
func TestAProgramInAWrapperHasItsTimeAtTheDeadline(t *testing.T) {
	dir := t.TempDir()
	reaper := process.NewReaper(zap.NewNop())
	t.Cleanup(reaper.Close)
	script := `sh -c 'trap "sleep .3; echo rolled back >&2; exit" TERM; while :; do sleep .02; done'; true`
	mode := pipe.New(pipe.Config{
		Program: failure.Program{
			Command: doctor.Command{Words: []string{"sh", "-c", script}, CodeRoot: dir, Dir: dir, Path: os.Getenv("PATH")},
			OOM:     &procfs.OOM{}, Timeout: time.Second, Full: true,
		},
		Margin: time.Minute, IsMetadata: functiongraph.IsMetadata, Reaper: reaper, Mask: secret.NewMask(), Log: zap.NewNop(), Output: zap.NewNop(),
	})
	t.Cleanup(func() { _ = mode.Shutdown(context.Background()) })
	response, err := adapter.NewResponse(adapter.ResponseOptions{Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Free()
	response.Reset(nil)
	now := time.Now()
	inv := &adapter.Invocation{ID: "id", Received: now, Deadline: now.Add(500 * time.Millisecond), Expires: now.Add(time.Minute)}
	ctx, cancel := context.WithDeadline(t.Context(), inv.Deadline)
	defer cancel()
	err = response.End(mode.Invoke(ctx, inv, response))
	var told *adapter.Error
	if !errors.As(err, &told) || told.Type != "Runtime.Timeout" || !strings.Contains(strings.Join(told.Stack, "\n"), "rolled back") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(now); took > 10*time.Second { // a quarter of the margin is more
		t.Errorf("it took %s, though nobody was left", took)
	}
}
