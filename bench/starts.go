package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// startOnce is one start of a candidate, measured by a program in C: starting it from
// here would take longer than some starts.
func startOnce(ctx context.Context, dir string, g group, c candidate) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	r, w, err := os.Pipe()
	if err != nil {
		return result{}, err
	}
	defer func() { _ = r.Close() }()
	p, err := startProc(dir, g.cpus, append([]string{"first_poll"}, c.command...), environment(dir, c), w)
	_ = w.Close() // or the program's end would not be the pipe's
	if err != nil {
		return result{}, err
	}
	select {
	case <-p.ended:
	case <-ctx.Done():
	}
	said := p.stop()
	if !p.cmd.ProcessState.Success() {
		return result{}, fmt.Errorf("first_poll (%v) said: %s", p.cmd.ProcessState, said)
	}
	var started struct{ FirstPoll, RSS float64 }
	if err := json.NewDecoder(r).Decode(&started); err != nil {
		return result{}, fmt.Errorf("read when the first poll came: %w", err)
	}
	binary, err := os.Stat(filepath.Join(dir, c.command[0]))
	if err != nil {
		return result{}, err
	}
	return result{FirstPoll: started.FirstPoll, RSS: started.RSS / 1024, Size: float64(binary.Size()) / (1 << 20)}, nil
}

// environment is the environment of a function's instance without the runtime API's address, plus
// the variables that bootstrap sets for its programs: these slow down their start, and all
// candidates must run the same programs.
func environment(dir string, c candidate) []string {
	return append([]string{"RUNTIME_TIMEOUT=30", "RUNTIME_CODE_ROOT=" + dir, "LANG=C.UTF-8", "PYTHONUNBUFFERED=1"}, c.env...)
}
