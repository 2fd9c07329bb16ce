package fgtest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
	"fgbootstrap/platform/api"
)

// behaviour is the variable that says what the bootstrap does.
const behaviour = "BOOTSTRAP_UNDER_TEST"

// Main is TestMain of a package whose test binary is also the bootstrap of its functions.
// bootstrap gets the behaviour that Function was given, and returns the exit status.
func Main(m *testing.M, bootstrap func(behaviour string) int) {
	testkit.Main(m, map[string]func(){"bootstrap": func() { os.Exit(bootstrap(os.Getenv(behaviour))) }})
}

// Loop is a custom runtime as somebody might write it: it answers each event with what handle
// makes of it, KindResponse or KindError. It returns an exit status when the runtime API is gone.
func Loop(handle func(event []byte) (api.Kind, []byte)) int {
	url := "http://" + os.Getenv("RUNTIME_API_ADDR") + "/v1/runtime/invocation/"
	for {
		resp, err := http.Get(url + "request")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		event, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		kind, result := handle(event)
		resp, err = http.Post(url+string(kind)+"/"+resp.Header.Get("X-Cff-Request-Id"), "", bytes.NewReader(result))
		if err == nil {
			_ = resp.Body.Close()
		}
	}
}

// codeFolder is a function's folder whose bootstrap is this test binary.
func codeFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "code")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(testkit.Self(), filepath.Join(dir, "bootstrap")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Function starts a platform with a function whose bootstrap is this test binary, see Main. It is
// closed when the test ends, and must leave nothing behind. change may be nil.
func Function(t *testing.T, what string, change func(*platform.Function, *platform.Options)) (*platform.Platform, *testkit.Log) {
	t.Helper()
	testkit.NoLeaks(t)
	log := &testkit.Log{}
	fn := platform.Function{Dir: codeFolder(t), Env: append(testkit.Program("bootstrap"), behaviour+"="+what), Timeout: testkit.Patience}
	opt := platform.Options{Log: log}
	if change != nil {
		change(&fn, &opt)
	}
	p, err := platform.New(fn, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(log)
		}
	})
	return p, log
}

// Call invokes a function and waits for its outcome.
func Call(t *testing.T, p *platform.Platform, event string) Outcome {
	t.Helper()
	return testkit.Await(t, Invoke(p, api.Event{Payload: []byte(event)}), "the outcome")
}
