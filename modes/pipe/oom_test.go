package pipe_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/doctor"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/modes/pipe"
	"fgbootstrap/runtimeapi/functiongraph"

	"go.uber.org/zap"
)

// The counter is a file of ours, and the kernel's part is the program's.
func TestAWantOfMemoryIsToldOfTheEventThatHadIt(t *testing.T) {
	root := t.TempDir()
	groups, counter := filepath.Join(root, "self"), filepath.Join(root, "memory.events")
	for path, text := range map[string]string{groups: "0::/\n", counter: "oom_kill 0\n"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	reaper := process.NewReaper(zap.NewNop())
	t.Cleanup(reaper.Close)
	mode := pipe.New(pipe.Config{
		Program: failure.Program{
			Command: doctor.Command{Words: []string{"/bin/sh", "-c", `read -r script; eval "$script"`}, CodeRoot: root, Dir: root},
			OOM:     procfs.NewOOM(procfs.CGroup{Root: root, Groups: groups}), Timeout: time.Minute,
		},
		Env: []string{"COUNTER=" + counter}, Margin: time.Second, IsMetadata: functiongraph.IsMetadata,
		Reaper: reaper, Log: zap.NewNop(), Output: zap.NewNop(),
	})
	t.Cleanup(func() { _ = mode.Shutdown(context.Background()) })
	for _, row := range []struct {
		script string
		memory bool
	}{
		{"kill -KILL $$", false},
		{`echo "oom_kill 1" >"$COUNTER"; kill -KILL $$`, true},
		{"kill -KILL $$", false},
		{`echo "oom_kill 2" >"$COUNTER"; exit 1`, true},
		{"kill -KILL $$", false},
	} {
		response, err := adapter.NewResponse(adapter.ResponseOptions{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		err = mode.Invoke(t.Context(), &adapter.Invocation{Payload: []byte(row.script + "\n")}, response)
		response.Free()
		var told *adapter.Error
		if !errors.As(err, &told) || strings.Contains(told.Message, "out of memory") != row.memory {
			t.Errorf("%s: got %v", row.script, err)
		}
	}
}
