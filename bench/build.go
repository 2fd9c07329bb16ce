package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// cPrograms names the C programs and their sources in bench/limits, and what else the
// compiler is to know.
var cPrograms = map[string][]string{
	"driver":             {"driver.c", "events.c", "payload.c", "stream.c", "pattern.c", "json.c", "http.c", "sockets.c", "common.c"},
	"first_poll":         {"first_poll.c", "http.c", "sockets.c", "common.c"},
	"poller_null":        {"poller_null.c", "runtime_api.c", "http.c", "sockets.c", "common.c"},
	"poller_spawn":       {"poller_spawn.c", "program.c", "runtime_api.c", "http.c", "sockets.c", "common.c"},
	"poller_spare":       {"poller_spare.c", "program.c", "runtime_api.c", "http.c", "sockets.c", "common.c"},
	"poller_worker":      {"poller_worker.c", "runtime_api.c", "http.c", "sockets.c", "common.c"},
	"poller_http":        {"poller_http.c", "webserver.c", "runtime_api.c", "http.c", "sockets.c", "common.c"},
	"poller_copy":        {"poller_stream.c", "piece_copy.c", "program.c", "runtime_api.c", "http.c", "sockets.c", "common.c"},
	"poller_splice":      {"poller_stream.c", "piece_splice.c", "program.c", "runtime_api.c", "http.c", "sockets.c", "common.c"},
	"poller_copy_http":   {"poller_stream_http.c", "piece_copy.c", "webserver.c", "runtime_api.c", "http.c", "sockets.c", "common.c"},
	"poller_splice_http": {"poller_stream_http.c", "piece_splice.c", "webserver.c", "runtime_api.c", "http.c", "sockets.c", "common.c"},
	"copy":               {"-static", "copy.c", "common.c"}, // as what is made to start fast would be
	"producer":           {"producer.c", "pattern.c", "common.c"},
	"server":             {"server.c", "pattern.c", "http.c", "sockets.c", "common.c"},
	"worker":             {"worker.c", "common.c"},
	"worker_jsonrpc":     {"worker_jsonrpc.c", "json.c", "common.c"},
}

// goPrograms are built as `make build` does.
var goPrograms = []string{
	"fgbootstrap/cmd/bootstrap",
	"fgbootstrap/bench/core",
	"fgbootstrap/bench/minimal",
	"fgbootstrap/bench/loops/nethttp-exec",
	"fgbootstrap/bench/loops/nethttp-http",
	"fgbootstrap/bench/loops/nethttp-null",
	"fgbootstrap/bench/loops/nethttp-worker",
}

// build puts every program into dir, under its own name. A script whose interpreter is
// not installed is missing there.
func build(ctx context.Context, dir string) error {
	root, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "fgbootstrap/bench").Output()
	if err != nil {
		return fmt.Errorf("find bench/limits (run me inside the repository): %w", err)
	}
	source := strings.TrimSpace(string(root))
	if err := buildC(ctx, filepath.Join(source, "limits"), dir); err != nil {
		return err
	}
	if err := copyScripts(ctx, source, dir); err != nil {
		return err
	}
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", dir + "/"}, goPrograms...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	return run(cmd)
}

func buildC(ctx context.Context, limits, dir string) error {
	cc, err := compiler()
	if err != nil {
		return err
	}
	for name, sources := range cPrograms {
		cmd := exec.CommandContext(ctx, cc, append([]string{"-O2", "-o", filepath.Join(dir, name)}, sources...)...)
		cmd.Dir = limits
		if err := run(cmd); err != nil {
			return err
		}
	}
	return nil
}

// compiler is $CC, or cc.
func compiler() (string, error) {
	name := os.Getenv("CC")
	if name == "" {
		name = "cc"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("there is no C compiler %q, and the references are C programs: install one (apt-get install gcc libc6-dev) "+
			"or name yours in CC", name)
	}
	return path, nil
}

// run shows what a tool said only if it failed.
func run(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}
