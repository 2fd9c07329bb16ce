package test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// behaviourVariable makes this test binary a user's program.
const behaviourVariable = "FGTEST_BEHAVIOUR"

// behaviour is what a user's program does with an event, in every mode: it
// writes a response and returns an exit code (or never returns).
type behaviour func(event []byte, out io.Writer) int

var behaviours = map[string]behaviour{
	"echo": func(event []byte, out io.Writer) int {
		_, err := out.Write(event)
		return code(err)
	},
	"empty": func([]byte, io.Writer) int { return 0 },
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
		select {}
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

// pipeProgram is a program for pipe mode.
func pipeProgram(name string) int {
	event, err := io.ReadAll(os.Stdin)
	if err != nil {
		return code(err)
	}
	do, known := behaviours[name]
	if !known {
		return code(fmt.Errorf("no behaviour %q", name))
	}
	return do(event, os.Stdout)
}
