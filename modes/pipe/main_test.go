package pipe_test

import (
	"context"
	"testing"
	"time"

	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/modetest"
	"fgbootstrap/modes/pipe"
	"fgbootstrap/runtimeapi/functiongraph"

	"go.uber.org/zap"
)

func TestMain(m *testing.M) { modetest.Main(m, nil) }

// open is a pipe mode of that program, without spares.
func open(t *testing.T, program failure.Program, env ...string) *pipe.Handler {
	t.Helper()
	mode := pipe.New(pipe.Config{
		Program: program, Env: env, Margin: time.Second, IsMetadata: functiongraph.IsMetadata,
		Reaper: modetest.Reaper(), Log: zap.NewNop(), Output: zap.NewNop(),
	})
	t.Cleanup(func() { _ = mode.Shutdown(context.Background()) })
	return mode
}
