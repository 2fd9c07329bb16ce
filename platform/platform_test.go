package platform_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fgbootstrap/platform"
)

// logBuffer collects the function's log.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// codeFolder is a function's folder whose bootstrap is this test binary.
func codeFolder(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "code")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "bootstrap")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// function starts a platform with a function of the given behaviour; see bootstrap.
func function(t *testing.T, behaviour string, change func(*platform.Function, *platform.Options)) (*platform.Platform, *logBuffer) {
	t.Helper()
	noLeaks(t)
	log := &logBuffer{}
	fn := platform.Function{Dir: codeFolder(t), Env: []string{"BOOTSTRAP_UNDER_TEST=" + behaviour}, Timeout: patience}
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

func call(t *testing.T, p *platform.Platform, event string) outcome {
	t.Helper()
	return await(t, invoke(p, platform.Event{Payload: []byte(event)}))
}

func TestTheBootstrapFindsThePlatformsEnvironment(t *testing.T) {
	p, _ := function(t, "", func(fn *platform.Function, _ *platform.Options) {
		fn.Name, fn.MemoryMB, fn.Timeout = "hello", 256, 2500*time.Millisecond
		fn.Variables = map[string]string{"PLAIN": "a b", "RUNTIME_HANDLER": "evil"}
		fn.Encrypted = map[string]string{"HIDDEN": "s3cret"}
	})
	env := map[string]string{}
	for line := range strings.Lines(string(call(t, p, "env").Payload)) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		env[k] = v
	}
	for k, want := range map[string]string{
		"RUNTIME_FUNC_NAME": "hello", "RUNTIME_FUNC_VERSION": "latest", "RUNTIME_PACKAGE": "default", "RUNTIME_HANDLER": "bootstrap",
		"RUNTIME_TIMEOUT": "3", "RUNTIME_MEMORY": "256", "RUNTIME_CPU": "400", "RUNTIME_MAX_RESP_BODY_SIZE": "6291456",
		"RUNTIME_CODE_ROOT": p.Function().Dir, "RUNTIME_API_ADDR": p.API().Addr(), "PLAIN": "a b", "HIDDEN": "", "PATH": os.Getenv("PATH"),
	} {
		if env[k] != want {
			t.Errorf("%s=%q, not %q", k, env[k], want)
		}
	}
	var userdata map[string]string
	if err := json.Unmarshal([]byte(env["RUNTIME_USERDATA"]), &userdata); err != nil || userdata["HIDDEN"] != "s3cret" || userdata["PLAIN"] != "a b" {
		t.Errorf("%s: %v", env["RUNTIME_USERDATA"], err)
	}
	if env["HOME"] != "" {
		t.Error("the developer's environment leaks in")
	}
}

func TestTheBootstrapRunsInTheParentOfItsCode(t *testing.T) {
	p, _ := function(t, "", nil)
	if got, want := string(call(t, p, "cwd").Payload), filepath.Dir(p.Function().Dir); got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

func TestOneInstanceServesManyEvents(t *testing.T) {
	p, _ := function(t, "", nil)
	first := call(t, p, "pid")
	for range 5 {
		if r := call(t, p, "pid"); string(r.Payload) != string(first.Payload) || r.Instance != 1 {
			t.Error(r)
		}
	}
}

func TestAnExitFailsTheEventInHandAndTheNextGetsANewInstance(t *testing.T) {
	p, log := function(t, "", nil)
	r := call(t, p, "exit")
	if r.Code != platform.CodeExited || string(r.Payload) != `{"error_code":"FSS.4204","error_msg":"runtime process is exited"}` {
		t.Error(r)
	}
	if r := call(t, p, "answer on"); string(r.Payload) != "on" || r.Instance != 2 {
		t.Error(r)
	}
	if !strings.Contains(log.String(), "exit status 3") {
		t.Error("the log does not tell the exit status")
	}
}

func TestABootstrapThatNeverStartsIsGivenUp(t *testing.T) {
	p, log := function(t, "exit", nil)
	if r := call(t, p, ""); r.Code != platform.CodeStartFailures {
		t.Error(r)
	}
	if n := strings.Count(log.String(), "starting:"); n != 5 {
		t.Errorf("%d starts", n)
	}
}

func TestABootstrapThatCannotBeStartedIsExplained(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(dir string) error
		code    int
		want    string
	}{
		"missing":        {func(string) error { return nil }, 4202, "needs an executable file named bootstrap"},
		"in a subfolder": {func(d string) error { return writeFile(filepath.Join(d, "top/bootstrap"), "", 0o755) }, 4202, "zip the contents of top"},
		"not executable": {func(d string) error { return writeFile(filepath.Join(d, "bootstrap"), "#!/bin/sh", 0o644) }, 4202, "chmod +x"},
		"a folder":       {func(d string) error { return os.Mkdir(filepath.Join(d, "bootstrap"), 0o755) }, 4202, "is a folder"},
		"no program":     {func(d string) error { return writeFile(filepath.Join(d, "bootstrap"), "hello", 0o755) }, 4201, "with a #! line"},
		"no interpreter": {func(d string) error { return writeFile(filepath.Join(d, "bootstrap"), "#!/bin/sh\r\n", 0o755) }, 4201, "CRLF"},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := function(t, "", func(fn *platform.Function, _ *platform.Options) {
				if err := os.Remove(filepath.Join(fn.Dir, "bootstrap")); err != nil {
					t.Fatal(err)
				}
				if err := c.prepare(fn.Dir); err != nil {
					t.Fatal(err)
				}
			})
			if r := call(t, p, ""); r.Code != c.code || !strings.Contains(r.Message, c.want) {
				t.Error(r)
			}
		})
	}
}

func writeFile(name, content string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(content), mode)
}

func TestBadFunctionsAreRefused(t *testing.T) {
	for name, fn := range map[string]platform.Function{
		"not a folder":   {Dir: "platform_test.go"},
		"not there":      {Dir: "nosuch"},
		"4096 character": {Dir: ".", Variables: map[string]string{"A": strings.Repeat("x", 4096)}},
		"holds":          {Dir: ".", Encrypted: map[string]string{"A=B": ""}},
		"memory":         {Dir: ".", MemoryMB: -1},
		"timeout":        {Dir: ".", Timeout: -1},
	} {
		if p, err := platform.New(fn, platform.Options{}); err == nil {
			t.Errorf("%s: accepted", name)
			_ = p.Close()
		}
	}
}

// alive lists the pids in the files of a folder whose processes still run.
func alive(t *testing.T, dir string, want int) (pids []int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "pid*"))
	if err != nil || len(files) != want {
		t.Fatalf("%d pid files, not %d: %v", len(files), want, err)
	}
	for _, f := range files {
		b, _ := os.ReadFile(f)
		pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		if syscall.Kill(pid, 0) == nil { // zombies count, too
			pids = append(pids, pid)
		}
	}
	return pids
}

// family starts a child that ignores TERM, a grandchild, and a daemon in a session of its own.
func family(t *testing.T, dir string) string {
	t.Helper()
	need(t, "setsid")
	return fmt.Sprintf(`cd %q; sh -c 'trap "" TERM; echo $$ >pid1.new; mv pid1.new pid1; sleep 1000 & echo $! >pid2; wait' >/dev/null 2>&1 &
setsid sh -c 'setsid sh -c "echo \$\$ >pid3; exec sleep 1000" & exit' >/dev/null 2>&1 </dev/null
until [ -s pid1 -a -s pid2 -a -s pid3 ]; do sleep 0.01; done`, dir)
}

func TestADeadlineKillsAllThatTheInstanceStarted(t *testing.T) {
	p, _ := function(t, "stubborn", func(fn *platform.Function, opt *platform.Options) {
		fn.Timeout, opt.Grace = 700*time.Millisecond, 50*time.Millisecond
	})
	dir := t.TempDir()
	r := call(t, p, "hang "+family(t, dir))
	if r.Code != platform.CodeTimeout {
		t.Fatal(r)
	}
	if left := alive(t, dir, 3); len(left) > 0 {
		t.Errorf("%v live on", left)
	}
	if r := call(t, p, "answer next"); string(r.Payload) != "next" || r.Instance != 2 {
		t.Error(r)
	}
}

func TestAnExitTakesTheRestAlong(t *testing.T) {
	p, _ := function(t, "", nil)
	dir := t.TempDir()
	call(t, p, "sh "+family(t, dir))
	if left := alive(t, dir, 3); len(left) != 3 {
		t.Errorf("only %v live", left)
	}
	if r := call(t, p, "exit"); r.Code != platform.CodeExited {
		t.Error(r)
	}
	if left := alive(t, dir, 3); len(left) > 0 {
		t.Errorf("%v live on", left)
	}
}

func TestCloseAsksThenKills(t *testing.T) {
	polite, log := function(t, "polite", nil)
	call(t, polite, "")
	if err := polite.Close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "good bye") {
		t.Error("it was not asked")
	}
	stubborn, _ := function(t, "stubborn", func(_ *platform.Function, opt *platform.Options) { opt.Grace = 50 * time.Millisecond })
	pid, _ := strconv.Atoi(string(call(t, stubborn, "pid").Payload))
	start := time.Now()
	if err := stubborn.Close(); err != nil || time.Since(start) < 50*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	if err := syscall.Kill(pid, 0); err == nil {
		t.Error("it lives on")
	}
}

func TestChildrenOfOthersAreLeftAlone(t *testing.T) {
	p, _ := function(t, "", nil)
	ended, running := exec.Command("true"), exec.Command("sleep", "1000")
	for _, c := range []*exec.Cmd{ended, running} {
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
	}
	call(t, p, "exit")
	call(t, p, "answer")
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := ended.Wait(); err != nil {
		t.Errorf("somebody else reaped it: %v", err)
	}
	if err := running.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("somebody else killed it: %v", err)
	}
	_ = running.Process.Kill()
	_ = running.Wait()
}

func TestTheLogTellsWhatHappened(t *testing.T) {
	p, log := function(t, "", nil)
	r := call(t, p, "print from the program")
	want := regexp.MustCompile(`(?s)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ Start invoke request '` + r.RequestID + `', version: latest
starting: 
from the program
\S+ Finish invoke request '` + r.RequestID + `', duration: [\d.]+ms, billing duration: \d+ms, memory used: (\d+)\.\d{3}MB, billing memory: 128MB, cpu used: 0.300U
$`)
	m := want.FindStringSubmatch(log.String())
	if m == nil {
		t.Fatal(log)
	}
	if mb, _ := strconv.Atoi(m[1]); mb < 1 || mb > 500 {
		t.Errorf("memory used: %d MB", mb)
	}
}

func TestAnInstanceThatNeverPollsIsGivenUp(t *testing.T) {
	p, _ := function(t, "", func(fn *platform.Function, opt *platform.Options) {
		_ = os.Remove(filepath.Join(fn.Dir, "bootstrap"))
		_ = writeFile(filepath.Join(fn.Dir, "bootstrap"), "#!/bin/sh\nexec sleep 1000\n", 0o755)
		opt.LoadTimeout = 200 * time.Millisecond
	})
	if r := call(t, p, ""); r.Code != platform.CodeLoadTimeout {
		t.Error(r)
	}
}

func TestAShellLoopIsARuntime(t *testing.T) {
	need(t, "curl")
	p, _ := function(t, "", func(fn *platform.Function, _ *platform.Options) {
		_ = os.Remove(filepath.Join(fn.Dir, "bootstrap"))
		_ = writeFile(filepath.Join(fn.Dir, "bootstrap"), `#!/bin/sh
api=http://$RUNTIME_API_ADDR/v1/runtime/invocation
while event=$(curl -sS -D "$PWD/head" "$api/request"); do
	id=$(sed -n 's/^x-cff-request-id: *\([^\r]*\).*/\1/Ip' head)
	curl -sS "$api/response/$id" -d "you said $event"
done
`, 0o755)
	})
	for i := range 3 {
		if r := call(t, p, fmt.Sprint(i)); string(r.Payload) != fmt.Sprint("you said ", i) {
			t.Error(r)
		}
	}
}
