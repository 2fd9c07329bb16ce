package test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
)

// launcher deploys test/testdata/launcher, which has the habits of OpenWhisk's
// launchers.
func launcher(t *testing.T, pairs ...string) *cloud {
	t.Helper()
	script, err := filepath.Abs(filepath.Join("testdata", "launcher", "launcher.py"))
	if err != nil {
		t.Fatal(err)
	}
	return deploy(t, worker("actionloop", testkit.Need(t, "python3"), script).with(pairs...), func(f *platform.Function, _ *platform.Options) {
		f.Name, f.Timeout = "hello", 8*time.Second
	})
}

func TestALauncherMaySpeakAsItLikes(t *testing.T) {
	c := launcher(t)
	for _, row := range []struct{ event, want string }{
		{`{"name": "Ada"}`, `{"name":"Ada"}`},
		{`{"do":"blank"}`, `{"do":"blank"}`},
		{`{"do":"early"}`, `{"do":"early"}`},
		{`{"do":"crlf"}`, `{"do":"crlf"}`},
		{`{"do":"unicode"}`, `{"text":"Zoë \u2028 Übersicht 😀"}`},
		{`{"do":"array"}`, `[1,"two",{"three":3}]`},
		{`[1,2]`, `[1,2]`},
		{`{"do":"both"}`, `{"error":"one key of two","ok":1}`},
		{`{"do":"big","size":1048576}`, `{"text":"` + strings.Repeat("x", 1<<20) + `"}`},
	} {
		if got := c.answer(row.event); !sameJSON(got, row.want) {
			t.Errorf("%s: got %.100q", row.event, got)
		}
	}
	if n := strings.Count(c.log.String(), "is replaced"); n != 0 {
		t.Errorf("the launcher was replaced %d times", n)
	}
	result := c.invoke(`{"do":"echo"}`)
	c.logs(result.RequestID + " INFO stdout of echo")
	c.logs(result.RequestID + " INFO stderr of echo")
}

func TestALauncherFindsItsVariables(t *testing.T) {
	result := launcher(t).invoke(`{"do":"env"}`)
	var env map[string]string
	if err := json.Unmarshal(result.Payload, &env); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"__OW_ACTIVATION_ID": result.RequestID, "__OW_ACTION_NAME": "hello", "__OW_ACTION_VERSION": "latest"} {
		if env[name] != want {
			t.Errorf("%s is %q", name, env[name])
		}
	}
	if len(env["__OW_DEADLINE"]) != 13 {
		t.Errorf("the deadline is %q", env["__OW_DEADLINE"])
	}
}

func TestALaunchersErrorsAreErrors(t *testing.T) {
	c := launcher(t)
	c.fails(`{"do":"error","error":"no such thing"}`, "Function.Error", "no such thing")
	c.fails(`{"do":"error","error":{"code":7}}`, "Function.Error", `{"code": 7}`)
	c.fails(`{"do":"typed"}`, "Shop.Closed", "the shop is closed")
	for _, row := range []struct {
		event, kind string
		want        []string
	}{
		{`{"do":"exit"}`, "Runtime.ExitError", []string{"code 3", "stderr of exit"}},
		{`{"do":"kill"}`, "Runtime.ExitError", []string{"SIGKILL"}},
		{`{"do":"text"}`, "Runtime.ProtocolError", []string{`«"neither object nor array"»`, "one line"}},
		{`{"do":"junk"}`, "Runtime.ProtocolError", []string{"«this is not JSON»"}},
		{`{"do":"close"}`, "Runtime.ProtocolError", []string{"closed", "descriptor 3", "npm start"}},
	} {
		c.fails(row.event, row.kind, row.want...)
		if got := c.answer(`{"a":1}`); !sameJSON(got, `{"a":1}`) { // or five in a row would be too many
			t.Errorf("after %s got %s", row.event, got)
		}
	}
}

// The second line would be the answer to the next event, and so on for ever.
func TestAResultOverSeveralLinesIsReportedAndTheLauncherReplaced(t *testing.T) {
	c := launcher(t)
	first := c.answer(`{"do":"pid"}`)
	c.fails(`{"do":"lines"}`, "Runtime.ProtocolError", "«{»", "on one line")
	if second := c.answer(`{"do":"pid"}`); second == first {
		t.Error("the launcher goes on")
	}
	c.answer(`{"do":"two"}`)
	if got := c.answer(`{"mine":1}`); !sameJSON(got, `{"mine":1}`) {
		t.Errorf("got %s", got)
	}
}

func TestAnAckIsWaitedForIfTheEnvironmentAsksForIt(t *testing.T) {
	t.Parallel()
	waits := []string{"__OW_WAIT_FOR_ACK", "1"}
	for _, pairs := range [][]string{nil, waits, append(waits, "LAUNCHER_ACK", "always")} {
		c := launcher(t, pairs...)
		for _, event := range []string{`{"a":1}`, `{"ok":true}`, `{"a":2}`} {
			if got := c.answer(event); !sameJSON(got, event) {
				t.Errorf("%q: got %s for %s", pairs, got, event)
			}
		}
	}
	launcher(t, append(waits, "LAUNCHER_ACK", "refuse")...).fails(`{"a":1}`, "Runtime.ProtocolError", `«{"ok": false}»`)
	launcher(t, append(waits, "LAUNCHER_ACK", "die")...).fails(`{"a":1}`, "Runtime.ExitError", "code 1", "the action can't be loaded")
	launcher(t, append(waits, "LAUNCHER_ACK", "never", "BOOTSTRAP_INIT_WAIT", "100ms", "BOOTSTRAP_TIMEOUT_MARGIN", "2s")...).
		fails(`{"a":1}`, "Runtime.InitError", "__OW_WAIT_FOR_ACK", "sleeps")
}

func TestAWrapperThatKeepsDescriptor3IsNamed(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "node")
	for _, start := range []string{"start", "node"} {
		c := deploy(t, worker("actionloop", testkit.Need(t, "npm"), "run", start), func(f *platform.Function, o *platform.Options) {
			for _, name := range []string{"launcher.py", "launcher.js", "package.json"} {
				file(name, readFile(t, filepath.Join("test", "testdata", "launcher", name)), 0o644)(f, o)
			}
		}, timeout(60*time.Second))
		c.fails(`{"a":1}`, "Runtime.ExitError", "npm start does not hand descriptor 3 on", "node launcher.js")
	}
	// One that fails silently.
	script := `exec 4>&3; sh -c 'exec 3>&- 4>&-; read -r line; sleep 600'`
	c := deploy(t, worker("actionloop", "sh", "-c", script).with(ampleMargin...), timeout(5*time.Second))
	f := c.fails(`{"a":1}`, "Runtime.Timeout", "does not have descriptor 3", "answers are expected: «s")
	if strings.Contains(f.Message, "600") {
		t.Errorf("an argument shows: %s", f.Message)
	}
}
