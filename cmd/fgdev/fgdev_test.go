package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
)

// The test binary is fgdev and, by other names, the function's bootstrap, too.
func TestMain(m *testing.M) {
	programs := map[string]func(){"fgdev": main}
	for _, what := range []string{"echo", "env", "exit", "fail", "hang", "page", "stop", "type"} {
		programs[what] = func() { os.Exit(bootstrap(what)) }
	}
	testkit.Main(m, programs)
}

// bootstrap is a custom runtime that does the same with each event.
func bootstrap(what string) int {
	fmt.Println("program output")
	url := "http://" + os.Getenv("RUNTIME_API_ADDR") + "/v1/runtime/invocation/"
	for {
		resp, err := http.Get(url + "request")
		if err != nil {
			return 1
		}
		result, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		kind := "response"
		switch what {
		case "fail":
			kind, result = "error", []byte(`{"errorType":"T","errorMessage":"no"}`)
		case "exit":
			return 3
		case "hang":
			time.Sleep(time.Hour)
		case "stop":
			stop := make(chan os.Signal, 1)
			signal.Notify(stop, syscall.SIGTERM)
			fmt.Println("at work")
			<-stop
			kind = "error"
		case "env":
			result = []byte(os.Getenv("RUNTIME_USERDATA") + os.Getenv("RUNTIME_TIMEOUT") + os.Getenv("RUNTIME_MEMORY") + os.Getenv("RUNTIME_HANDLER"))
		case "type":
			result = []byte(resp.Header.Get("X-Cff-Invoke-Type"))
		case "page":
			result = []byte(`{"statusCode":200,"body":"a page"}`)
		}
		if resp, err = http.Post(url+kind+"/"+resp.Header.Get("X-Cff-Request-Id"), "", bytes.NewReader(result)); err == nil {
			_ = resp.Body.Close()
			fmt.Println("report taken:", resp.Status)
		}
		if what == "stop" {
			return 0
		}
	}
}

// home is a folder with fgdev, a function's folder `fn` with a bootstrap, and whatever a test adds.
type home struct {
	t   *testing.T
	dir string
}

func newHome(t *testing.T, behaviour string) home {
	t.Helper()
	h := home{t, t.TempDir()}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Skipf("running a function needs Linux: %v", err)
	}
	h.write("bin/fgdev", string(self), 0o755)
	h.write("fn/bootstrap", string(self), 0o755)
	h.write("fn/function.env", testkit.Variable+"="+behaviour+"\n", 0o644)
	return h
}

func (h home) write(name, content string, mode os.FileMode) {
	h.t.Helper()
	testkit.WriteFile(h.t, filepath.Join(h.dir, name), content, mode)
}

func (h home) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(h.dir, "bin/fgdev"), args...)
	cmd.Dir = h.dir
	cmd.Env = append(testkit.Environ("fgdev"), "TMPDIR="+h.dir)
	return cmd
}

func (h home) fgdev(stdin string, args ...string) (code int, stdout, stderr string) {
	h.t.Helper()
	var out, errs bytes.Buffer
	cmd := h.command(args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		h.t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(h.dir, "fg-*")); len(left) > 0 {
		h.t.Errorf("%v is left behind", left)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func TestInvokePrintsTheResultAndNothingElse(t *testing.T) {
	h := newHome(t, "echo")
	h.write("event.json", "{\"a\":1}\n", 0o644)
	for _, c := range []struct{ stdin, event, want string }{
		{"", "event.json", "{\"a\":1}\n"}, {`"in"`, "-", `"in"`}, {"", "", "{}"},
	} {
		args := []string{"invoke", "fn"}
		if c.event != "" {
			args = append(args, "-e", c.event)
		}
		code, out, errs := h.fgdev(c.stdin, args...)
		if code != 0 || out != c.want {
			t.Errorf("%q: exit %d, %q", c.event, code, out)
		}
		for _, want := range []string{"program output", "Start invoke request", "Finish invoke request"} {
			if !strings.Contains(errs, want) {
				t.Errorf("no %q in %s", want, errs)
			}
		}
	}
}

func TestAnEventThatIsNotJSONIsSentWithAWarning(t *testing.T) {
	code, out, errs := newHome(t, "echo").fgdev("plain\x00", "invoke", "fn", "-e", "-")
	if code != 0 || out != "plain\x00" || !strings.Contains(errs, "not JSON") {
		t.Errorf("exit %d, %q, %s", code, out, errs)
	}
}

func TestAFailedInvocationExitsWithOneAndItsJSON(t *testing.T) {
	for behaviour, want := range map[string]string{
		"fail": `{"errorType":"T","errorMessage":"no"}`,
		"exit": `{"error_code":"FSS.4204","error_msg":"runtime process is exited"}`,
		"hang": `{"error_code":"FSS.4010","error_msg":"function invocation timed out after 1s"}`,
	} {
		code, out, errs := newHome(t, behaviour).fgdev("", "invoke", "fn", "--timeout", "1")
		if code != 1 || out != want {
			t.Errorf("%s: exit %d, %s\n%s", behaviour, code, out, errs)
		}
	}
}

func TestBadUsageExitsWithTwoAndNamesTheInput(t *testing.T) {
	h := newHome(t, "echo")
	h.write("bad/function.env", "GOOD=1\nSECRET='a\nb'\nthis is no setting\nOTHER=secret\n", 0o644)
	h.write("no.zip", "no zip", 0o644)
	big := strings.Repeat("x", 6<<20+101)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for _, c := range []struct {
		want string
		args []string
	}{
		{"invoke", nil},
		{"DIR|ZIP", []string{"invoke"}},
		{"nosuch", []string{"invoke", "nosuch"}},
		{"nosuch.json", []string{"invoke", "fn", "-e", "nosuch.json"}},
		{"--frobnicate", []string{"invoke", "fn", "--frobnicate"}},
		{`"fast" is neither seconds`, []string{"invoke", "fn", "--timeout", "fast"}},
		{"259200", []string{"invoke", "fn", "--timeout", "500ms"}},
		{"--memory", []string{"invoke", "fn", "--memory", "-1"}},
		{`"novalue" does not look like KEY=VALUE`, []string{"invoke", "fn", "-c", "novalue"}},
		{"poll has no fault \"explode\"", []string{"invoke", "fn", "--faults", "poll:explode"}},
		{"function.env: line 4", []string{"invoke", "bad"}},
		{"no.zip is neither a folder nor a readable ZIP file", []string{"invoke", "no.zip"}},
		{"is in use", []string{"run", "fn", "--listen", taken.Addr().String()}},
		{"256.256.256.256", []string{"run", "fn", "--listen", "256.256.256.256:1"}},
		{"event too large", []string{"invoke", "fn", "-e", "-"}},
	} {
		code, out, errs := h.fgdev(big, c.args...)
		if code != 2 || out != "" || !strings.Contains(errs, c.want) || strings.Contains(errs, "secret") {
			t.Errorf("%v: exit %d, %q\n%s", c.args, code, out, errs)
		}
	}
}

func TestSettingsReachTheFunction(t *testing.T) {
	h := newHome(t, "env")
	h.write("fn/function.env", testkit.Variable+"=env\nA=file\nB='b b'\n", 0o644)
	code, out, errs := h.fgdev("", "invoke", "fn", "-c", "A=flag,=;", "--encrypted", "C=hidden", "--timeout", "2m", "--memory", "512", "--handler", "x.y")
	if want := `{"A":"flag,=;","B":"b b","C":"hidden","TESTKIT_PROGRAM":"env"}120512x.y`; code != 0 || out != want {
		t.Errorf("exit %d, %s\n%s", code, out, errs)
	}
	if _, out, _ := h.fgdev("", "invoke", "fn", "--async", "-c", testkit.Variable+"=type"); out != "async" {
		t.Error(out)
	}
}

func TestFaultsAreInjected(t *testing.T) {
	h := newHome(t, "echo")
	if code, out, errs := h.fgdev("", "invoke", "fn", "--faults", "post:413"); code != 1 || !strings.Contains(out, "FSS.4008") {
		t.Errorf("exit %d, %s\n%s", code, out, errs)
	}
}

func TestAStreamedResultArrives(t *testing.T) {
	if code, out, errs := newHome(t, "echo").fgdev("", "invoke", "fn", "--streaming"); code != 0 || out != "{}" {
		t.Errorf("exit %d, %s\n%s", code, out, errs)
	}
}

func TestAFolderWithoutBootstrapGetsTheOneBesideFgdev(t *testing.T) {
	h := newHome(t, "echo")
	if err := os.Rename(filepath.Join(h.dir, "fn/bootstrap"), filepath.Join(h.dir, "bin/bootstrap")); err != nil {
		t.Fatal(err)
	}
	code, out, errs := h.fgdev("", "invoke", "fn")
	if code != 0 || out != "{}" || !strings.Contains(errs, filepath.Join(h.dir, "bin/bootstrap")) {
		t.Errorf("exit %d, %s\n%s", code, out, errs)
	}
	if left, _ := os.ReadDir(filepath.Join(h.dir, "fn")); len(left) != 1 {
		t.Errorf("the folder was changed: %v", left)
	}
}

func TestAFolderWithoutAnyBootstrapIsExplained(t *testing.T) {
	h := newHome(t, "echo")
	h.write("empty/handler", "", 0o755)
	if code, out, _ := h.fgdev("", "invoke", "empty"); code != 1 || !strings.Contains(out, "FSS.4202") {
		t.Errorf("exit %d, %s", code, out)
	}
}

// pack makes fn.zip of the folder fn, below prefix.
func (h home) pack(prefix string) {
	h.t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range []string{"bootstrap", "function.env"} {
		b, err := os.ReadFile(filepath.Join(h.dir, "fn", name))
		if err != nil {
			h.t.Fatal(err)
		}
		head := &zip.FileHeader{Name: prefix + name}
		head.SetMode(0o755)
		w, err := z.CreateHeader(head)
		if err != nil {
			h.t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		h.t.Fatal(err)
	}
	h.write("fn.zip", buf.String(), 0o644)
}

func TestAZIPRunsLikeItsFolder(t *testing.T) {
	h := newHome(t, "echo")
	h.pack("")
	if code, out, errs := h.fgdev("", "invoke", "fn.zip"); code != 0 || out != "{}" {
		t.Errorf("exit %d, %s\n%s", code, out, errs)
	}
	h.pack("fn/")
	if code, out, _ := h.fgdev("", "invoke", "fn.zip"); code != 1 || !strings.Contains(out, "zip the contents of fn") {
		t.Errorf("exit %d, %s", code, out)
	}
}

func TestHelpTellsTheExitCodesAndFaults(t *testing.T) {
	h := newHome(t, "echo")
	if code, out, _ := h.fgdev("", "--help"); code != 0 || !strings.Contains(out, "Exit codes: 0 success") {
		t.Errorf("exit %d, %s", code, out)
	}
	if code, out, _ := h.fgdev("", "invoke", "--help"); code != 0 || !strings.Contains(out, "poll:reset") {
		t.Errorf("exit %d, %s", code, out)
	}
}

func TestTheVersionIsShown(t *testing.T) {
	if code, out, errs := newHome(t, "echo").fgdev("", "--version"); code != 0 || out != "development\n" || errs != "" {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
}

func TestRunServesUntilItIsStopped(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if sig == syscall.SIGHUP && signal.Ignored(sig) {
			continue // these tests run under nohup
		}
		h := newHome(t, "page")
		cmd := h.command("run", "fn", "--listen", "127.0.0.1:0")
		url := serving(t, cmd)
		wantPage(t, url)
		_ = cmd.Process.Signal(sig)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v", sig, err)
		}
	}
}

func TestRunUnderNohupOutlivesItsTerminal(t *testing.T) {
	h := newHome(t, "page")
	cmd := h.command("run", "fn", "--listen", "127.0.0.1:0")
	cmd.Args = append([]string{"sh", "-c", `trap "" HUP; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	url := serving(t, cmd)
	_ = cmd.Process.Signal(syscall.SIGHUP)
	wantPage(t, url)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// serving starts fgdev run and returns the address of its gateway door.
func serving(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() { guard.Stop() })
	first, _ := bufio.NewReader(out).ReadString('\n')
	return regexp.MustCompile(`http://\S+`).FindString(first)
}

func wantPage(t *testing.T, url string) {
	t.Helper()
	resp, err := http.Get(url + "any/path")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != 200 || string(body) != "a page" {
		t.Errorf("%s %s", resp.Status, body)
	}
}

func TestAnInterruptedInvocationIsReportedByTheFunction(t *testing.T) {
	h := newHome(t, "stop")
	cmd := h.command("invoke", "fn", "--timeout", "60")
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer guard.Stop()
	var text strings.Builder
	lines := bufio.NewScanner(logs)
	for lines.Scan() {
		text.WriteString(lines.Text() + "\n")
		if lines.Text() == "at work" {
			_ = cmd.Process.Signal(os.Interrupt)
		}
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.HasSuffix(text.String(), "fgdev: interrupted\n") {
		t.Errorf("exit %d, %s", code, &text)
	}
	if !strings.Contains(text.String(), "report taken: 200 OK") {
		t.Error(&text)
	}
}
