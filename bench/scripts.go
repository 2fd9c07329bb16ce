package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// scripts are copied, with their interpreter's own path in their first line.
var scripts = []string{"loops/bash-curl", "programs/copy-sh", "programs/copy-python3", "programs/copy-node"}

// askWhere holds programs with which interpreters tell their own path: the one on PATH may be a
// version manager's launcher, which takes longer than what is measured.
var askWhere = map[string][]string{
	"python3": {"-c", "import sys; print(sys.executable)"},
	"node":    {"-p", "process.execPath"},
}

func copyScripts(ctx context.Context, source, dir string) error {
	for _, name := range scripts {
		text, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return err
		}
		first, rest, _ := strings.Cut(string(text), "\n")
		if interpreter, found := strings.CutPrefix(first, "#!/usr/bin/env "); found {
			path, err := find(ctx, interpreter)
			if err != nil && os.Getenv("CI") == "true" {
				return err
			}
			if err != nil {
				continue // its groups say so
			}
			first = "#!" + path
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), []byte(first+"\n"+rest), 0o755); err != nil {
			return err
		}
	}
	return nil
}

func find(ctx context.Context, interpreter string) (string, error) {
	path, err := exec.LookPath(interpreter)
	if err != nil {
		return "", fmt.Errorf("%s is not installed", interpreter)
	}
	ask := askWhere[interpreter]
	if ask == nil {
		return path, nil
	}
	own, err := exec.CommandContext(ctx, path, ask...).Output()
	if err != nil {
		return "", fmt.Errorf("ask %s where it is: %w", path, err)
	}
	return strings.TrimSpace(string(own)), nil
}
