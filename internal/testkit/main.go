package testkit

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Variable is the environment variable that makes a test binary one of its programs.
const Variable = "TESTKIT_PROGRAM"

// Main is the TestMain of a package whose tests start processes. With Variable set, the test
// binary is the program of that name instead. If all tests pass, Main runs after in turn and
// looks for a child that is left.
func Main(m *testing.M, programs map[string]func(), after ...func() error) {
	RunProgram(programs)
	for fd := 3; fd < 1024; fd++ { // what we inherited is not for our children
		unix.CloseOnExec(fd)
	}
	code := m.Run()
	if code == 0 {
		if err := check(append(after, noChildren)); err != nil {
			fmt.Println("FAIL: after all tests:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// RunProgram is the part of Main that runs a program; one that returns exits with code 0.
// RunProgram returns if Variable is not set, and hides it from what the program starts.
func RunProgram(programs map[string]func()) {
	name, is := os.LookupEnv(Variable)
	if !is {
		return
	}
	_ = os.Unsetenv(Variable)
	run, known := programs[name]
	if !known {
		fmt.Fprintf(os.Stderr, "the test binary has no program %q\n", name)
		os.Exit(2)
	}
	run()
	os.Exit(0)
}

// Self returns the path of the test binary.
func Self() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}

// Program returns the variables that make the test binary that program. Without the first one,
// each program that is built with the race detector sleeps for a second before it exits.
func Program(name string) []string {
	return []string{"GORACE=atexit_sleep_ms=0", Variable + "=" + name}
}

// Environ returns our environment with the variables of Program.
func Environ(name string) []string { return append(os.Environ(), Program(name)...) }

// check runs checks in turn, up to the first that fails or hangs.
func check(checks []func() error) error {
	failed := make(chan error, 1)
	go func() { // ends with the process at the latest
		for _, one := range checks {
			if err := one(); err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}()
	select {
	case err := <-failed:
		return err
	case <-time.After(2 * Patience): // a check may need Patience of its own
		return fmt.Errorf("a check hangs, perhaps because a child is left\n%s", stacks())
	}
}

func noChildren() error {
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); !errors.Is(err, unix.ECHILD) {
		return fmt.Errorf("a child is left: wait4 returns %d, %w", pid, err)
	}
	return nil
}
