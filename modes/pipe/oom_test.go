package pipe_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/modetest"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/testkit"
)

// The counter is a file of ours, and the kernel's part is the program's.
func TestAWantOfMemoryIsToldOfTheEventThatHadIt(t *testing.T) {
	root := t.TempDir()
	groups, counter := filepath.Join(root, "self"), filepath.Join(root, "memory.events")
	for path, text := range map[string]string{groups: "0::/\n", counter: "oom_kill 0\n"} {
		testkit.WriteFile(t, path, text, 0o644)
	}
	program := modetest.Program(root, "/bin/sh", "-c", `read -r script; eval "$script"`)
	program.OOM = procfs.NewOOM(procfs.CGroup{Root: root, Groups: groups})
	mode := open(t, program, "COUNTER="+counter)
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
