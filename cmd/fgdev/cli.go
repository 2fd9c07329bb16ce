package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"fgbootstrap/platform/api"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the invocation failed
	exitUsage  = 2 // bad usage, nothing was run
)

const description = `Run a function on a local FunctionGraph.

DIR is the folder that you would zip, ZIP the file that you would upload. A folder without a bootstrap gets the one
beside fgdev. The function's variables are in DIR/function.env, one KEY=VALUE a line; -c KEY=VALUE overrides them.

  fgdev invoke hello -e event.json           one event in, the result on stdout, all logs on stderr
  echo '{"a":1}' | fgdev invoke hello -e -   the event from stdin
  fgdev run hello                            keep it running for a browser or curl

Exit codes: 0 success, 1 the invocation failed (its error is the JSON on stdout), 2 bad usage.`

// version is set by the linker.
var version = "development"

type cli struct {
	Version kong.VersionFlag `help:"Show the version."`

	Invoke invokeCommand `cmd:"" help:"Run the function once and print its result."`
	Run    runCommand    `cmd:"" help:"Keep the function running behind two HTTP doors: / as the API gateway, /_fg/invoke for raw events. Ends with Ctrl-C."`
}

// streams are the three standard files.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func (s streams) note(format string, args ...any) {
	_, _ = fmt.Fprintf(s.err, "fgdev: "+format+"\n", args...)
}

// errInvocation is an invocation that failed; its error has been printed.
var errInvocation = errors.New("the invocation failed")

// usageError is a mistake in what the user gave us.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// usage makes an error of bad usage: exit code 2.
func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run is the whole program except for the process around it.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	std := streams{stdin, stdout, stderr}
	helped := false
	parser, err := kong.New(&cli{}, kong.Name("fgdev"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }),
		kong.Vars{"faults": api.FaultsHelp(), "version": version},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}))
	if err != nil {
		std.note("%v", err)
		return exitUsage
	}
	parsed, err := parser.Parse(args)
	if helped {
		return exitOK
	}
	if err != nil {
		std.note("%v\nTry 'fgdev --help'.", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	defer stop()
	parsed.BindTo(ctx, (*context.Context)(nil))
	return exitCode(std, parsed.Run(std))
}

// endSignals are the signals that end fgdev. Under nohup a closed terminal does not end it.
func endSignals() []os.Signal {
	if signal.Ignored(syscall.SIGHUP) {
		return []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	}
	return []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}
}

func exitCode(std streams, err error) int {
	var bad usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errInvocation):
		return exitFailed
	case errors.As(err, &bad):
		std.note("%v", err)
		return exitUsage
	default:
		std.note("%v", err)
		return exitFailed
	}
}
