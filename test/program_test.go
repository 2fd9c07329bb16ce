package test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// behaviour is what a user's program does with an event, in every mode: it
// writes a response and returns an exit code (or never returns). What it wrote
// before a code other than 0 is its own error, if it is one.
type behaviour func(event []byte, out io.Writer) int

var behaviours = map[string]behaviour{
	"echo": func(event []byte, out io.Writer) int {
		_, err := out.Write(event)
		return code(err)
	},
	"empty": func([]byte, io.Writer) int { return 0 },
	"size": func(event []byte, out io.Writer) int {
		_, err := fmt.Fprint(out, len(event))
		return code(err)
	},
	"silent": func([]byte, io.Writer) int {
		time.Sleep(time.Hour)
		return 0
	},
	"background": func(event []byte, out io.Writer) int {
		_, err := out.Write(event)
		// It has all of the program's pipes.
		child := exec.Command("sleep", "600")
		child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
		return code(errors.Join(err, child.Start()))
	},
	"own error": func(_ []byte, out io.Writer) int {
		_, _ = fmt.Fprint(out, `{"errorType":"Shop.Closed","errorMessage":"come back tomorrow","stackTrace":["a","b"]}`)
		return 1
	},
	"exit": func([]byte, io.Writer) int {
		fmt.Fprintln(os.Stderr, "about to fail")
		return 3
	},
	"signal": func([]byte, io.Writer) int {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		time.Sleep(time.Hour)
		return 0
	},
	"slow": func(event []byte, out io.Writer) int {
		fmt.Fprintln(os.Stderr, "got the event")
		time.Sleep(300 * time.Millisecond)
		_, err := out.Write(event)
		return code(err)
	},
	"hang": func([]byte, io.Writer) int {
		signal.Ignore(syscall.SIGTERM)
		fmt.Fprintln(os.Stderr, "got the event")
		time.Sleep(time.Hour)
		return 0
	},
	"garbage": func(_ []byte, out io.Writer) int {
		_, err := out.Write(garbage())
		return code(err)
	},
	"tells":               tells,
	"tells in an error":   tellsInAnError,
	"tells as output":     tellsAsOutput,
	"tells in the result": tellsInTheResult,
	"logs objects":        logsObjects,
	"loud": func(event []byte, out io.Writer) int {
		fmt.Fprintln(os.Stderr, strings.Repeat("e", 5<<20))
		_, err := out.Write(event)
		return code(err)
	},
}

// garbage is 200 KB of every byte value there is.
func garbage() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(255 - i)
	}
	return bytes.Repeat(all, 800)
}

func code(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// programs are the user's programs that this test binary can be.
func programs() map[string]func() {
	all := map[string]func() int{
		"late":            late,
		"mirror":          mirror,
		"parrot":          parrot,
		"record":          record,
		"scripted worker": runScriptedWorker,
		"streamer":        streamer,
	}
	for name, do := range behaviours {
		all[name] = func() int { return behave(do) }
	}
	exits := map[string]func(){}
	for name, run := range all {
		exits[name] = func() { os.Exit(run()) }
	}
	return exits
}

// behave is a program that does that, for the mode that it is run in.
func behave(do behaviour) int {
	switch os.Getenv("BOOTSTRAP_MODE") {
	case "worker":
		return speakers[os.Getenv("BOOTSTRAP_WORKER_PROTOCOL")](do)
	case "http":
		return serve(do)
	}
	event, err := io.ReadAll(os.Stdin)
	if err != nil {
		return code(err)
	}
	return do(event, os.Stdout)
}
