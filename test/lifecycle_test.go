package test

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"

	"golang.org/x/sys/unix"
)

func TestAnIdleInstanceStopsAtOnce(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		c := deploy(t, sh("echo ok"))
		c.answer("{}")
		c.signal(s)
		c.logs("bootstrap has stopped")
		c.waitFor("it to exit", func() bool { return len(c.processes()) == 0 })
	}
}

func TestAShutdownStopsWhatOutlivesTheGrace(t *testing.T) {
	c := deploy(t, sh(`trap '' TERM; echo started >&2; sleep 600 & wait; wait`).with("BOOTSTRAP_SHUTDOWN_GRACE", "200ms"))
	result := c.begin("{}")
	c.logs("INFO started")
	c.signal(syscall.SIGTERM)
	if f := c.failureOf(<-result); f.Type != "Runtime.Shutdown" || strings.Join(f.Stack, "") != "started" {
		t.Errorf("got %+v", f)
	}
	c.logs("bootstrap has stopped")
	c.waitFor("everything to be gone", func() bool { return len(c.processes()) == 0 })
}

func TestASecondSignalStopsAtOnceAndTakesTheProgramAlong(t *testing.T) {
	c := deploy(t, sh(`trap '' TERM; echo started >&2; while :; do sleep 1; done`).with("BOOTSTRAP_SHUTDOWN_GRACE", "1h"))
	result := c.begin("{}")
	c.logs("INFO started")
	c.signal(syscall.SIGTERM)
	c.logs("stopping")
	c.signal(syscall.SIGTERM)
	if got := <-result; got.Code != 4204 {
		t.Errorf("got %d: %s", got.Code, got.Payload)
	}
	c.waitFor("the program to be gone", func() bool { return len(c.processes()) == 0 })
}

func TestAKilledBootstrapTakesItsProgramAlong(t *testing.T) {
	c := deploy(t, sh(`echo started >&2; exec sleep 600`))
	result := c.begin("{}")
	c.logs("INFO started")
	c.signal(syscall.SIGKILL)
	if got := <-result; got.Code != 4204 {
		t.Errorf("got %d: %s", got.Code, got.Payload)
	}
	c.waitFor("the program to be gone", func() bool { return len(c.processes()) == 0 })
}

// A goroutine that ends while it is locked to its thread ends the thread, and
// with it, by PDEATHSIG, every program that was started from there.
func TestNoGoroutineOfOursIsLockedToItsThread(t *testing.T) {
	err := filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if entry.IsDir() && entry.Name() == "bench" { // which is no part of bootstrap
			return filepath.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "LockOSThread") {
			t.Errorf("%s locks a goroutine to its thread", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAProgramInheritsNoSignalSettingsOfOurs(t *testing.T) {
	const show = "grep -E 'Sig(Blk|Ign)' /proc/self/status"
	want, err := run(t, "/", nil, "sh", "-c", show) // what whoever runs this test ignores
	if err != nil {
		t.Fatal(err)
	}
	if got := deploy(t, sh(show)).answer("{}"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAProgramInheritsNoDescriptorsOfOurs(t *testing.T) {
	got := deploy(t, sh(`ls -l /proc/self/fd | grep -c -e socket -e memfd -e anon_inode; exit 0`)).answer("{}")
	if strings.TrimSpace(got) != "0" {
		t.Errorf("%s descriptors of ours are open in the program", strings.TrimSpace(got))
	}
}

func TestAnInstanceWhoseLogHasNoReaderWorksOn(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = read.Close()
	cmd := exec.Command(filepath.Join(bin, "bootstrap"))
	cmd.Env = []string{"RUNTIME_API_ADDR=" + listener.Addr().String(), "BOOTSTRAP_COMMAND=cat", "BOOTSTRAP_SERVERS=for a warning"}
	cmd.Stderr = write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	polled := make(chan struct{})
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_, _ = conn.Read(make([]byte, 1)) // the poll, which stays open
			close(polled)
		}
	}()
	select {
	case err := <-ended:
		t.Fatalf("it ended: %v", err)
	case <-polled:
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A log that nobody reads costs lines, not events.
func TestALogThatNobodyReadsCostsNoEvent(t *testing.T) {
	srv, err := api.New(api.Config{Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(bin, "bootstrap"))
	cmd.Env = []string{"RUNTIME_API_ADDR=" + listener.Addr(), "PATH=" + os.Getenv("PATH"), "RUNTIME_TIMEOUT=20",
		"BOOTSTRAP_COMMAND=" + command("sh", "-c", `head -c 3000000 /dev/zero | tr '\0' 'x\n' >&2; yes | head -100000 >&2; cat`)}
	cmd.Stderr = write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	for range 2 {
		result, err := srv.Invoke(t.Context(), api.Event{Payload: []byte("an event")})
		if err != nil || result.Failed || string(result.Payload) != "an event" {
			t.Fatalf("got %+v, %v", result, err)
		}
	}
	// Now somebody reads again, and is told what is missing.
	text := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(read)
		text <- string(all)
	}()
	if _, err := srv.Invoke(t.Context(), api.Event{Payload: []byte("an event")}); err != nil {
		t.Fatal(err)
	}
	// Whoever is slow again would not be waited for, after what was lost.
	testkit.Eventually(t, "all to be read", func() bool { return unread(t, read) == 0 })
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if got := <-text; !strings.Contains(got, "lines of the log are lost") || !strings.Contains(got, "bootstrap has stopped") {
		t.Errorf("the log has %d bytes, at the end …%q", len(got), got[max(0, len(got)-300):])
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
}

// unread is how many bytes are in a pipe.
func unread(t *testing.T, pipe *os.File) (n int) {
	t.Helper()
	raw, err := pipe.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }); err != nil {
		t.Fatal(err)
	}
	return n
}
