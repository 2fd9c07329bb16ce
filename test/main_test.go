// Package test proves the product from outside: built binaries, real programs,
// real sockets, the local platform as the other side.
package test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"fgbootstrap/internal/testkit"
)

// bin is the folder with the binaries under test, built for this run.
var bin string

// TestMain builds the binaries unless this is the user's program.
func TestMain(m *testing.M) {
	testkit.RunProgram(programs())
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // or what is started would ignore it under nohup
	os.Exit(withBinaries(m.Run))
}

func withBinaries(run func() int) int {
	dir, err := os.MkdirTemp("", "fgbootstrap-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bin = filepath.Join(dir, "bin")
	if err := python(filepath.Join(dir, "python")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// As `make build` does; the build cache makes it cheap. The user's programs are this
	// test binary without the race detector: with it, each takes longer to start than most do to run.
	for _, build := range [][]string{
		{"build", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", bin + "/", "fgbootstrap/cmd/bootstrap", "fgbootstrap/cmd/fgdev"},
		{"test", "-c", "-o", filepath.Join(bin, "program"), "fgbootstrap/test"},
	} {
		cmd := exec.Command("go", build...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s\n%v\n", out, err)
			return 1
		}
	}
	return run()
}

// python puts the interpreter itself first on PATH: what is there may be a launcher of a
// version manager, which takes longer to start than most tests.
func python(dir string) error {
	path, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		return nil // those that need it will say so
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := os.Symlink(strings.TrimSpace(string(path)), filepath.Join(dir, "python3")); err != nil {
		return err
	}
	return os.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
}

// bootstrap is the binary under test. A test that asks for it looks at all our
// sources: what a test has looked at is in the key of go test's cache, what the
// build above has read is not, and the results of other sources would be kept.
func bootstrap() string {
	sources()
	return filepath.Join(bin, "bootstrap")
}

var sources = sync.OnceFunc(func() {
	_ = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "bin") {
			return fs.SkipDir
		}
		return err
	})
})

// aProgram does what testkit.Variable says.
func aProgram() string { return filepath.Join(bin, "program") }
