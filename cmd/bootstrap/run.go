package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"

	"fgbootstrap/adapter"
	"fgbootstrap/config"
	"fgbootstrap/internal/apig"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/secret"
	"fgbootstrap/internal/trigger"
	"fgbootstrap/modes"
	"fgbootstrap/runtimeapi/functiongraph"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// version is set by the linker.
var version = "development"

const notOnThePlatform = "RUNTIME_API_ADDR is not set: this program is meant to be started by FunctionGraph, as the file " +
	"bootstrap in a function's ZIP (runtime: Custom). To try a function on your own machine: fgdev invoke DIRECTORY -e EVENT.json"

// gcPercent keeps the heap at about 1.2 MB instead of 4 MB; an instance of 128 MB has better uses
// for the difference. The long-lived heap is small, since large buffers are not on it. The cost
// in time is too small to measure.
const gcPercent = 30

// run is the whole program except for its exit: configure, wire, loop.
func run(environ []string, self string, stderr io.Writer) int {
	debug.SetGCPercent(gcPercent)
	closeToPrograms()
	// Before the first log line, whose reader may be gone. The signal is caught and not ignored:
	// the programs that we start would inherit an ignored one.
	signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE)
	cfg, err := config.Load(environ, self)
	mask := secret.NewMask(cfg.Secrets...)
	log, output := newLoggers(cfg, mask, stderr)
	defer func() { _ = log.Sync() }()
	for _, warning := range cfg.Warnings {
		log.Warn(warning)
	}
	var problems config.Problems
	errors.As(err, &problems)
	for _, problem := range problems {
		log.Error(problem)
	}
	if cfg.APIAddr == "" {
		if len(problems) == 0 {
			log.Error(notOnThePlatform)
		}
		return 1
	}
	log.Info("bootstrap "+version, zap.String("mode", cfg.Mode), zap.Duration("timeout", cfg.Timeout))
	reaper := process.NewReaper(log)
	kit := modes.Kit{
		Config: cfg, IsMetadata: functiongraph.IsMetadata, Mask: mask, Reaper: reaper, Log: log, Output: output,
		CGroup: procfs.CGroup{Root: "/sys/fs/cgroup", Groups: "/proc/self/cgroup"},
	}
	ctx, stop := untilSignal(log)
	defer stop()
	mode := modes.Get(cfg.Mode)
	if !mode.ReadsOurProc {
		hideFromPrograms()
	}
	polls := pollers(cfg, log) // before the programs, which take descriptors too
	loop := &adapter.Loop{
		Handler:   handler(ctx, kit, problems),
		Pollers:   polls,
		Limit:     cfg.MaxResponse,
		Streaming: cfg.Streaming,
		Mask:      mask,
		Note:      sentence(cfg.Note),
		Grace:     cfg.ShutdownGrace,
		Log:       log,
	}
	if mode.Wraps { // one that speaks HTTP hands the header on
		loop.Traceparent = apig.Traceparent
	}
	if cfg.LogEvents {
		loop.EventLog, loop.Trigger = output, trigger.Of // which no level suppresses
	}
	if mode.Wraps {
		loop.Envelope = envelope(cfg.APIGWrap, cfg.APIGType)
	}
	if err := loop.Run(ctx); err != nil {
		log.Error("shut down", zap.Error(err))
		return 1
	}
	log.Info("bootstrap has stopped")
	return 0
}

// envelope says which results become envelopes; nil if none does.
func envelope(wrap, contentType string) *adapter.Envelope {
	e := &adapter.Envelope{
		Wants: apig.IsCall, Is: apig.IsEnvelope, Begins: apig.Begins, Bare: apig.OK(contentType), Doubts: apig.Doubts, Lacks: apig.Lacks,
	}
	switch wrap {
	case "off":
		return nil
	case "always": // whatever a result looks like, it is none
		e.Is = func([]byte) bool { return false }
		e.Begins = func([]byte) (may, known bool) { return false, true }
		e.Doubts = func([]byte) string { return "" }
	}
	return e
}

func sentence(text string) string {
	if text == "" {
		return ""
	}
	return text + "."
}

// hideFromPrograms keeps programs, which run as the same user, from reading our environment,
// memory and descriptors under /proc, and from tracing us. Credentials of events are in our memory.
func hideFromPrograms() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

// handler returns the mode's handler, or one that answers every event with what is wrong.
func handler(ctx context.Context, kit modes.Kit, problems config.Problems) adapter.Handler {
	if len(problems) == 0 {
		h, err := modes.Get(kit.Mode).New(ctx, kit)
		if err == nil {
			return h
		}
		kit.Log.Error(err.Error())
		problems = config.Problems{err.Error()}
	} else if err := missing(kit.Config); err != nil && !problems.About("BOOTSTRAP_COMMAND") {
		// A user who fixes the configuration wants to see all problems at once.
		problems = append(problems, err.Error())
	}
	return adapter.Refusal{Reason: &adapter.Error{
		Type:    adapter.TypeConfig,
		Message: "The function's configuration is wrong: " + strings.Join(problems, "; "),
		Stack:   problems,
	}}
}

// missing says why no program is found; nil if one is.
func missing(cfg *config.Config) error {
	c := modes.Command(cfg)
	_, _, err := c.Find()
	return err
}

// pollers makes the clients of the platform's API. A client for another platform would be made
// here too.
func pollers(cfg *config.Config, log *zap.Logger) []adapter.RuntimeAPI {
	var all []adapter.RuntimeAPI
	for range cfg.Concurrency {
		all = append(all, functiongraph.New(functiongraph.Config{
			Addr: cfg.APIAddr, Timeout: cfg.Timeout, Margin: cfg.Margin, Log: log,
		}))
	}
	return all
}

// untilSignal ends ctx at the first signal that asks us to stop and the process at the second.
func untilSignal(log *zap.Logger) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, stopping()...)
	go func() {
		for s := range signals {
			if ctx.Err() != nil {
				log.Warn("stopping at once", zap.Stringer("signal", s))
				os.Exit(1)
			}
			log.Info("stopping", zap.Stringer("signal", s))
			cancel()
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel()
	}
}

// stopping lists the signals that ask us to stop. SIGHUP is one, unless whoever started us had it
// ignored, as nohup does.
func stopping() []os.Signal {
	if signal.Ignored(unix.SIGHUP) {
		return []os.Signal{unix.SIGTERM, unix.SIGINT}
	}
	return []os.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP}
}
