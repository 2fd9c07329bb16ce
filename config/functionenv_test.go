//go:build unix

package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"fgbootstrap/config"
)

// noteOf is the note that a function.env with this text gets, if these variables are set.
func noteOf(t *testing.T, text string, v vars) string {
	t.Helper()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "function.env"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return noteIn(t, root, v)
}

func noteIn(t *testing.T, root string, v vars) string {
	t.Helper()
	env := []string{"RUNTIME_CODE_ROOT=" + root}
	for name, value := range v {
		env = append(env, name+"="+value)
	}
	c, _ := config.Load(env, "/nowhere/bootstrap")
	if said := slices.Contains(c.Warnings, c.Note); said != (c.Note != "") {
		t.Errorf("the note is %q, the warnings are %q", c.Note, c.Warnings)
	}
	return c.Note
}

func wantNote(t *testing.T, name, got string, settings ...string) {
	t.Helper()
	want := ""
	if len(settings) > 0 {
		list := strings.Join(settings, ", ")
		want = "function.env sets " + list + ", but the function's variables don't: function.env is read by fgdev only; set " + list + " in the console"
	}
	if got != want {
		t.Errorf("%q: got %q, want %q", name, got, want)
	}
}

func TestAFunctionEnvThatNobodyReadsIsWarnedOf(t *testing.T) {
	for text, want := range map[string][]string{
		"BOOTSTRAP_MODE=worker\nBOOTSTRAP_COMMAND=\"python3 handler.py\"\n": {"BOOTSTRAP_MODE", "BOOTSTRAP_COMMAND"},
		"BOOTSTRAP_PIPE_INPUT=cgi":                                           {"BOOTSTRAP_PIPE_INPUT"},
		"BOOTSTRAP_HTTP_SOCKET=@x\nBOOTSTRAP_HTTP_PORT=auto":                 {"BOOTSTRAP_HTTP_PORT", "BOOTSTRAP_HTTP_SOCKET"},
		"\ufeffBOOTSTRAP_WORKER_PROTOCOL=jsonrpc\r\nA=b\r\n":                 {"BOOTSTRAP_WORKER_PROTOCOL"},
		"  export BOOTSTRAP_MODE = worker":                                   {"BOOTSTRAP_MODE"},
		"BOOTSTRAP_MODE: worker":                                             {"BOOTSTRAP_MODE"},
		"# a comment\n\n#BOOTSTRAP_MODE=http\nBOOTSTRAP_MODE=http # or not":  {"BOOTSTRAP_MODE"},
		"A='x\nBOOTSTRAP_MODE=worker\n'\nBOOTSTRAP_COMMAND=x":                {"BOOTSTRAP_COMMAND"},
		"A=\"say \\\"hi\\\"\nBOOTSTRAP_MODE=worker\"\nBOOTSTRAP_COMMAND=x":   {"BOOTSTRAP_COMMAND"},
		"A='never closed\nBOOTSTRAP_MODE=worker":                             {"BOOTSTRAP_MODE"},
		"nonsense\nBOOTSTRAP_MODE=worker":                                    {"BOOTSTRAP_MODE"},
		"BOOTSTRAP_MODE=\nBOOTSTRAP_COMMAND=''\nBOOTSTRAP_HTTP_PORT= # none": nil,
		"BOOTSTRAP_LOG_LEVEL=debug\nMY_BOOTSTRAP_MODE=x\nMODE=worker":        nil,
		"":                       nil,
		"\x00\xff=\x00\n=\n:\n'": nil,
	} {
		wantNote(t, text, noteOf(t, text, nil), want...)
	}
}

func TestWhatFunctionEnvSetsIsNotMissedWhereItIsDelivered(t *testing.T) {
	const text = "BOOTSTRAP_MODE=worker\nBOOTSTRAP_COMMAND=cat\n"
	wantNote(t, "plain", noteOf(t, text, vars{"BOOTSTRAP_MODE": "worker", "BOOTSTRAP_COMMAND": "cat"}))
	wantNote(t, "another value", noteOf(t, text, vars{"BOOTSTRAP_MODE": "pipe", "BOOTSTRAP_COMMAND": ""}))
	wantNote(t, "in the user data", noteOf(t, text, vars{"RUNTIME_USERDATA": `{"BOOTSTRAP_MODE":"worker","BOOTSTRAP_COMMAND":"cat"}`}))
	wantNote(t, "one of two", noteOf(t, text, vars{"RUNTIME_USERDATA": `{"BOOTSTRAP_MODE":"worker"}`}), "BOOTSTRAP_COMMAND")
	wantNote(t, "user data that can't be read", noteOf(t, text, vars{"RUNTIME_USERDATA": `{"BOOTSTRAP_MODE"`}))
}

func TestAFunctionEnvThatCantBeReadIsNoFault(t *testing.T) {
	folder, pipe, link := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "function.env"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(pipe, "function.env"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("function.env", filepath.Join(link, "function.env")); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{t.TempDir(), folder, pipe, link, "/nowhere"} {
		wantNote(t, root, noteIn(t, root, nil))
	}
	long := "BOOTSTRAP_MODE=worker\n# " + strings.Repeat("x", 1<<20) + "\nBOOTSTRAP_COMMAND=cat\n"
	wantNote(t, "a long file", noteOf(t, long, nil), "BOOTSTRAP_MODE")
}

func TestWithoutACodeRootFunctionEnvLiesBesideTheBootstrap(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "function.env"), []byte("BOOTSTRAP_MODE=worker"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, _ := config.Load(nil, filepath.Join(root, "bootstrap"))
	wantNote(t, "beside", c.Note, "BOOTSTRAP_MODE")
}
