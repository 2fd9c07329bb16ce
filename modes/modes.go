// Package modes is the table of modes: it makes each mode from the configuration.
package modes

import (
	"context"
	"fmt"
	"strings"

	"fgbootstrap/adapter"
	"fgbootstrap/config"
	"fgbootstrap/internal/doctor"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/resident"
	"fgbootstrap/internal/secret"
	"fgbootstrap/modes/httpproxy"
	"fgbootstrap/modes/pipe"
	"fgbootstrap/modes/worker"
	"fgbootstrap/modes/worker/codec"

	"go.uber.org/zap"
)

// Kit is what modes are made from. Log is for our own messages, Output for what the user's
// program prints.
type Kit struct {
	*config.Config
	// IsMetadata reports whether a header, its name in lower case, is the platform's metadata
	// about an invocation.
	IsMetadata  func(name string) bool
	Mask        *secret.Mask
	Reaper      *process.Reaper
	CGroup      procfs.CGroup
	Log, Output *zap.Logger
}

// Mode is one row of the table.
type Mode struct {
	Name string
	// Wraps says that results for the API gateway are wrapped in an envelope if they are not one.
	// A mode that speaks HTTP makes its own.
	Wraps bool
	// ReadsOurProc says that programs read their context below /proc/<our pid>, which must not be
	// closed to them then.
	ReadsOurProc bool
	// New makes the mode's handler and returns when the handler is ready for events, has failed
	// to become ready, or ctx ends. The error is a sentence for the user.
	New func(context.Context, Kit) (adapter.Handler, error)
}

// All lists the modes by the names that BOOTSTRAP_MODE knows.
func All() []Mode {
	return []Mode{
		{Name: "pipe", Wraps: true, ReadsOurProc: true, New: newPipe},
		{Name: "worker", Wraps: true, New: newWorker},
		{Name: "http", New: newHTTP},
	}
}

// Get returns the mode of that name; config has checked the name.
func Get(name string) Mode {
	for _, mode := range All() {
		if mode.Name == name {
			return mode
		}
	}
	return Mode{}
}

// Command returns the user's program as it is configured.
func Command(c *config.Config) doctor.Command {
	command := doctor.Command{Words: c.Command, Handler: c.Handler, CodeRoot: c.CodeRoot, Dir: c.Dir}
	for _, entry := range c.Env {
		if path, found := strings.CutPrefix(entry, "PATH="); found {
			command.Path = path
		}
	}
	return command
}

func newPipe(_ context.Context, k Kit) (adapter.Handler, error) {
	c := pipe.Config{
		Program:     k.program(),
		Env:         k.Env,
		Margin:      k.Margin,
		Grace:       k.ShutdownGrace,
		IsMetadata:  k.IsMetadata,
		Credentials: k.Credentials,
		Spares:      k.PipeSpares,
		Concurrency: k.Concurrency,
		MemoryMB:    k.MemoryMB,
		Mask:        k.Mask,
		Reaper:      k.Reaper,
		Log:         k.Log,
		Output:      k.Output,
		LogObjects:  k.LogFormat == "json",
	}
	if k.PipeInput != "event" {
		c.Requests = &pipe.Requests{
			CGI: k.PipeInput == "cgi", EventPath: k.HTTPEventPath, Path: k.HTTPPath, StripPrefix: k.HTTPStripPrefix,
			Wraps: k.APIGWrap == "always", Type: k.APIGType,
		}
	}
	if c.Spares > 0 {
		c.CPUs = k.CGroup.CPUs()
	}
	return k.explained(pipe.New(c)), nil
}

func newWorker(ctx context.Context, k Kit) (adapter.Handler, error) {
	protocol, known := codec.Get(k.WorkerProtocol)
	if !known {
		return nil, fmt.Errorf("BOOTSTRAP_WORKER_PROTOCOL is %q, which is not a protocol", k.WorkerProtocol)
	}
	capacity := 1
	if protocol.Multiplexed {
		capacity = k.Concurrency
	} else if k.Concurrency > k.WorkerCount {
		k.Log.Warn(fmt.Sprintf("BOOTSTRAP_CONCURRENCY is %d, but %d workers with the %s protocol take one event each: further events wait",
			k.Concurrency, k.WorkerCount, protocol.Name))
	}
	ctx, cancel := context.WithTimeout(ctx, k.InitWait)
	defer cancel()
	return k.explained(worker.New(ctx, worker.Config{
		Resident:       k.resident(),
		Protocol:       protocol,
		Codec:          protocol.New(codec.Options{Getenv: k.getenv, Credentials: k.Credentials}),
		Descriptor3:    protocol.Descriptor3 || k.WorkerResponse == "fd3",
		Count:          k.WorkerCount,
		Capacity:       capacity,
		MaxInvocations: k.WorkerMaxInvocations,
		Margin:         k.Margin,
		MaxResponse:    k.MaxResponse,
		Streaming:      k.Streaming,
	})), nil
}

// explained is h with errors that say more than a mode knows.
func (k Kit) explained(h adapter.Handler) adapter.Handler {
	h = failure.Limited{Handler: h}
	if k.CommandHint != "" {
		h = failure.Hinted{Handler: h, Hint: k.CommandHint + "."}
	}
	return h
}

// getenv looks up a variable of the program's environment.
func (k Kit) getenv(name string) string {
	for _, entry := range k.Env {
		if value, found := strings.CutPrefix(entry, name+"="); found {
			return value
		}
	}
	return ""
}

// resident is what a worker and a web server have in common.
func (k Kit) resident() resident.Config {
	return resident.Config{
		Program: k.program(), Env: k.Env, Grace: k.ShutdownGrace, Mask: k.Mask, Reaper: k.Reaper, Log: k.Log, Output: k.Output,
		LogObjects: k.LogFormat == "json",
	}
}

func (k Kit) program() failure.Program {
	return failure.Program{Command: Command(k.Config), OOM: procfs.NewOOM(k.CGroup), Timeout: k.Timeout, Full: k.FullErrors}
}

// identity lists the headers that tell the platform's own HTTP functions about themselves, and
// the runtime's variables with the values.
var identity = []struct{ header, variable string }{
	{"X-Cff-Func-Name", "RUNTIME_FUNC_NAME"}, {"X-Cff-Func-Version", "RUNTIME_FUNC_VERSION"}, {"X-Cff-Package", "RUNTIME_PACKAGE"},
	{"X-Cff-Project-Id", "RUNTIME_PROJECT_ID"}, {"X-Cff-Memory", "RUNTIME_MEMORY"}, {"X-Cff-Timeout", "RUNTIME_TIMEOUT"},
}

func newHTTP(ctx context.Context, k Kit) (adapter.Handler, error) {
	c := httpproxy.Config{
		Resident:    k.resident(),
		Port:        k.HTTPPort,
		Socket:      k.HTTPSocket,
		EventPath:   k.HTTPEventPath,
		Path:        k.HTTPPath,
		StripPrefix: k.HTTPStripPrefix,
		IsMetadata:  k.IsMetadata,
		Fails:       k.HTTPFailStatus.Contains,
		Credentials: k.Credentials,
		Concurrency: k.Concurrency,
	}
	if k.HTTPReady != "tcp" {
		c.ReadyPath = k.HTTPReady
	}
	for _, row := range identity {
		if value := k.getenv(row.variable); value != "" {
			c.Identity = append(c.Identity, adapter.Header{Name: row.header, Value: value})
		}
	}
	ctx, cancel := context.WithTimeout(ctx, k.InitWait)
	defer cancel()
	return k.explained(httpproxy.New(ctx, c)), nil
}
