package process_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fgbootstrap/internal/process"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/testkit"

	"golang.org/x/sys/unix"
)

func TestAnExitIsToldInWords(t *testing.T) {
	for _, test := range []struct {
		spec            process.Spec
		want            string
		success, killed bool
	}{
		{child("exit", "0"), "exited with code 0", true, false},
		{child("exit", "3"), "exited with code 3", false, false},
		{child("exit", "255"), "exited with code 255", false, false},
		{shell("kill -SEGV $$"), "was killed by SIGSEGV", false, false},
		{shell("kill -KILL $$"), "was killed by SIGKILL", false, true},
		{shell("kill -TERM $$"), "was killed by SIGTERM", false, false},
		{shell("kill -40 $$"), "was killed by signal 40", false, false},
		{shell("sh -c 'kill -KILL $$'; exit $?"),
			"exited with code 137, which is how a shell says that a program it ran was killed by SIGKILL", false, true},
	} {
		status := start(t, test.spec).ended()
		if status.String() != test.want || status.Success() != test.success || status.Killed() != test.killed {
			t.Errorf("%q: %s, success %v, killed %v; want %s, %v, %v", test.spec.Args,
				status, status.Success(), status.Killed(), test.want, test.success, test.killed)
		}
	}
}

func startEnding(t *testing.T) *program {
	t.Helper()
	p := start(t, child("ending"))
	p.line()
	testkit.Eventually(t, "its first thread has ended", func() bool { return procfs.State(p.PID) == "has ended" })
	return p
}

func TestAProgramThatTheKernelIsEndingEndsSoon(t *testing.T) {
	const moment = 10 * time.Millisecond
	p := startEnding(t)
	if !p.EndsSoon(t.Context(), moment) || p.Status().ExitStatus() != 3 {
		t.Error("it was not waited for")
	}
	p = start(t, child("hang"))
	p.line()
	if began := time.Now(); p.EndsSoon(t.Context(), moment) || time.Since(began) > testkit.Patience/2 {
		t.Error("a program that goes on was waited for")
	}
	_ = p.Signal(unix.SIGKILL)
	if !p.EndsSoon(t.Context(), testkit.Patience) {
		t.Error("a program that was killed was not waited for")
	}
}

func TestAProgramThatIsEndingIsNotWaitedForBeyondTheEvent(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	p := startEnding(t)
	if p.EndsSoon(ctx, time.Millisecond) {
		t.Error("it was waited for")
	}
}

func TestExitedIsCalledBeforeDone(t *testing.T) {
	called := false
	spec := child("exit", "5")
	spec.Exited = func(p *process.Process) {
		called = true
		select {
		case <-p.Done():
			t.Error("Done was closed before Exited")
		default:
		}
		if p.Status().ExitStatus() != 5 {
			t.Errorf("in Exited the program %s", p.Status())
		}
	}
	start(t, spec).ended()
	if !called {
		t.Error("Exited was not called")
	}
}

func TestStopEndsAtTheRungThatHelps(t *testing.T) {
	ladder := []process.Step{{Signal: unix.SIGTERM, Wait: testkit.Patience}, {Signal: unix.SIGKILL, Wait: testkit.Patience}}
	for name, want := range map[string]string{"hang": "was killed by SIGTERM", "ignore-term": "was killed by SIGKILL"} {
		p := start(t, child(name))
		p.number()
		if name == "ignore-term" {
			ladder[0].Wait = time.Millisecond // nothing will happen
		}
		if !p.Stop(ladder...) || p.ended().String() != want {
			t.Errorf("%s: %s, want %s", name, p.Status(), want)
		}
		ladder[0].Wait = testkit.Patience
	}
}

func TestStopTellsThatAProgramGoesOn(t *testing.T) {
	p := start(t, child("ignore-term"))
	p.number()
	if p.Stop(process.Step{Signal: unix.SIGTERM, Wait: time.Millisecond}) {
		t.Error("Stop says that a program which ignores TERM has ended")
	}
	if !alive(p.PID) {
		t.Error("it has")
	}
}

func TestStopSignalsNobodyOnceTheProgramHasEnded(t *testing.T) {
	p := start(t, child("adopted"))
	p.number()
	p.ended()
	if !p.Stop(process.Step{Signal: unix.SIGKILL, Wait: testkit.Patience}) {
		t.Error("Stop says that an ended program runs")
	}
	p.answers("still here")
}

func TestKillGroupLeavesNobody(t *testing.T) {
	p := start(t, child("family"))
	p.number()
	p.number()
	_ = p.Stdin.Close()
	if status := p.ended(); status.ExitStatus() != 3 {
		t.Errorf("the leader %s", status)
	}
	if err := p.Signal(unix.SIGTERM); err != nil {
		t.Error(err)
	}
	if !p.KillGroup(testkit.Patience) {
		t.Error("KillGroup says that somebody is left")
	}
	if err := unix.Kill(-p.PID, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("the group is still there: %v", err)
	}
	p.silent()
	if err := p.Signal(unix.SIGTERM); err != nil {
		t.Errorf("to signal nobody is an error: %v", err)
	}
}

func TestKillGroupGivesUpAfterItsPatience(t *testing.T) {
	// A zombie is a member of its group until it is collected, and the reaper
	// collects none while it is kept in Exited.
	ended, release := make(chan struct{}), make(chan struct{})
	blocker := child("exit", "0")
	blocker.Exited = func(*process.Process) {
		close(ended)
		<-release
	}
	p := start(t, child("echo"))
	start(t, blocker)
	<-ended
	if p.KillGroup(time.Millisecond) {
		t.Error("KillGroup says that a zombie is gone")
	}
	close(release)
	if !p.KillGroup(testkit.Patience) {
		t.Error("KillGroup says that nobody is somebody")
	}
}

func TestAProgramDiesWithUs(t *testing.T) {
	p := start(t, child("parent"))
	pid := p.number()
	if !alive(pid) {
		t.Fatal("the program does not run")
	}
	_ = unix.Kill(p.PID, unix.SIGKILL) // itself only: its program leads another group
	death(t, pid)
}

func TestAProgramSurvivesTheGoroutineThatStartedIt(t *testing.T) {
	started := make(chan *program)
	for range 20 {
		go func() { started <- start(t, child("echo")) }()
	}
	var all []*program
	for range 20 {
		all = append(all, <-started)
	}
	runtime.GC()
	for i, p := range all {
		p.answers(strconv.Itoa(i))
	}
}

// This is why nothing here may be locked to a thread: see the next test.
func TestAProgramDiesWithTheThreadThatStartedIt(t *testing.T) {
	started := make(chan *program)
	go func() {
		runtime.LockOSThread()
		started <- start(t, child("echo"))
	}()
	if status := (<-started).ended(); status.String() != "was killed by SIGKILL" {
		t.Errorf("it %s", status)
	}
}

func TestNothingOfOursIsLockedToAThread(t *testing.T) {
	root := ".."
	for ; ; root = filepath.Join(root, "..") {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
	}
	files := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if entry.IsDir() && entry.Name() == "bench" { // which is no part of bootstrap
			return filepath.SkipDir
		}
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("LockOSThread")) {
			t.Errorf("%s locks a goroutine to its thread: the programs started there die with it", path)
		}
		return err
	})
	if err != nil || files < 10 {
		t.Errorf("looked at %d files: %v", files, err)
	}
}

func TestAProgramGetsThreeBlockingPipesAndNothingElse(t *testing.T) {
	p := start(t, child("inventory"))
	if line := p.line(); line != "end" {
		t.Error(line)
	}
}

func TestAProgramRunsInItsFolderWithItsEnvironment(t *testing.T) {
	spec := shell(`echo "$0 $PWD $A"`)
	spec.Args[0], spec.Args = "sh", append(spec.Args, "name")
	spec.Dir, spec.Env = t.TempDir(), []string{"A=b"}
	if got, want := start(t, spec).line(), "name "+spec.Dir+" b"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestConcurrentStartsDoNotMixUpTheirEnds(t *testing.T) {
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 12 {
				code := 1 + i*12 + j
				p, err := reaper().Start(shell(fmt.Sprintf("exit %d", code)))
				if err != nil {
					t.Error(err)
					return
				}
				reaper().Sweep() // must not take it for a stranger
				_ = p.Signal(unix.SIGCONT)
				<-p.Done()
				if p.Status().ExitStatus() != code {
					t.Errorf("the program %s, want code %d", p.Status(), code)
				}
				p.KillGroup(testkit.Patience)
				p.Close()
			}
		})
	}
	all.Wait()
}

func TestManyStartsLeaveNothing(t *testing.T) {
	path, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	one := func() {
		p, err := reaper().Start(process.Spec{Path: path, Args: []string{"exit"}, Input: []byte("event")})
		if err != nil {
			t.Fatal(err)
		}
		<-p.Done()
		if !p.Status().Success() || !p.KillGroup(testkit.Patience) {
			t.Fatalf("the program %s", p.Status())
		}
		p.Close()
	}
	one()
	fds, goroutines := testkit.Descriptors(t), runtime.NumGoroutine()
	for range 200 {
		one()
	}
	if now := testkit.Descriptors(t); now != fds {
		t.Errorf("%d descriptors were open, now %d", fds, now)
	}
	if now := runtime.NumGoroutine(); now > goroutines {
		t.Errorf("there were %d goroutines, now %d", goroutines, now)
	}
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); !errors.Is(err, unix.ECHILD) {
		t.Errorf("a child is left: wait4 gives %d, %v", pid, err)
	}
}

func TestAFailedStartLeavesNothing(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "program")
	testkit.WriteFile(t, bad, "no program", 0o755)
	one := func(want error) {
		t.Helper()
		p, err := reaper().Start(process.Spec{Path: bad, Args: []string{"bad"}})
		if p != nil || !errors.Is(err, want) {
			t.Fatalf("started %v, %v; want %v", p, err, want)
		}
	}
	one(unix.ENOEXEC)
	fds := testkit.Descriptors(t)
	one(unix.ENOEXEC)

	// Every number of descriptors that is too small, up to the one that suffices.
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	failures := 0
	for room := uint64(3); ; room++ {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: room, Max: limit.Max}); err != nil {
			t.Fatal(err)
		}
		_, err := reaper().Start(process.Spec{Path: bad, Args: []string{"bad"}})
		if !errors.Is(err, unix.EMFILE) {
			if !errors.Is(err, unix.ENOEXEC) {
				t.Errorf("with room for %d: %v", room, err)
			}
			break
		}
		failures++
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if failures < 6 { // three pipes
		t.Errorf("only %d starts failed: the limit had no effect", failures)
	}
	if now := testkit.Descriptors(t); now != fds {
		t.Errorf("%d descriptors were open, now %d", fds, now)
	}
	if p := start(t, child("exit", "0")); !p.ended().Success() {
		t.Error("afterwards nothing starts")
	}
}

func TestTheInputIsInThePipeBeforeTheProgramStarts(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 20<<10) // 320 KB
	for _, test := range []struct {
		input       []byte
		room        int
		written     int
		pipe, other int
	}{
		{nil, 0, 0, 64 << 10, 64 << 10},
		{big[:100], 0, 100, 64 << 10, 64 << 10},
		{big, 0, 64 << 10, 64 << 10, 64 << 10},
		{big, 1 << 20, len(big), 1 << 20, 64 << 10},
		{big, 128 << 10, 128 << 10, 128 << 10, 64 << 10},
		{big, 3 << 30, 64 << 10, 64 << 10, 64 << 10}, // more than anybody gets
	} {
		spec := child("echo")
		spec.Input, spec.PipeBytes = test.input, test.room
		p := start(t, spec)
		if p.Written != test.written {
			t.Errorf("%d bytes into a pipe of %d: written %d, want %d", len(test.input), test.room, p.Written, test.written)
		}
		for f, want := range map[*os.File]int{p.Stdin: test.pipe, p.Stdout: test.pipe, p.Stderr: test.other} {
			if size := pipeSize(t, f); size != want {
				t.Errorf("asked for pipes of %d: got one of %d, want %d", test.room, size, want)
			}
		}
		go func() {
			_, _ = p.Stdin.Write(test.input[p.Written:])
			_ = p.Stdin.Close()
		}()
		if got, err := io.ReadAll(p.out); err != nil || !bytes.Equal(got, test.input) {
			t.Errorf("%d bytes came back as %d, %v", len(test.input), len(got), err)
		}
	}
}

func pipeSize(t *testing.T, f *os.File) (size int) {
	t.Helper()
	conn, err := f.SyscallConn() // Fd would make the descriptor block
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Control(func(fd uintptr) { size, _ = unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0) })
	return size
}

func TestStdinEndsAfterAnInputThatThePipeHolds(t *testing.T) {
	for _, size := range []int{0, 100, 64 << 10} {
		spec := child("echo")
		spec.KeepStdin, spec.Input = false, bytes.Repeat([]byte("x"), size)
		p := start(t, spec)
		if p.Stdin != nil {
			t.Errorf("%d bytes: stdin is still open", size)
		}
		if got, err := io.ReadAll(p.out); err != nil || len(got) != size {
			t.Errorf("%d bytes came back as %d, %v", size, len(got), err)
		}
	}
}

func TestAProgramNeedNotReadItsInput(t *testing.T) {
	spec := child("exit", "0")
	spec.Input = make([]byte, 5<<20)
	p := start(t, spec)
	if _, err := p.Stdin.Write(spec.Input[p.Written:]); !errors.Is(err, unix.EPIPE) {
		t.Errorf("writing on ends with %v", err)
	}
	if status := p.ended(); !status.Success() {
		t.Errorf("the program %s", status)
	}
}
