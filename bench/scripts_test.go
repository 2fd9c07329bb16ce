package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgbootstrap/internal/testkit"
)

// What is on PATH may be a launcher that takes longer to start than what it starts.
func TestAScriptStartsItsInterpreterItself(t *testing.T) {
	source, dir, path := t.TempDir(), t.TempDir(), t.TempDir()
	testkit.WriteFile(t, filepath.Join(path, "python3"), "#!/bin/sh\necho /the/interpreter\n", 0o755)
	testkit.WriteFile(t, filepath.Join(path, "bash"), "", 0o755)
	for _, name := range scripts {
		testkit.WriteFile(t, filepath.Join(source, name), "#!/usr/bin/env "+strings.TrimPrefix(filepath.Base(name), "copy-")+"\nthe rest\n", 0o755)
	}
	testkit.WriteFile(t, filepath.Join(source, "loops/bash-curl"), "#!/usr/bin/env bash\nthe rest\n", 0o755)
	t.Setenv("PATH", path)
	t.Setenv("CI", "")
	if err := copyScripts(t.Context(), source, dir); err != nil {
		t.Fatal(err)
	}
	for name, first := range map[string]string{"copy-python3": "/the/interpreter", "bash-curl": filepath.Join(path, "bash")} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != "#!"+first+"\nthe rest\n" {
			t.Errorf("got %s, %v", text, err)
		}
	}
	missing := language{file: "copy-node"}.installed(dir)
	if missing == nil || missing.Error() != "node is not installed" {
		t.Errorf("got %v", missing)
	}
	t.Setenv("CI", "true")
	if err := copyScripts(t.Context(), source, dir); err == nil || !strings.Contains(err.Error(), "is not installed") {
		t.Errorf("with CI=true: got %v", err)
	}
}
