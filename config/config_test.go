package config_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"fgbootstrap/config"

	"go.uber.org/zap/zapcore"
)

// vars is an environment in the making.
type vars map[string]string

// load runs Load below a code folder of its own.
func load(t testing.TB, v vars) (*config.Config, config.Problems) {
	t.Helper()
	env := []string{"RUNTIME_CODE_ROOT=" + t.TempDir()}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		env = append(env, name+"="+v[name])
	}
	return loadEnviron(t, env, "/nowhere/bootstrap")
}

func loadEnviron(t testing.TB, env []string, self string) (*config.Config, config.Problems) {
	t.Helper()
	c, err := config.Load(env, self)
	if c == nil {
		t.Fatal("Load gave no Config")
	}
	var problems config.Problems
	if err != nil && !errors.As(err, &problems) {
		t.Fatalf("the error is a %T, want Problems: %v", err, err)
	}
	return c, problems
}

func mustLoad(t testing.TB, v vars) *config.Config {
	t.Helper()
	c, problems := load(t, v)
	if len(problems) > 0 {
		t.Fatalf("unexpected problems: %v", problems)
	}
	return c
}

// wantProblem checks that there is one problem and that it is this sentence.
func wantProblem(t *testing.T, problems config.Problems, want string) {
	t.Helper()
	if len(problems) != 1 || problems[0] != want {
		t.Errorf("problems:\n  %s\nwant:\n  %s", strings.Join(problems, "\n  "), want)
	}
}

func TestDefaultsAreThoseOfTheTable(t *testing.T) {
	root := t.TempDir()
	c, problems := loadEnviron(t, nil, filepath.Join(root, "bootstrap"))
	want := &config.Config{
		Timeout: 3 * time.Second, CodeRoot: root, Mode: "pipe", Dir: root,
		Margin: 150 * time.Millisecond, InitWait: 2500 * time.Millisecond, ShutdownGrace: 2 * time.Second,
		Concurrency: 1, APIGWrap: "auto", PipeInput: "event", FullErrors: true, MaxResponse: 6291456,
		LogLevel: zapcore.InfoLevel, LogFormat: "text",
		WorkerProtocol: "lines", WorkerResponse: "stdout", WorkerCount: 1,
		HTTPPort: 8000, HTTPReady: "tcp", HTTPEventPath: "/invoke", HTTPPath: "auto",
		Env: []string{"HOME=/tmp", "LANG=C.UTF-8", "PWD=" + root, "PYTHONNOUSERSITE=1", "PYTHONUNBUFFERED=1"},
	}
	if len(problems) > 0 || !reflect.DeepEqual(c, want) {
		t.Errorf("problems %v, config\n%+v, want\n%+v", problems, c, want)
	}
}

func TestEverySettingReachesItsField(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "app"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := mustLoad(t, vars{
		"RUNTIME_API_ADDR": "127.0.0.1:9000", "RUNTIME_HANDLER": "index.py", "RUNTIME_TIMEOUT": "20",
		"RUNTIME_MEMORY": "256", "RUNTIME_CODE_ROOT": root, "BOOTSTRAP_MODE": "worker",
		"BOOTSTRAP_COMMAND": "python3 'my app.py'", "BOOTSTRAP_DIR": "app", "BOOTSTRAP_TIMEOUT_MARGIN": "2s",
		"BOOTSTRAP_INIT_WAIT": "4s", "BOOTSTRAP_SHUTDOWN_GRACE": "1s", "BOOTSTRAP_CONCURRENCY": "8",
		"BOOTSTRAP_CREDENTIALS": "on", "BOOTSTRAP_APIG_WRAP": "off", "BOOTSTRAP_APIG_TYPE": "text/html; charset=utf-8", "BOOTSTRAP_PIPE_INPUT": "body", "BOOTSTRAP_ERROR_DETAIL": "brief",
		"BOOTSTRAP_STREAMING": "on", "BOOTSTRAP_MAX_RESPONSE": "1MiB", "BOOTSTRAP_LOG_LEVEL": "debug",
		"BOOTSTRAP_LOG_FORMAT": "json", "BOOTSTRAP_LOG_EVENTS": "on", "BOOTSTRAP_PIPE_SPARES": "2", "BOOTSTRAP_WORKER_PROTOCOL": "jsonrpc",
		"BOOTSTRAP_WORKER_RESPONSE": "fd3", "BOOTSTRAP_WORKER_COUNT": "3", "BOOTSTRAP_WORKER_MAX_INVOCATIONS": "50",
		"BOOTSTRAP_HTTP_PORT": "3000", "BOOTSTRAP_HTTP_READY": "/healthz",
		"BOOTSTRAP_HTTP_EVENT_PATH": "/events?from=fg", "BOOTSTRAP_HTTP_PATH": "decoded", "BOOTSTRAP_HTTP_STRIP_PREFIX": "/prod/",
		"BOOTSTRAP_HTTP_FAIL_STATUS": "500-599",
	})
	c.Env, c.Warnings = nil, nil // of settings for other modes
	want := &config.Config{
		APIAddr: "127.0.0.1:9000", Handler: "index.py", Timeout: 20 * time.Second, MemoryMB: 256, CodeRoot: root,
		Mode: "worker", Command: []string{"python3", "my app.py"}, Dir: filepath.Join(root, "app"),
		Margin: 2 * time.Second, InitWait: 4 * time.Second, ShutdownGrace: time.Second, Concurrency: 8,
		Credentials: true, Streaming: true, MaxResponse: 1 << 20, LogLevel: zapcore.DebugLevel, LogFormat: "json", LogEvents: true,
		APIGWrap: "off", APIGType: "text/html; charset=utf-8", PipeInput: "body",
		PipeSpares: 2, WorkerProtocol: "jsonrpc", WorkerResponse: "fd3", WorkerCount: 3, WorkerMaxInvocations: 50,
		HTTPPort: 3000, HTTPReady: "/healthz", HTTPEventPath: "/events?from=fg", HTTPPath: "decoded",
		HTTPStripPrefix: "/prod", HTTPFailStatus: config.StatusSet{{500, 599}},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("config\n%+v, want\n%+v", c, want)
	}
	if c := mustLoad(t, vars{"BOOTSTRAP_HTTP_SOCKET": "/tmp/app.sock"}); c.HTTPSocket != "/tmp/app.sock" { // in place of a port
		t.Errorf("the socket is %q", c.HTTPSocket)
	}
}

func TestAnEmptySettingCountsAsUnset(t *testing.T) {
	empty := vars{"RUNTIME_TIMEOUT": "", "RUNTIME_MEMORY": "", "RUNTIME_API_ADDR": "", "RUNTIME_MAX_RESP_BODY_SIZE": ""}
	for _, s := range config.Settings() {
		empty[s.Name] = ""
	}
	got, want := mustLoad(t, empty), mustLoad(t, nil)
	got.Env, got.CodeRoot, got.Dir = want.Env, want.CodeRoot, want.Dir
	if !reflect.DeepEqual(got, want) {
		t.Errorf("config\n%+v, want\n%+v", got, want)
	}
}

func TestTheDocumentedTableIsComplete(t *testing.T) {
	list := config.Settings()
	if len(list) != 29 {
		t.Errorf("%d settings, want 29", len(list))
	}
	for _, s := range list {
		if !strings.HasPrefix(s.Name, "BOOTSTRAP_") || s.Help == "" {
			t.Errorf("%+v has no help or another prefix", s)
		}
	}
	if s := list[0]; s != (config.Setting{Name: "BOOTSTRAP_MODE", Default: "pipe", Help: "pipe, worker, http"}) {
		t.Errorf("the first one is %+v", s)
	}
}

func TestAWrittenDefaultIsTheDefault(t *testing.T) {
	want := mustLoad(t, nil)
	v := vars{}
	for _, s := range config.Settings() {
		if s.Default != "" && !strings.Contains(s.Default, " ") && !strings.Contains(s.Default, "_") {
			v[s.Name] = s.Default
		}
	}
	got := mustLoad(t, v)
	got.Env, got.CodeRoot, got.Dir = want.Env, want.CodeRoot, want.Dir
	if !reflect.DeepEqual(got, want) {
		t.Errorf("config\n%+v, want\n%+v", got, want)
	}
}
