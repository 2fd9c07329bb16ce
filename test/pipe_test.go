package test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
	"fgbootstrap/platform/api"
)

func TestTheEventIsOnStdinAndThenItEnds(t *testing.T) {
	if got := deploy(t, sh(`cat; echo "<end>"`)).answer(`{"a": 1}`); got != `{"a": 1}<end>`+"\n" {
		t.Errorf("got %q", got)
	}
}

func TestStdoutIsTheResponseByteForByte(t *testing.T) {
	got := deploy(t, sh(`printf 'a\000b\377\r\n\n'`)).answer("{}")
	if got != "a\x00b\xff\r\n\n" {
		t.Errorf("got %q", got)
	}
}

func TestStderrIsTheLog(t *testing.T) {
	c := deploy(t, sh(`echo "one"; echo "two" >&2; printf 'three' >&2`))
	result := c.invoke("{}")
	if string(result.Payload) != "one\n" {
		t.Errorf("got %q", result.Payload)
	}
	c.logs(" " + result.RequestID + " INFO two\n")
	c.logs(" " + result.RequestID + " INFO three\n")
}

func TestExitCodesAndSignalsAreErrors(t *testing.T) {
	for _, row := range []struct{ script, want string }{
		{"exit 1", "code 1"},
		{"exit 255", "code 255"},
		{"kill -SEGV $$", "was killed by SIGSEGV"},
		{"kill -TERM $$", "was killed by SIGTERM"},
		{"kill -KILL $$", "was killed by SIGKILL"},
		{"sh -c 'kill -ABRT $$'; exit $?", "SIGABRT"},
		{"no-such-program-anywhere", "code 127"},
	} {
		t.Run(row.script, func(t *testing.T) {
			deploy(t, sh(row.script)).fails("{}", "Runtime.ExitError", row.want)
		})
	}
}

func TestAProgramsOwnErrorIsRelayedWhateverItsTypes(t *testing.T) {
	const unsaid = "The program exited with code 1. It wrote nothing to stderr; the end of its stdout: "
	for text, want := range map[string]failure{
		`{"errorType":"A","errorMessage":"m","stackTrace":"one\\ntwo\\n"}`: {"A", "m", []string{"one", "two"}},
		`{"errorType":"A","errorMessage":"m","stackTrace":{"a":1}}`:        {"A", "m", []string{`{"a":1}`}},
		`{"errorType":"A","errorMessage":"m","stackTrace":null}`:           {"A", "m", []string{}},
		`{"errorType":"A","errorMessage":"m","stackTrace":["a",1,{}]}`:     {"A", "m", []string{"a", "1", "{}"}},
		`{"errorType":42,"errorMessage":{"code":7}}`:                       {"42", `{"code":7}`, []string{}},
		`{"errorType":"","errorMessage":"m"}`:                              {"Function.Error", "m", []string{}},
		`{"errorType":null,"errorMessage":null}`:                           {"Runtime.ExitError", unsaid + `{"errorType":null,"errorMessage":null}`, []string{}},
		`{"ErrorType":"A"}`:                                                {"Runtime.ExitError", unsaid + `{"ErrorType":"A"}`, []string{}},
	} {
		if got := deploy(t, sh(`printf '`+text+`'; exit 1`)).failure("{}"); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v", text, got)
		}
	}
}

func TestAFailureQuotesTheLineThatTells(t *testing.T) {
	for script, want := range map[string]string{
		`printf 'Error: no such table\n    at query (db.js:7)\n\nNode.js v20.20.2\n' >&2; exit 1`: "Its last words: Error: no such table",
		`printf 'one\ntwo\n' >&2; exit 1`:               "Its last words: two",
		`echo 'no such customer'; exit 1`:               "the end of its stdout: no such customer",
		`echo 'no such customer'; echo why >&2; exit 1`: "Its last words: why",
	} {
		deploy(t, sh(script)).fails("{}", "Runtime.ExitError", want)
	}
	c := deploy(t, sh(`echo 'customer 4711'; exit 1`).with("BOOTSTRAP_ERROR_DETAIL", "brief"))
	if f := c.fails("{}", "Runtime.ExitError"); strings.Contains(f.Message, "4711") {
		t.Errorf("got %s", f.Message)
	}
}

func TestASuccessWithAnErrorObjectIsASuccess(t *testing.T) {
	want := `{"errorType":"X","errorMessage":"y"}`
	if got := deploy(t, sh(`printf '`+want+`'`)).answer("{}"); got != want {
		t.Errorf("got %q", got)
	}
}

func TestTheProgramsOwnErrorNeedsOnlyOneOfItsNames(t *testing.T) {
	c := deploy(t, sh(`printf '{"errorMessage":"no such customer"}'; exit 1`))
	c.fails("{}", "Function.Error", "no such customer")
	c = deploy(t, sh(`printf '{"errorType":"Customer.Unknown"}'; exit 4`))
	c.fails("{}", "Customer.Unknown", "code 4")
	c = deploy(t, sh(`printf '{"message":"no such customer"}'; exit 4`))
	c.fails("{}", "Runtime.ExitError", "code 4")
}

func TestAKilledProgramIsSaidToBeOutOfMemoryIfTheKernelSaysSo(t *testing.T) {
	group := filepath.Join("/sys/fs/cgroup/memory", "fgbootstrap-"+strconv.Itoa(os.Getpid()))
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Skipf("no control group can be made here: %v", err)
	}
	t.Cleanup(func() {
		testkit.Eventually(t, "the control group to go", func() bool { return os.Remove(group) == nil })
	})
	testkit.WriteFile(t, filepath.Join(group, "memory.limit_in_bytes"), "40000000", 0o644)
	python := testkit.Need(t, "python3")
	c := deploy(t, settings{"BOOTSTRAP_COMMAND": command(python, "-c", "x = b'x' * 400000000")},
		func(f *platform.Function, _ *platform.Options) {
			// The bootstrap joins the group before it runs: an instance is born in its own.
			wrap(t, f, fmt.Sprintf("echo $$ > %s/cgroup.procs && exec ", group))
		})
	c.fails("{}", "Runtime.ExitError", "SIGKILL", "out of memory")
}

func TestAProgramThatNeverReadsStdinIsFine(t *testing.T) {
	c := deploy(t, sh(`echo done`))
	for _, size := range []int{0, 100, 65536, 65537, 5 << 20} {
		if got := c.answer(strings.Repeat("x", size)); got != "done\n" {
			t.Errorf("%d bytes: got %q", size, got)
		}
	}
}

func TestAProgramThatClosesStdinAndGoesOnIsFine(t *testing.T) {
	c := deploy(t, sh(`exec 0<&-; sleep 0.2; echo done`))
	if got := c.answer(strings.Repeat("x", 5<<20)); got != "done\n" {
		t.Errorf("got %q", got)
	}
}

func TestAProgramThatClosesStdoutIsWaitedFor(t *testing.T) {
	c := deploy(t, sh(`echo early; exec 1>&-; sleep 0.3; echo late >&2; exit 5`))
	f := c.fails("{}", "Runtime.ExitError", "code 5")
	if strings.Join(f.Stack, ",") != "late" {
		t.Errorf("got %q", f.Stack)
	}
}

// The first entry of a name wins in most programs, so there must be only one.
func TestVariablesOfAnotherInvocationAreNotHandedOn(t *testing.T) {
	c := deploy(t, sh(`tr '\000' '\n' </proc/$$/environ | grep ^X_CFF_`).with("X_CFF_REQUEST_ID", "stale", "X_CFF_OLD", "stale"))
	result := c.invoke("{}")
	if got := string(result.Payload); strings.Contains(got, "stale") || !strings.Contains(got, "X_CFF_REQUEST_ID="+result.RequestID+"\n") {
		t.Errorf("got %q", got)
	}
}

func TestABackgroundProcessDelaysTheAnswerByATenthOfASecondAtMost(t *testing.T) {
	c := deploy(t, sh(`echo fast; sleep 600 & exit 0`))
	c.answer("warm")
	began := time.Now()
	if got := c.answer("{}"); got != "fast\n" {
		t.Errorf("got %q", got)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %s", took)
	}
	c.logs("left in the background")
	c.alone()
}

func TestABackgroundProcessMayStillWriteWithinThatTime(t *testing.T) {
	c := deploy(t, sh(`(sleep 0.02; echo second) & echo first`))
	testkit.SoonerOrLater(t, "both lines were in the answer", func() bool { return c.answer("{}") == "first\nsecond\n" })
}

func TestABackgroundProcessThatLeftItsGroupIsGoneAfterTheEvent(t *testing.T) {
	testkit.Need(t, "setsid")
	c := deploy(t, sh(`setsid sh -c 'sleep 600 & sleep 601' >/dev/null 2>&1 & sleep 0.05; echo ok`))
	for range 3 {
		c.answer("{}")
		c.alone()
	}
}

func TestTheContextIsInVariablesAndInAFile(t *testing.T) {
	c := deploy(t, sh(`echo "$X_CFF_REQUEST_ID $X_CFF_INVOKE_TYPE $X_CFF_TRACE_ID"; cat "$BOOTSTRAP_CONTEXT_FILE"; `+
		`sh -c 'sh -c "cat $BOOTSTRAP_CONTEXT_FILE"'`))
	before := time.Now()
	result := c.call(api.Event{Payload: []byte("{}"), Async: true, Headers: map[string]string{"X-CFF-Trace-Id": "t-1"}})
	lines := strings.SplitN(string(result.Payload), "\n", 2)
	if want := result.RequestID + " async t-1"; lines[0] != want {
		t.Errorf("got %q, want %q", lines[0], want)
	}
	half := len(lines[1]) / 2
	if lines[1][:half] != lines[1][half:] {
		t.Errorf("a grandchild read something else: %s", lines[1])
	}
	var context struct {
		RequestID  string            `json:"requestId"`
		DeadlineMS int64             `json:"deadlineMs"`
		InvokeType string            `json:"invokeType"`
		Headers    map[string]string `json:"headers"`
	}
	if err := json.Unmarshal([]byte(lines[1][:half]), &context); err != nil {
		t.Fatal(err)
	}
	if context.RequestID != result.RequestID || context.InvokeType != "async" || context.Headers["x-cff-trace-id"] != "t-1" {
		t.Errorf("got %+v", context)
	}
	// The deadline is the timeout of 20 s less the margin of 1 s.
	if left := time.UnixMilli(context.DeadlineMS).Sub(before); left < 18*time.Second || left > 25*time.Second {
		t.Errorf("the deadline is in %s", left)
	}
}

func TestTheContextFileIsOfThisEventOnly(t *testing.T) {
	c := deploy(t, sh(`cat "$BOOTSTRAP_CONTEXT_FILE"`))
	long := api.Event{Headers: map[string]string{"X-CFF-Long": strings.Repeat("l", 5000)}}
	if first := c.call(long); !json.Valid(first.Payload) || len(first.Payload) < 5000 {
		t.Errorf("got %.200q", first.Payload)
	}
	if second := c.invoke("{}"); !json.Valid(second.Payload) || strings.Contains(string(second.Payload), "lll") {
		t.Errorf("got %.200q", second.Payload)
	}
}

func TestWithoutProcTheContextIsInATemporaryFile(t *testing.T) {
	if out, err := run(t, "/", nil, "unshare", "-m", "umount", "-l", "/proc"); err != nil {
		t.Skipf("/proc can't be taken away here: %v %s", err, out)
	}
	c := deploy(t, sh(`echo "$BOOTSTRAP_CONTEXT_FILE"; cat "$BOOTSTRAP_CONTEXT_FILE"`), func(f *platform.Function, _ *platform.Options) {
		wrap(t, f, "umount -l /proc; exec ")
		script := filepath.Join(f.Dir, "bootstrap")
		if err := os.Rename(script, filepath.Join(f.Dir, "inner")); err != nil {
			t.Fatal(err)
		}
		file("bootstrap", "#!/bin/sh\nexec unshare -m "+filepath.Join(f.Dir, "inner")+"\n", 0o755)(f, nil)
	})
	path, context, _ := strings.Cut(c.answer("{}"), "\n")
	if !strings.HasPrefix(path, "/tmp/") || !json.Valid([]byte(context)) {
		t.Errorf("got %q with %q", path, context)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Errorf("%s is left behind", path)
	}
}

var agency = api.Credentials{AccessKey: "AKPLANTED0001", SecretKey: "SKPLANTED0002", SecurityToken: "STPLANTED0003",
	AuthToken: "ATPLANTED0004", SecurityAccessKey: "SAPLANTED0005", SecuritySecretKey: "SSPLANTED0006"}

func withAgency(_ *platform.Function, o *platform.Options) { o.API.Credentials = agency }

func TestCredentialsAreHandedOverOnlyIfSwitchedOn(t *testing.T) {
	script := `env; cat "$BOOTSTRAP_CONTEXT_FILE"`
	if got := deploy(t, sh(script), withAgency).answer("{}"); strings.Contains(got, "PLANTED") {
		t.Errorf("a credential in: %s", got)
	}
	got := deploy(t, sh(script).with("BOOTSTRAP_CREDENTIALS", "on"), withAgency).answer("{}")
	for _, want := range []string{"X_CFF_ACCESS_KEY=AKPLANTED0001\n", "X_CFF_SECURITY_TOKEN=STPLANTED0003\n",
		`"x-cff-secret-key":"SKPLANTED0002"`, `"x-cff-auth-token":"ATPLANTED0004"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in: %s", want, got)
		}
	}
}

func TestTheProgramsSurroundingsAreThoseOfTheDesign(t *testing.T) {
	c := deploy(t, sh(`pwd; echo "$PWD $HOME $LANG $PYTHONUNBUFFERED $GREETING $SECRET_ONE"`).with("GREETING", "hi"),
		func(f *platform.Function, _ *platform.Options) {
			f.Encrypted = map[string]string{"SECRET_ONE": "only in the user data"}
		})
	dir := c.Function().Dir
	want := dir + "\n" + dir + " /tmp C.UTF-8 1 hi only in the user data\n"
	if got := c.answer("{}"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestQuotedCommandsAreSplitLikeAShellDoes(t *testing.T) {
	show := "#!/bin/sh\nfor word; do echo \"<$word>\"; done\n"
	for _, row := range []struct{ command, want string }{
		{`show one two`, "<one>\n<two>\n"},
		{`show "one two" 'three "four"' five\ six ''`, "<one two>\n<three \"four\">\n<five six>\n<>\n"},
		{`["show","one two","$HOME","*",""]`, "<one two>\n<$HOME>\n<*>\n<>\n"},
		{`./show '$HOME' *`, "<$HOME>\n<*>\n"},
	} {
		c := deploy(t, settings{"BOOTSTRAP_COMMAND": row.command}, file("show", show, 0o755))
		if got := c.answer("{}"); got != row.want {
			t.Errorf("%s: got %q, want %q", row.command, got, row.want)
		}
	}
}

func TestWithoutACommandTheHandlerRuns(t *testing.T) {
	script := func(says string) string { return "#!/bin/sh\necho " + says + " $*\n" }
	if got := deploy(t, nil, file("handler", script("default"), 0o755)).answer("{}"); got != "default\n" {
		t.Errorf("got %q", got)
	}
	named := func(f *platform.Function, _ *platform.Options) { f.Handler = "app.sh --fast" }
	got := deploy(t, nil, named, file("app.sh", script("named"), 0o755), file("handler", script("default"), 0o755)).answer("{}")
	if got != "named --fast\n" {
		t.Errorf("got %q", got)
	}
	other := func(f *platform.Function, _ *platform.Options) { f.Handler = "index.handler" }
	if got := deploy(t, nil, other, file("handler", script("default"), 0o755)).answer("{}"); got != "default\n" {
		t.Errorf("got %q", got)
	}
	deploy(t, nil).fails("{}", "Runtime.ConfigError", "BOOTSTRAP_COMMAND", "handler")
}

func TestAProgramThatIsRepairedOnDiskRunsWithoutARestart(t *testing.T) {
	c := deploy(t, settings{"BOOTSTRAP_COMMAND": "./app"}, file("app", "#!/bin/sh\necho one\n", 0o644))
	path := filepath.Join(c.Function().Dir, "app")
	c.fails("{}", "Runtime.InitError", "chmod +x")
	if err := exec.Command("chmod", "+x", path).Run(); err != nil {
		t.Fatal(err)
	}
	if got := c.answer("{}"); got != "one\n" {
		t.Errorf("got %q", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	c.fails("{}", "Runtime.InitError", "no file")
	file("app", "#!/bin/sh\necho two\n", 0o755)(&platform.Function{Dir: c.Function().Dir}, nil)
	if got := c.answer("{}"); got != "two\n" {
		t.Errorf("got %q", got)
	}
}

func TestWhatLeftTheGroupDoesNotHoldUpTheTimeoutsReport(t *testing.T) {
	testkit.Need(t, "setsid")
	for name, row := range map[string]struct{ margin, script string }{
		"it holds stderr, TERM ignored": {"120ms", `trap '' TERM; setsid sleep 600 & sleep 600; sleep 600`},
		// The sleep in the group becomes a zombie whose parent does not wait.
		"it has a zombie in the group": {"300ms", `sh -c 'sleep 600 & exec setsid sleep 600' >/dev/null 2>&1 & sleep 600`},
	} {
		t.Run(name, func(t *testing.T) {
			c := deploy(t, sh(row.script).with("BOOTSTRAP_TIMEOUT_MARGIN", row.margin), timeout(3*time.Second))
			c.reportsATimeoutInTime() // half of such a margin is little on a busy machine
			if strings.Contains(c.log.String(), "can't be killed") {
				t.Error("zombies are taken for processes that can't be killed")
			}
		})
	}
}

func TestAProgramThatMovedToAnotherGroupIsStoppedAtTheDeadline(t *testing.T) {
	python := testkit.Need(t, "python3")
	c := deploy(t, settings{"BOOTSTRAP_COMMAND": command(python, "-c", `
import os, time
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    time.sleep(600)
while os.getpgid(child) != child: time.sleep(0.01)
os.setpgid(0, child)
time.sleep(600)`)}.with(ampleMargin...), timeout(5*time.Second))
	c.fails("{}", "Runtime.Timeout", "still running")
	c.waitFor("the program to be gone", func() bool { return len(c.processes()) == 1 })
}
