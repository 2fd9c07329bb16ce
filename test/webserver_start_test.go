package test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
)

// Web servers on their bad days.

func TestAServerWithoutItsModulesSaysWhichOneIsMissing(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "node")
	app := readFile(t, filepath.Join("test", "testdata", "http-express", "app.js"))
	c := deploy(t, server("node", "app.js"), file("app.js", app, 0o644))
	for range 2 {
		f := c.fails(sample(t, "apig.json"), "Runtime.ExitError", "exited with code 1", "Error: Cannot find module 'express'")
		if text := strings.Join(f.Stack, "\n"); !strings.Contains(text, "/app.js:4:17)") {
			t.Errorf("the stack is %s", text)
		}
	}
}

func TestAServerThatIsNotReadyHasWhyTheStartBeforeFailed(t *testing.T) {
	t.Parallel()
	script := `if mkdir "$ONCE"; then echo "no such data base" >&2; exit 3; fi; sleep 600`
	for name, variables := range map[string]settings{
		"http mode":   server("sh", "-c", script),
		"worker mode": worker("jsonrpc", "sh", "-c", script),
	} {
		t.Run(name, func(t *testing.T) {
			once := []string{"ONCE", filepath.Join(t.TempDir(), "once")}
			c := deploy(t, variables.with(once...).with(ampleMargin...).with("BOOTSTRAP_INIT_WAIT", "100ms"), timeout(5*time.Second))
			f := c.fails("{}", "Runtime.ExitError", "was not ready either within the 2s that the event could wait", "code 3", "no such data base. The restarted program")
			if strings.Join(f.Stack, ",") != "no such data base" {
				t.Errorf("the stack is %q", f.Stack)
			}
		})
	}
}

func TestAServerWhosePortIsTakenIsToldByWhom(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	own := testkit.Self()
	c := deploy(t, server("no-server").with("BOOTSTRAP_HTTP_PORT", portOf(l)))
	c.fails("{}", "Runtime.InitError", "port "+portOf(l)+" is already in use", fmt.Sprintf("by process %d", os.Getpid()), own, "BOOTSTRAP_HTTP_PORT", "auto")

	testkit.Need(t, "python3") // one with a port of its own
	c = deploy(t, server("python3", "-m", "http.server", portOf(l)))
	c.fails("{}", "Runtime.ExitError", "exited with code 1", "Address already in use")
}

func TestWhoHasAPortIsNamedWithoutItsArguments(t *testing.T) {
	t.Parallel()
	python := testkit.Need(t, "python3")
	serves := `import socket, sys, time; s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True); time.sleep(600)`
	for name, argv := range map[string][]string{
		"arguments":               {"python3", "-c", serves, "--password", "PLANTED1"},
		"a value before its name": {"DBPASS=PLANTED2", "-c", serves},
		"a line for its name":     {"server: postgres://bob:PLANTED3@db", "-c", serves},
	} {
		t.Run(name, func(t *testing.T) {
			other := exec.Command(python)
			other.Args = argv
			out, err := other.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := other.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				_ = other.Process.Kill()
				_ = other.Wait()
			}()
			port, _ := bufio.NewReader(out).ReadString('\n')
			port = strings.TrimSpace(port)
			c := deploy(t, server("no-server").with("BOOTSTRAP_HTTP_PORT", port))
			f := c.fails("{}", "Runtime.InitError", "port "+port+" is already in use", fmt.Sprintf("by process %d: «", other.Process.Pid))
			for _, text := range []string{"PLANTED", "--password", "import"} {
				if strings.Contains(f.Message+c.log.String(), text) {
					t.Errorf("%s shows: %s", text, f.Message)
				}
			}
		})
	}
}

func TestAServerOfAnInterpreterThatThePlatformHidesIsToldWhere(t *testing.T) {
	t.Parallel()
	node := testkit.Need(t, "node")
	hidden := "/opt/function/runtime/nodejs20/bin/node"
	// The instance has an /opt of its own.
	mount := `mount -t tmpfs none /opt && mkdir -p ` + filepath.Dir(hidden) + ` && ln -s ` + node + ` ` + hidden + ` && exec env PATH="$MY_PATH" `
	inside := func(script string) []string { return []string{"--mount", "--map-root-user", "sh", "-c", script} }
	if out, err := exec.Command("unshare", inside(mount+"/bin/true")...).CombinedOutput(); err != nil {
		t.Skipf("there can't be an /opt/function here: %v: %s", err, out)
	}
	start := "MY_PATH=$PATH PATH=/usr/sbin:/usr/bin:/sbin:/bin exec unshare --mount --map-root-user sh -c '" + mount + `"$0"' `
	folder := t.TempDir()
	for _, name := range []string{"nodes", "npm"} { // one that looks like it
		testkit.WriteFile(t, filepath.Join(folder, name), "", 0o755)
	}
	app := `require('http').createServer((q, a) => a.end('found')).listen(process.env.PORT)`
	instance := func(f *platform.Function, _ *platform.Options) { wrap(t, f, start) }
	c := deploy(t, server("node", "app.js").with("PATH", folder), file("app.js", app, 0o644), instance)
	c.fails("{}", "Runtime.InitError", `There is no program "node"`, "The platform has one at "+hidden, "put that into BOOTSTRAP_COMMAND")
	c = deploy(t, server(hidden, "app.js").with("PATH", folder), file("app.js", app, 0o644), instance)
	if got := c.answer("{}"); got != "found" {
		t.Errorf("got %q", got)
	}
}
