package platform_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
	"fgbootstrap/platform/api"
	"fgbootstrap/platform/fgtest"
)

func TestTheBootstrapFindsThePlatformsEnvironment(t *testing.T) {
	p, _ := fgtest.Function(t, "", func(fn *platform.Function, _ *platform.Options) {
		fn.Name, fn.MemoryMB, fn.Timeout = "hello", 256, 2500*time.Millisecond
		fn.Variables = map[string]string{"PLAIN": "a b", "RUNTIME_HANDLER": "evil"}
		fn.Encrypted = map[string]string{"HIDDEN": "s3cret"}
	})
	env := map[string]string{}
	for line := range strings.Lines(string(fgtest.Call(t, p, "env").Payload)) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		env[k] = v
	}
	for k, want := range map[string]string{
		"RUNTIME_FUNC_NAME": "hello", "RUNTIME_FUNC_VERSION": "latest", "RUNTIME_PACKAGE": "default", "RUNTIME_HANDLER": "bootstrap",
		"RUNTIME_TIMEOUT": "3", "RUNTIME_MEMORY": "256", "RUNTIME_CPU": "400", "RUNTIME_MAX_RESP_BODY_SIZE": "6291456",
		"RUNTIME_CODE_ROOT": p.Function().Dir, "RUNTIME_API_ADDR": p.Addr(), "PLAIN": "a b", "HIDDEN": "", "PATH": os.Getenv("PATH"),
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
	p, _ := fgtest.Function(t, "", nil)
	if got, want := string(fgtest.Call(t, p, "cwd").Payload), filepath.Dir(p.Function().Dir); got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

func TestOneInstanceServesManyEvents(t *testing.T) {
	p, _ := fgtest.Function(t, "", nil)
	first := fgtest.Call(t, p, "pid")
	for range 5 {
		if r := fgtest.Call(t, p, "pid"); string(r.Payload) != string(first.Payload) || r.Instance != 1 {
			t.Error(r)
		}
	}
}

func TestAnExitFailsTheEventInHandAndTheNextGetsANewInstance(t *testing.T) {
	p, log := fgtest.Function(t, "", nil)
	r := fgtest.Call(t, p, "exit")
	if r.Code != api.CodeExited || string(r.Payload) != `{"error_code":"FSS.4204","error_msg":"runtime process is exited"}` {
		t.Error(r)
	}
	if r := fgtest.Call(t, p, "answer on"); string(r.Payload) != "on" || r.Instance != 2 {
		t.Error(r)
	}
	if !strings.Contains(log.String(), "exit status 3") {
		t.Error("the log does not tell the exit status")
	}
}

func TestABootstrapThatNeverStartsIsGivenUp(t *testing.T) {
	p, log := fgtest.Function(t, "exit", nil)
	if r := fgtest.Call(t, p, ""); r.Code != api.CodeStartFailures {
		t.Error(r)
	}
	if n := strings.Count(log.String(), "starting:"); n != 5 {
		t.Errorf("%d starts", n)
	}
}

func TestABootstrapThatCannotBeStartedIsExplained(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		mode       os.FileMode
		code       int
		want       string
	}{
		"missing":        {"", "", 0, 4202, "needs an executable file named bootstrap"},
		"in a subfolder": {"top/bootstrap", "", 0o755, 4202, "zip the contents of top"},
		"in a ZIP":       {"i.zip", "PK", 0o644, 4202, "it holds only i.zip, which nobody unpacks"},
		"only a folder":  {"app/handler", "x", 0o644, 4202, "it holds only the folder app: zip the contents of app"},
		"not executable": {"bootstrap", "#!/bin/sh", 0o644, 4202, "chmod +x"},
		"a folder":       {"bootstrap/file", "", 0o644, 4202, "is a folder"},
		"no program":     {"bootstrap", "hello", 0o755, 4201, "with a #! line"},
		"no interpreter": {"bootstrap", "#!/bin/sh\r\n", 0o755, 4201, "CRLF"},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := fgtest.Function(t, "", func(fn *platform.Function, _ *platform.Options) {
				if err := os.Remove(filepath.Join(fn.Dir, "bootstrap")); err != nil {
					t.Fatal(err)
				}
				if c.file != "" {
					testkit.WriteFile(t, filepath.Join(fn.Dir, c.file), c.text, c.mode)
				}
			})
			if r := fgtest.Call(t, p, ""); r.Code != c.code || !strings.Contains(r.Message, c.want) {
				t.Error(r)
			}
		})
	}
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

func TestChildrenOfOthersAreLeftAlone(t *testing.T) {
	p, _ := fgtest.Function(t, "", nil)
	ended, running := exec.Command("true"), exec.Command("sleep", "1000")
	for _, c := range []*exec.Cmd{ended, running} {
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
	}
	fgtest.Call(t, p, "exit")
	fgtest.Call(t, p, "answer")
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
	p, log := fgtest.Function(t, "", nil)
	r := fgtest.Call(t, p, "print from the program")
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
	p, _ := fgtest.Function(t, "", func(fn *platform.Function, opt *platform.Options) {
		_ = os.Remove(filepath.Join(fn.Dir, "bootstrap"))
		testkit.WriteFile(t, filepath.Join(fn.Dir, "bootstrap"), "#!/bin/sh\nexec sleep 1000\n", 0o755)
		opt.API.LoadTimeout = 200 * time.Millisecond
	})
	if r := fgtest.Call(t, p, ""); r.Code != api.CodeLoadTimeout {
		t.Error(r)
	}
}

func TestAShellLoopIsARuntime(t *testing.T) {
	testkit.Need(t, "curl")
	p, _ := fgtest.Function(t, "", func(fn *platform.Function, _ *platform.Options) {
		_ = os.Remove(filepath.Join(fn.Dir, "bootstrap"))
		testkit.WriteFile(t, filepath.Join(fn.Dir, "bootstrap"), `#!/bin/sh
api=http://$RUNTIME_API_ADDR/v1/runtime/invocation
while event=$(curl -sS -D "$PWD/head" "$api/request"); do
	id=$(sed -n 's/^x-cff-request-id: *\([^\r]*\).*/\1/Ip' head)
	curl -sS "$api/response/$id" -d "you said $event"
done
`, 0o755)
	})
	for i := range 3 {
		if r := fgtest.Call(t, p, fmt.Sprint(i)); string(r.Payload) != fmt.Sprint("you said ", i) {
			t.Error(r)
		}
	}
}
