package process_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"fgbootstrap/internal/process"
	"fgbootstrap/internal/testkit"

	"golang.org/x/sys/unix"
)

// The main thread is kept from running tests: unlike others it does not end
// with a goroutine that is locked to it, which one test is about.
func init() { runtime.LockOSThread() }

// reaper is this process's only one. It is made by the first test that needs it,
// for it would take the children of go test -fuzz away from it.
var reaper = sync.OnceValue(newReaper)

func TestMain(m *testing.M) {
	programs := map[string]func(){}
	for name, run := range children {
		programs[name] = func() { os.Exit(run(os.Args[1:])) }
	}
	testkit.Main(m, programs, func() error {
		reaper().Close() // hangs if a child is left
		return nil
	})
}

// child is this test binary as one of the children.
func child(name string, args ...string) process.Spec {
	self := testkit.Self()
	return process.Spec{
		Path:      self,
		Args:      append([]string{self}, args...),
		Env:       testkit.Environ(name),
		KeepStdin: true,
	}
}

// shell is for what a Go program can't do, such as dying of SIGSEGV, and for
// many quick starts.
func shell(script string) process.Spec {
	return process.Spec{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: os.Environ(), KeepStdin: true}
}

// program is a process under test with its stdout buffered.
type program struct {
	*process.Process
	t   *testing.T
	out *bufio.Reader
}

// start starts spec, to be killed with its group when the test ends.
func start(t *testing.T, spec process.Spec) *program {
	t.Helper()
	p, err := reaper().Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Signal(unix.SIGKILL)
		<-p.Done()
		p.KillGroup(testkit.Patience)
		p.Close()
	})
	for _, f := range []*os.File{p.Stdout, p.Stderr} {
		_ = f.SetReadDeadline(time.Now().Add(testkit.Patience))
	}
	return &program{Process: p, t: t, out: bufio.NewReader(p.Stdout)}
}

// line is the next line of stdout.
func (p *program) line() string {
	p.t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.t.Fatalf("the program wrote %q, then: %v", line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

// number is a line that is one.
func (p *program) number() int {
	p.t.Helper()
	line := p.line()
	var n int
	if _, err := fmt.Sscan(line, &n); err != nil {
		p.t.Fatalf("the program wrote %q instead of a number", line)
	}
	return n
}

// answers holds the program, or who has its stdin and stdout, to an echo.
func (p *program) answers(text string) {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.Stdin, text); err != nil {
		p.t.Fatal(err)
	}
	if line := p.line(); line != text {
		p.t.Fatalf("the answer is %q, want %q", line, text)
	}
}

// silent waits for the end of stdout: nobody is left who holds it.
func (p *program) silent() {
	p.t.Helper()
	if line, err := p.out.ReadString('\n'); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatalf("stdout goes on: %q, %v", line, err)
	}
}

// ended waits for the program's end.
func (p *program) ended() process.Status {
	p.t.Helper()
	testkit.Await(p.t, p.Done(), "the program's end")
	return p.Status()
}

// death waits for the end of any process.
func death(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	end := time.Now().Add(testkit.Patience)
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(time.Until(end).Milliseconds()))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			t.Fatal(err)
		case n == 0:
			t.Fatalf("process %d does not end", pid)
		default:
			return
		}
	}
}

func alive(pid int) bool { return unix.Kill(pid, 0) == nil }
