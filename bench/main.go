// Command bench compares bootstrap with C programs that do the least that can
// be done, and with the loops that people write by hand. It prints ratios, since
// times differ from machine to machine; what is measured stands in rows*.go. It
// knows of bootstrap only what a function's environment tells it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"

	"golang.org/x/sys/unix"
)

// options are those of the command line.
type options struct {
	quick          bool
	only           *regexp.Regexp
	json, markdown string // files to write, "": none
	against        string // an earlier bootstrap's file, "": none
}

func main() {
	var o options
	flag.BoolVar(&o.quick, "quick", false, "one round of few events: enough to see that it works, not to quote")
	only := flag.String("only", "", "measure only the groups whose title matches this regular expression")
	flag.StringVar(&o.json, "json", "", "write all results to this file as JSON")
	flag.StringVar(&o.markdown, "markdown", "", "write all tables to this file as Markdown")
	flag.StringVar(&o.against, "against", "", "measure only bootstrap, in turns with this earlier one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	var err error
	if o.only, err = regexp.Compile(*only); err == nil {
		err = bench(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// errFailed is for the exit code; the table has said what failed.
var errFailed = errors.New("at least one candidate failed; see FAILED above")

func bench(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "fgbootstrap-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := build(ctx, dir); err != nil {
		return err
	}
	if o.against != "" {
		if err := bringBefore(o.against, dir); err != nil {
			return err
		}
	}
	all := results{Machine: thisMachine(), Quick: o.quick}
	fmt.Printf("%s\nOn one CPU, driver, poller and programs share it. Every ratio is to the first line of its table.\n", all.Machine)
	failed := false
	for _, g := range groups() {
		if !o.only.MatchString(g.title) {
			continue
		}
		if o.quick {
			g = g.quick()
		}
		if o.against != "" {
			var comparable bool
			if g, comparable = g.against(); !comparable {
				continue
			}
		}
		r, err := g.measured(ctx, dir)
		if err != nil {
			return err
		}
		fmt.Print(r.text())
		failed = failed || r.failed()
		all.Groups = append(all.Groups, r)
	}
	if err := all.write(o); err != nil {
		return err
	}
	if failed {
		return errFailed
	}
	return nil
}

// measured measures a group, if that can be done here. The error is ctx's; some candidates may
// then have fewer rounds than others.
func (g group) measured(ctx context.Context, dir string) (report, error) {
	if g.needs != nil {
		if why := g.needs(dir); why != nil {
			return g.skipped(why), nil
		}
	}
	all := measure(ctx, dir, g)
	if ctx.Err() != nil {
		return report{}, errors.New("interrupted")
	}
	return g.report(all), nil
}

// write writes the files that are wanted.
func (r results) write(o options) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	for name, content := range map[string]string{o.json: string(text) + "\n", o.markdown: r.markdown()} {
		if name == "" {
			continue
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
