// Command bench compares bootstrap with C programs that do the least that can
// be done, and with the loops that people write by hand. It prints ratios, since
// times differ from machine to machine; what is measured stands in rows.go. It
// knows of bootstrap only what a function's environment tells it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"

	"golang.org/x/sys/unix"
)

func main() {
	quick := flag.Bool("quick", false, "few rounds of few events: enough to see that it works, not to quote")
	only := flag.String("only", "", "measure only the groups whose title matches this regular expression")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	wanted, err := regexp.Compile(*only)
	if err == nil {
		err = bench(ctx, wanted, *quick)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// errFailed is for the exit code; the table has said what failed.
var errFailed = errors.New("at least one candidate failed; see FAILED above")

func bench(ctx context.Context, wanted *regexp.Regexp, quick bool) error {
	dir, err := os.MkdirTemp("", "fgbootstrap-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := build(ctx, dir); err != nil {
		return err
	}
	fmt.Printf("%s, %d CPUs; at one CPU, driver, poller and worker or server share it\n", runtime.Version(), runtime.NumCPU())
	failed := false
	for _, g := range groups() {
		if !wanted.MatchString(g.title) {
			continue
		}
		if quick {
			g = g.quick()
		}
		series := measure(ctx, dir, g)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		text, bad := g.report(series)
		fmt.Print(text)
		failed = failed || bad
	}
	if failed {
		return errFailed
	}
	return nil
}
