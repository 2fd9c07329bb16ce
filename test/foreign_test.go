package test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"
)

// worker are the settings of a worker.
func worker(protocol string, words ...string) settings {
	return settings{"BOOTSTRAP_MODE": "worker", "BOOTSTRAP_WORKER_PROTOCOL": protocol, "BOOTSTRAP_COMMAND": command(words...)}
}

// Programs that nobody here wrote and that know nothing of us.
func TestFiltersAreWorkers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		words       []string
		event, want string
	}{
		{[]string{"jq", "--unbuffered", "-c", "{sum: (.a + .b)}"}, "{\n  \"a\": 1,\n  \"b\": 2\n}", `{"sum":3}`},
		{[]string{"awk", "-W", "interactive", `{ print NF " words"; fflush() }`}, `one two  three`, `3 words`},
		{[]string{"sed", "-u", "s/o/0/g"}, `{"o":"foo"}`, `{"0":"f00"}`},
		{[]string{"cat"}, "any\ttext \\ at all", "any\ttext \\ at all"},
	} {
		t.Run(row.words[0], func(t *testing.T) {
			testkit.Need(t, row.words[0])
			c := deploy(t, worker("lines", row.words...))
			for range 3 {
				if got := c.answer(row.event); got != row.want {
					t.Errorf("got %q", got)
				}
			}
			if n := len(children(c.bootstrap())); n != 1 {
				t.Errorf("there are %d processes", n)
			}
		})
	}
}

// byJSONRPCServer builds a worker by a JSON-RPC library of somebody else's.
var jsonRPCServers = map[string]func(t *testing.T) settings{
	"json-rpc-2.0 of npm": func(t *testing.T) settings {
		testkit.Need(t, "node")
		dir := copyFolder(t, filepath.Join("testdata", "jsonrpc-node"))
		make := exec.Command(testkit.Need(t, "npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts")
		make.Dir = dir
		finish(t, make)
		return worker("jsonrpc", "node", filepath.Join(dir, "server.js"))
	},
	"jrpc2 of Go": func(t *testing.T) settings {
		program := filepath.Join(t.TempDir(), "server")
		build := exec.Command("go", "build", "-o", program, ".")
		build.Dir = filepath.Join("testdata", "jsonrpc-go")
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
		finish(t, build)
		return worker("jsonrpc", program)
	},
}

func finish(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
}

func copyFolder(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestJSONRPCLibrariesAreWorkers(t *testing.T) {
	t.Parallel()
	for name, make := range jsonRPCServers {
		t.Run(name, func(t *testing.T) {
			c := deploy(t, make(t).with("BOOTSTRAP_CONCURRENCY", "8", "BOOTSTRAP_WORKER_COUNT", "1"))
			for _, event := range []string{`{"a":1}`, `[]`, `"text \u2028 \n é"`, `null`, `1.50`, `{"x":"` + strings.Repeat("0123456789abcdef", 6<<20/16-1) + `"}`} {
				if got := c.answer(event); !sameJSON(got, event) {
					t.Errorf("%.100s: got %.100q", event, got)
				}
			}
			c.fails(`{"fail":"no such customer"}`, "Function.Error", "no such customer")
			if f := c.fails(`{"fail":"typed"}`, "Shop.Closed", "typed"); strings.Join(f.Stack, ",") != "a,b" {
				t.Errorf("got %q", f.Stack)
			}
			eightAtOnce(c)
		})
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && fmt.Sprint(x) == fmt.Sprint(y)
}

// eightAtOnce has a worker answer eight events that take four seconds each, in one
// process and about four seconds.
func eightAtOnce(c *cloud) {
	c.t.Helper()
	began := time.Now()
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			event := fmt.Sprintf(`{"ms":4000,"n":%d,"id":%q}`, n, api.NewID())
			if got := c.answer(event); !sameJSON(got, event) {
				c.t.Errorf("got %s for %s", got, event)
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took > 25*time.Second {
		c.t.Errorf("eight events of four seconds each took %s", took)
	}
	if n := len(children(c.bootstrap())); n != 1 {
		c.t.Errorf("there are %d workers", n)
	}
}

func TestAnOverdueEventOfALibraryIsCancelled(t *testing.T) {
	t.Parallel()
	for name, make := range jsonRPCServers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := deploy(t, make(t).with("BOOTSTRAP_TIMEOUT_MARGIN", "20s"), timeout(30*time.Second))
			c.answer(`{"a":1}`)
			c.fails(`{"ms":60000}`, "Runtime.Timeout", "10s after", "timeout is 30s")
			if got := c.answer(`{"a":1}`); !sameJSON(got, `{"a":1}`) {
				t.Errorf("got %s", got)
			}
		})
	}
}
