package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
	"fgbootstrap/platform/api"
)

// cloud is a function on the local platform.
type cloud struct {
	*platform.Platform
	t      *testing.T
	log    *testkit.Log
	dir    string // of its code
	marker string // NAME=value in the environment of every process of the function
}

// settings are the user's variables.
type settings map[string]string

// setup changes the function or the platform before it starts.
type setup func(*platform.Function, *platform.Options)

func timeout(d time.Duration) setup {
	return func(f *platform.Function, _ *platform.Options) { f.Timeout = d }
}

func faults(t *testing.T, rules string) setup {
	parsed, err := api.ParseFaults(rules)
	if err != nil {
		t.Fatal(err)
	}
	return func(_ *platform.Function, o *platform.Options) { o.API.Faults = parsed }
}

func file(name, text string, mode os.FileMode) setup {
	return func(f *platform.Function, _ *platform.Options) {
		path := filepath.Join(f.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			panic(err)
		}
		syscall.ForkLock.RLock() // a child that is started just then would hold it open, and it could not be run
		defer syscall.ForkLock.RUnlock()
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			panic(err)
		}
	}
}

// deploy runs the built bootstrap with these variables.
func deploy(t *testing.T, variables settings, setups ...setup) *cloud {
	t.Helper()
	c := &cloud{t: t, log: &testkit.Log{}, marker: "FGTEST_MARKER=" + api.NewID()}
	f := platform.Function{Dir: filepath.Join(t.TempDir(), "code"), Variables: variables, Timeout: 20 * time.Second}
	c.dir = f.Dir
	if err := os.Mkdir(f.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(bootstrap(), filepath.Join(f.Dir, "bootstrap")); err != nil {
		t.Fatal(err)
	}
	f.Env = append(f.Env, c.marker)
	o := platform.Options{Log: c.log}
	for _, s := range setups {
		s(&f, &o)
	}
	var err error
	if c.Platform, err = platform.New(f, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if strings.Contains(c.log.String(), "panic:") {
			t.Error("the bootstrap had to be started again after a panic")
		}
		c.waitFor("every process of the function to be gone", func() bool { return len(c.processes()) == 0 })
		if t.Failed() {
			t.Logf("the log:\n%s", c.log)
		}
	})
	return c
}

// invoke runs one event to its outcome.
func (c *cloud) invoke(event string) *api.Result {
	c.t.Helper()
	return c.call(api.Event{Payload: []byte(event)})
}

func (c *cloud) call(event api.Event) *api.Result {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	result, err := c.Invoke(ctx, event)
	if err != nil {
		c.t.Fatalf("invoke: %v", err)
	}
	return result
}

// begin invokes and does not wait.
func (c *cloud) begin(event string) <-chan *api.Result {
	done := make(chan *api.Result, 1)
	go func() { done <- c.invoke(event) }()
	return done
}

// signal sends a signal to the bootstrap.
func (c *cloud) signal(s syscall.Signal) {
	c.t.Helper()
	if err := syscall.Kill(c.bootstrap(), s); err != nil {
		c.t.Fatal(err)
	}
}

// answer is the response to an event that must succeed.
func (c *cloud) answer(event string) string {
	c.t.Helper()
	result := c.invoke(event)
	if result.Failed {
		c.t.Fatalf("the event failed: %s", result.Payload)
	}
	return string(result.Payload)
}

// failure is an error report.
type failure struct {
	Type    string   `json:"errorType"`
	Message string   `json:"errorMessage"`
	Stack   []string `json:"stackTrace"`
}

// failure is the error of an event that must fail by the bootstrap's report.
func (c *cloud) failure(event string) failure {
	c.t.Helper()
	return c.failureOf(c.invoke(event))
}

func (c *cloud) failureOf(result *api.Result) failure {
	c.t.Helper()
	if !result.Failed || result.Code != 0 {
		c.t.Fatalf("want an error that the bootstrap reported, got code %d, %.300q", result.Code, result.Payload)
	}
	var f failure
	if err := json.Unmarshal(result.Payload, &f); err != nil {
		c.t.Fatalf("the error is no JSON: %s", result.Payload)
	}
	if f.Type == "" || f.Message == "" || f.Stack == nil {
		c.t.Fatalf("the error lacks a part: %s", result.Payload)
	}
	return f
}

// fails wants an error of that type whose message holds all these texts.
func (c *cloud) fails(event, errorType string, texts ...string) failure {
	c.t.Helper()
	f := c.failure(event)
	if f.Type != errorType {
		c.t.Fatalf("want %s, got %s: %s", errorType, f.Type, f.Message)
	}
	for _, text := range texts {
		if !strings.Contains(f.Message, text) {
			c.t.Fatalf("want %q in the message, got: %s", text, f.Message)
		}
	}
	return f
}

// processes are the living processes of the function, the bootstrap among them.
func (c *cloud) processes() map[int]string {
	found := map[int]string{}
	entries, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range entries {
		environ, err := os.ReadFile(path)
		cmdline, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		// Only root may read the environment of a bootstrap that hides it from its programs.
		hidden := errors.Is(err, fs.ErrPermission) && bytes.HasPrefix(cmdline, []byte(filepath.Join(c.dir, "bootstrap")))
		if !hidden && !bytes.Contains(environ, []byte(c.marker)) {
			continue // a zombie's is empty
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		found[pid] = strings.ReplaceAll(string(cmdline), "\x00", " ")
	}
	return found
}

// bootstrap is the pid of the bootstrap. A program that it starts looks like it for a
// moment, and is its child.
func (c *cloud) bootstrap() int {
	c.t.Helper()
	for pid := range c.processes() {
		if isBootstrap(pid) && !isBootstrap(parent(pid)) {
			return pid
		}
	}
	c.t.Fatal("there is no bootstrap")
	return 0
}

func isBootstrap(pid int) bool {
	exe, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	if errors.Is(err, fs.ErrPermission) {
		name, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
		exe = "/" + strings.TrimSpace(string(name))
	}
	return strings.HasSuffix(exe, "/bootstrap")
}

func parent(pid int) int {
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0 // it has ended
	}
	ppid, _ := strconv.Atoi(fields[1])
	return ppid
}

// alone wants nothing of the function to run but the bootstrap, and no zombies.
func (c *cloud) alone() {
	c.t.Helper()
	pid := c.bootstrap()
	c.waitFor("only the bootstrap to be left", func() bool {
		return len(c.processes()) == 1 && len(children(pid)) == 0
	})
}

// children are the direct children of a process, zombies included.
func children(pid int) []string {
	var all []string
	lists, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	for _, path := range lists {
		text, _ := os.ReadFile(path)
		all = append(all, strings.Fields(string(text))...)
	}
	return all
}

func (c *cloud) waitFor(what string, reached func() bool) {
	c.t.Helper()
	testkit.Eventually(c.t, what, reached)
}

// logs waits for a text in the log.
func (c *cloud) logs(text string) {
	c.t.Helper()
	c.waitFor("the log to say "+text, func() bool { return strings.Contains(c.log.String(), text) })
}

// sh is the setting of a command that runs a shell script.
func sh(script string) settings { return settings{"BOOTSTRAP_COMMAND": command("sh", "-c", script)} }

// command is the setting of a command, word by word.
func command(words ...string) string {
	text, err := json.Marshal(words)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// with adds variables.
func (s settings) with(pairs ...string) settings {
	out := settings{}
	for k, v := range s {
		out[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out
}

// wrap puts a shell script in the place of the bootstrap that starts it in its
// own way.
func wrap(t *testing.T, f *platform.Function, start string) {
	t.Helper()
	if err := os.Remove(filepath.Join(f.Dir, "bootstrap")); err != nil {
		t.Fatal(err)
	}
	file("bootstrap", "#!/bin/sh\n"+start+bootstrap()+"\n", 0o755)(f, nil)
}

// run runs a program with this environment and nothing else, and returns what
// it printed.
func run(t *testing.T, dir string, environ []string, program string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, append([]string{"PATH=" + os.Getenv("PATH")}, environ...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
