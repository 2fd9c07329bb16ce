// Command testrun runs a test runner, gotestsum, and says above its last line what was
// skipped: how many tests for which reason. It exits with the runner's code.
//
//	testrun EVENTS RUNNER [ARGUMENT...]
//
// EVENTS is the file to which the runner writes the events of go test -json. The runner
// prints its own summary, and the last line of that remains the last line of all.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: testrun EVENTS RUNNER [ARGUMENT...]")
		os.Exit(2)
	}
	code, err := run(os.Stdout, os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
	}
	os.Exit(code)
}

// run returns the runner's exit code, but never 0 with an error.
func run(out io.Writer, events string, runner []string) (code int, err error) {
	// An interrupt at the terminal is for the runner, too, which ends by it. We wait for that.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	cmd := exec.Command(runner[0], runner[1:]...)
	cmd.Stdin, cmd.Stderr = os.Stdin, os.Stderr
	summary, err := cmd.StdoutPipe()
	if err != nil {
		return 1, err
	}
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	last, err := copyToLast(out, summary)
	ended := cmd.Wait()
	if err == nil {
		err = reportSkips(out, events)
	}
	_, printing := io.WriteString(out, last)
	err = errors.Join(err, printing)
	code = cmd.ProcessState.ExitCode()
	switch failed := (*exec.ExitError)(nil); {
	case code < 0: // killed by a signal
		return 1, errors.Join(ended, err)
	case ended != nil && !errors.As(ended, &failed):
		err = errors.Join(ended, err)
	}
	if err != nil && code == 0 {
		code = 1
	}
	return code, err
}

// copyToLast copies lines as they come, and keeps the summary line back if it is the last.
func copyToLast(out io.Writer, in io.Reader) (last string, err error) {
	for lines := bufio.NewReader(in); ; {
		line, err := lines.ReadString('\n')
		if line != "" {
			if _, err := io.WriteString(out, last); err != nil {
				return "", err
			}
			if last = line; !strings.HasPrefix(line, "DONE ") {
				last = ""
				if _, err := io.WriteString(out, line); err != nil {
					return "", err
				}
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return last, nil
		case err != nil:
			return last, err
		}
	}
}

func reportSkips(out io.Writer, events string) error {
	file, err := os.Open(events)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	skips, err := readSkips(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", events, err)
	}
	return skips.write(out)
}
