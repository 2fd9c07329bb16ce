package test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
)

// elfHead is the beginning of a program for the machine of that number.
func elfHead(machine byte) string {
	head := make([]byte, 64)
	copy(head, "\x7fELF\x02\x01\x01")
	head[16], head[18] = 2, machine
	return string(head)
}

// muslProgram is a program for this machine that wants Alpine's loader.
func muslProgram() string {
	const loader = "/lib/ld-musl-none.so.1\x00"
	head := []byte(elfHead(62))
	head[32], head[54], head[56] = 64, 56, 1 // one program header behind the ELF header
	segment := make([]byte, 56)
	segment[0], segment[8], segment[32] = 3, 120, byte(len(loader))
	return string(head) + string(segment) + loader
}

func TestAProgramThatCantStartIsDiagnosed(t *testing.T) {
	for name, row := range map[string]struct {
		command string
		text    string
		mode    os.FileMode
		want    []string
	}{
		"not executable":      {"./app", "#!/bin/sh\n", 0o644, []string{"app is not executable", "chmod +x app", "ZIP", "Windows"}},
		"CRLF":                {"./app", "#!/bin/sh\r\necho\r\n", 0o755, []string{"CRLF", `/bin/sh\r`, "sed -i"}},
		"byte order mark":     {"./app", "\xef\xbb\xbf#!/bin/sh\n", 0o755, []string{"byte order mark"}},
		"missing interpreter": {"./app", "#!/opt/python9/bin/python9\n", 0o755, []string{"/opt/python9/bin/python9", "not here"}},
		"wrong architecture":  {"./app", elfHead(183), 0o755, []string{"built for arm64", "this is amd64", "GOARCH=amd64"}},
		"missing loader":      {"./app", muslProgram(), 0o755, []string{"/lib/ld-musl-none.so.1", "Alpine", "statically"}},
		"for Windows":         {"./app", "MZ\x90\x00", 0o755, []string{"Windows", "GOOS=linux"}},
		"for macOS":           {"./app", "\xcf\xfa\xed\xfe\x07", 0o755, []string{"macOS", "GOOS=linux"}},
		"no shebang":          {"./app", "echo hello\n", 0o755, []string{"#!"}},
		"empty":               {"./app", "", 0o755, []string{"app is empty"}},
		"a directory":         {"./folder", "", 0o755, []string{"folder is a directory"}},
		"a typo":              {"./ap", "#!/bin/sh\n", 0o755, []string{"no file", "Did you mean", "app?"}},
		"a typo without path": {"apq --fast", "#!/bin/sh\n", 0o755, []string{`no program "apq"`, "PATH", "Did you mean", "app?"}},
		"unknown":             {"no-such-interpreter-here app", "", 0o755, []string{`no program "no-such-interpreter-here"`, "PATH"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := deploy(t, settings{"BOOTSTRAP_COMMAND": row.command}, file("app", row.text, row.mode), file("folder/x", "", 0o644))
			c.fails("{}", "Runtime.InitError", row.want...)
			c.fails("{}", "Runtime.InitError", row.want...)
			if strings.Count(c.log.String(), row.want[0]) < 2 {
				t.Error("the log does not say so, at the start and for the event")
			}
			c.alone()
		})
	}
}

func TestAnInterpreterThatEnvDoesNotFindIsNamed(t *testing.T) {
	c := deploy(t, settings{"BOOTSTRAP_COMMAND": "./app"}, file("app", "#!/usr/bin/env ruby-9\n", 0o755))
	c.fails("{}", "Runtime.ExitError", "code 127", "ruby-9", "by env")
	// One that is there, but is not executable: env says 126.
	c = deploy(t, settings{"PATH": os.Getenv("PATH") + ":."}, file("ruby-9", "no", 0o644), file("handler", "#!/usr/bin/env ruby-9\n", 0o755))
	c.fails("{}", "Runtime.ExitError", "code 126", "ruby-9", "by env")
}

func TestTheCodeFolderComesBeforeThePath(t *testing.T) {
	c := deploy(t, settings{"BOOTSTRAP_COMMAND": "cat"}, file("cat", "#!/bin/sh\necho mine\n", 0o755))
	if got := c.answer("{}"); got != "mine\n" {
		t.Errorf("got %q", got)
	}
	// A folder or a file that can't run does not hide the program on the PATH.
	c = deploy(t, settings{"BOOTSTRAP_COMMAND": "cat"}, file("cat/x", "", 0o644))
	if got := c.answer("{}"); got != "{}" {
		t.Errorf("got %q", got)
	}
}

func TestThePathIsTheUsersNotOurs(t *testing.T) {
	folder := t.TempDir()
	tool := "#!/bin/sh\necho tool\n"
	testkit.WriteFile(t, filepath.Join(folder, "tool-of-mine"), tool, 0o755)
	c := deploy(t, settings{"BOOTSTRAP_COMMAND": "tool-of-mine", "PATH": folder + ":/usr/bin:/bin"})
	if got := c.answer("{}"); got != "tool\n" {
		t.Errorf("got %q", got)
	}
}

func TestTheWorkingDirectoryCanBeSet(t *testing.T) {
	c := deploy(t, settings{"BOOTSTRAP_COMMAND": "./app", "BOOTSTRAP_DIR": "sub"}, file("sub/app", "#!/bin/sh\npwd\n", 0o755))
	if got := c.answer("{}"); got != filepath.Join(c.Function().Dir, "sub")+"\n" {
		t.Errorf("got %q", got)
	}
}

func TestAnInstanceWithoutPlatformSaysHowToTryIt(t *testing.T) {
	out, err := run(t, t.TempDir(), nil, bootstrap())
	if err == nil {
		t.Error("it exits with 0")
	}
	for _, want := range []string{"RUNTIME_API_ADDR", "FunctionGraph", "fgdev invoke"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
	for _, broken := range []string{"RUNTIME_API_ADDR=http://", "RUNTIME_API_ADDR=127.0.0.1"} {
		out, err := run(t, t.TempDir(), []string{broken}, bootstrap())
		if err == nil || !strings.Contains(out, "RUNTIME_API_ADDR") || strings.Contains(out, "is not set") {
			t.Errorf("%s: %v, %q", broken, err, out)
		}
	}
}

func TestABootstrapInASubfolderIsExplained(t *testing.T) {
	c := deploy(t, nil, func(f *platform.Function, o *platform.Options) {
		if err := os.Remove(filepath.Join(f.Dir, "bootstrap")); err != nil {
			t.Fatal(err)
		}
		file("my-function/bootstrap", "#!/bin/sh\n", 0o755)(f, o)
	})
	if result := c.invoke("{}"); result.Code != 4202 || !strings.Contains(result.Reason(), "my-function") {
		t.Errorf("got %d: %s", result.Code, result.Reason())
	}
}

func TestAWorkingDirectoryThatCantBeEnteredIsNamed(t *testing.T) {
	c := deploy(t, sh(`rm -r "$PWD"`).with("BOOTSTRAP_DIR", "sub"), file("sub/file", "", 0o644))
	c.answer("{}")
	c.fails("{}", "Runtime.InitError", "working directory", "/sub can't be entered")
}

func TestARelativeInterpreterThatIsThereIsNoFault(t *testing.T) {
	c := deploy(t, settings{}, file("handler", "#!./interpreter\necho fine\n", 0o755), func(f *platform.Function, _ *platform.Options) {
		if err := os.Symlink("/bin/sh", filepath.Join(f.Dir, "interpreter")); err != nil {
			t.Fatal(err)
		}
	})
	c.answer("{}")
	if strings.Contains(c.log.String(), "WARN") {
		t.Error("it is warned of")
	}
}

func TestABinaryThatCantBeReadStillHasAContextFile(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("it takes root to run a program as another user")
	}
	dir, err := os.MkdirTemp("", "fgbootstrap-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program, err := os.ReadFile(filepath.Join(bin, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(filepath.Join(dir, "bootstrap"), program, 0o711)); err != nil {
		t.Fatal(err)
	}
	answers := make(chan string, 1)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			select {
			case answers <- string(body):
			default: // it is given the same event again and again
			}
			return
		}
		w.Header().Set("X-Cff-Request-Id", "only")
	}))
	defer api.Close()
	cmd := exec.Command(filepath.Join(dir, "bootstrap"))
	cmd.Env = []string{"RUNTIME_API_ADDR=" + api.Listener.Addr().String(), `BOOTSTRAP_COMMAND=/bin/sh -c 'cat "$BOOTSTRAP_CONTEXT_FILE"'`}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1003, Gid: 1003}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()
	if got := <-answers; !strings.HasPrefix(got, `{"requestId":"only"`) {
		t.Errorf("got %q", got)
	}
}
