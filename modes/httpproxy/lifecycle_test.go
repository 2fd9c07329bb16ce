package httpproxy_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/modes/httpproxy"

	"golang.org/x/sys/unix"
)

func TestAServerThatDiesInAnEventIsThatEventsError(t *testing.T) {
	h := open(t, "scripted server", nil)
	for name, c := range map[string]struct {
		steps []step
		texts []string
	}{
		"before its answer":        {[]step{{Stderr: "no database"}, {Exit: code(7)}}, []string{"exited with code 7", "no database"}},
		"in the middle of it":      {[]step{{Stderr: "no database"}, {Write: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody"}, {Exit: code(7)}}, []string{"exited with code 7", "no database"}},
		"in the middle of a chunk": {[]step{{Write: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nbody"}, {Exit: code(7)}}, []string{"exited with code 7"}},
		"by a signal":              {[]step{{Kill: int(unix.SIGKILL)}}, []string{"SIGKILL"}},
		"for memory, perhaps":      {[]step{{Kill: int(unix.SIGKILL)}}, []string{"SIGKILL", "out of memory"}},
		"with code 0":              {[]step{{Exit: code(0)}}, []string{"exited with code 0", "A web server must keep running"}},
	} {
		t.Run(name, func(t *testing.T) {
			pid := h.pid()
			e := h.fails(script("GET", c.steps...), testkit.Patience, "Runtime.ExitError", c.texts...)
			if c.steps[0].Stderr != "" && !strings.Contains(strings.Join(e.Stack, ""), c.steps[0].Stderr) {
				t.Errorf("the stack is %q", e.Stack)
			}
			if got := h.pid(); got == pid {
				t.Error("it is still there")
			}
		})
	}
}

// The connection that it comes by was used before, so that a safe one may be repeated.
func TestAnEventThatIsTheEndOfTheServerIsNotGivenToTheNext(t *testing.T) {
	dir := t.TempDir()
	h := open(t, "scripted server that notes", in(dir))
	for n := range 10 {
		h.pid()
		h.fails(call("GET", "/die", ""), testkit.Patience, "Runtime.ExitError", "code 7")
		text, err := os.ReadFile(filepath.Join(dir, "deaths"))
		if err != nil || len(text) != n+1 {
			t.Fatalf("after %d events there are %d deaths, %v", n+1, len(text), err)
		}
	}
}

func TestAnAnswerCountsThoughTheServerExitsThen(t *testing.T) {
	h := open(t, "scripted server", nil)
	for range 3 {
		if got := h.answer(script("POST", step{Write: ok}, step{Exit: code(0)})); got.Body != "ok" {
			t.Errorf("got %q", got.Body)
		}
		h.recovers()
	}
}

func TestAServerThatDiesWhileItHasNoEventIsReplaced(t *testing.T) {
	h := open(t, "scripted server", nil)
	pid := h.pid()
	n, _ := strconv.Atoi(pid)
	if err := unix.Kill(n, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the log says so", func() bool { return h.logs.FilterMessageSnippet("SIGKILL").Len() > 0 })
	if got := h.pid(); got == pid {
		t.Error("it has answered again")
	}
}

func TestAServerThatGoesToTheBackgroundIsKept(t *testing.T) {
	for _, program := range []string{"daemon", "daemon with setsid"} {
		t.Run(program, func(t *testing.T) {
			h := open(t, program, nil)
			kept := func(n int) {
				testkit.Eventually(t, "the log says so", func() bool { return h.logs.FilterMessageSnippet("gone to the background").Len() == n })
			}
			kept(1)
			pid := h.pid()
			for range 20 {
				if got := h.pid(); got != pid {
					t.Fatalf("%s has answered, not %s", got, pid)
				}
			}
			h.fails(script("GET", step{Exit: code(7)}), testkit.Patience, "Runtime.ExitError", "exited with code 7")
			second := h.pid()
			if second == pid {
				t.Fatal("it is still there")
			}
			kept(2)
			n, _ := strconv.Atoi(second)
			if err := unix.Kill(n, unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			testkit.Eventually(t, "its death is noticed", func() bool { return h.logs.FilterMessageSnippet("SIGKILL").Len() > 0 })
			third := h.pid()
			kept(3)
			h.shutdown()
			for _, pid := range []string{pid, second, third} {
				gone(t, pid)
			}
		})
	}
}

func TestWhatALeaderHasLeftBehindIsStoppedWhoeverListens(t *testing.T) {
	dir := t.TempDir()
	h := open(t, "daemon and helper", in(dir))
	h.pid()
	var helper string
	testkit.Eventually(t, "the helper is there", func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "helper"))
		helper = string(text)
		return err == nil && helper != ""
	})
	h.shutdown()
	gone(t, helper)
}

// Its leader is gone, and nobody listens yet.
func TestAShutdownWhileTheServerGoesToTheBackgroundLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	h := openWithin(t, 10*time.Millisecond, "daemon that never listens", in(dir))
	var pid string
	testkit.Eventually(t, "it is there", func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "helper"))
		pid = string(text)
		return err == nil && pid != ""
	})
	began := time.Now()
	h.shutdown()
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the shutdown took %s", took)
	}
	gone(t, pid)
}

// recovers waits until an event is answered: the first ones may still be told why not.
func (f *fixture) recovers() {
	f.t.Helper()
	testkit.Eventually(f.t, "the next one answers", func() bool {
		_, err := f.invoke("id", call("GET", "/pid", ""), testkit.Patience)
		return err == nil
	})
}

// gone waits for the end of a process, which has been killed: that may take a moment.
func gone(t *testing.T, pid string) {
	t.Helper()
	testkit.Eventually(t, "process "+pid+" is gone", func() bool {
		_, err := os.Stat("/proc/" + pid)
		return err != nil
	})
}

func TestAServerThatDoesNotListenWhereItShouldIsToldWhereItDoes(t *testing.T) {
	other := freePort(t)
	path := filepath.Join(t.TempDir(), "s")
	for name, c := range map[string]struct {
		program string
		change  func(*httpproxy.Config)
		texts   []string
	}{
		"nowhere":            {"deaf", nil, []string{"nothing answers on port", "It listens on no port at all", "Its last words: I wait"}},
		"on another port":    {"elsewhere", env("AT=127.0.0.1:" + strconv.Itoa(other)), []string{fmt.Sprintf("It listens on port %d: set BOOTSTRAP_HTTP_PORT", other)}},
		"on a socket":        {"elsewhere", env("AT=" + path), []string{"It listens on the socket " + path + ": set BOOTSTRAP_HTTP_PORT"}},
		"not on the socket":  {"elsewhere", all(socket(t), env("AT=127.0.0.1:"+strconv.Itoa(other))), []string{"nothing answers on the socket", fmt.Sprintf("It listens on port %d: have it listen on the socket", other)}},
		"not for all of us":  {"elsewhere", env("AT=" + notLoopback(t) + ":PORT"), []string{"of " + notLoopback(t) + " alone", "have it listen on 127.0.0.1"}},
		"on 127.0.0.2 alone": {"elsewhere", env("AT=127.0.0.2:PORT"), []string{"of 127.0.0.2 alone", "have it listen on 127.0.0.1"}},
		"a child of its own": {"elsewhere in a child", env("AT=127.0.0.1:" + strconv.Itoa(other)), []string{fmt.Sprintf("It listens on port %d", other)}},
	} {
		t.Run(name, func(t *testing.T) {
			h := openWithin(t, 10*time.Millisecond, c.program, c.change)
			testkit.Eventually(t, "it has come so far", func() bool {
				return h.logs.FilterMessage("I wait").Len() > 0
			})
			h.fails(says(ok), time.Second, "Runtime.InitError", append(c.texts[:len(c.texts):len(c.texts)], "not ready for the event within 1s")...)
		})
	}
}

// notLoopback is an address of this machine that others can reach.
func notLoopback(t *testing.T) string {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range addrs {
		if ip, ok := addr.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			return ip.IP.String()
		}
	}
	t.Skip("this machine has no address but loopback")
	return ""
}

func TestAServerOnIPv6AloneWorks(t *testing.T) {
	if _, err := net.Dial("tcp", "[::1]:1"); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Skip("there is no IPv6 here")
	}
	h := open(t, "elsewhere", env("AT=[::1]:PORT"))
	pid := h.pid()
	if got := h.pid(); got != pid {
		t.Errorf("got %s", got)
	}
}

func TestAServerThatTakesNoConnectionsAnyMoreIsStartedAgain(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		h := open(t, "scripted server", nil)
		pid := h.answer(says("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
		_ = pid
		deaf := h.answer(call("GET", "/deafen", "")).Body
		// The connection that it still has is let go of.
		h.answer(saysAndCloses("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
		if got := h.answer(call(method, "/pid", "")).Body; got == deaf {
			t.Error("it has answered again")
		}
		if n := h.logs.FilterMessageSnippet("no longer accepts connections").Len(); n > 1 {
			t.Errorf("the log says so %d times", n)
		}
	}
}

func TestAPortInUseIsToldWithWhoHasItAndTakenWhenItIsFree(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	port := listener.Addr().(*net.TCPAddr).Port
	h := open(t, "scripted server", func(c *httpproxy.Config) { c.Port = port })
	h.fails(says(ok), time.Second, "Runtime.InitError", fmt.Sprintf("port %d is already in use by process %d: ", port, os.Getpid()), "BOOTSTRAP_HTTP_PORT")
	_ = listener.Close()
	h.recovers() // with the next start
}

func TestPORTIsTheOneThatIsConfigured(t *testing.T) {
	port := freePort(t)
	h := open(t, "scripted server", all(env("PORT=1"), func(c *httpproxy.Config) { c.Port = port }))
	h.pid()
}

func TestUnixSockets(t *testing.T) {
	t.Run("with a path", func(t *testing.T) {
		h := open(t, "on a socket", socket(t))
		pid := h.pid()
		h.fails(script("GET", step{Kill: int(unix.SIGKILL)}), testkit.Patience, "Runtime.ExitError", "SIGKILL")
		if got := h.pid(); got == pid { // where the first has left its socket
			t.Error("it has answered again")
		}
	})
	t.Run("abstract", func(t *testing.T) {
		name := fmt.Sprintf("@httpproxy-test-%d", os.Getpid())
		h := open(t, "on a socket", all(env("SOCKET="+name), func(c *httpproxy.Config) { c.Socket = name }))
		h.pid()
	})
	t.Run("that is stale", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		if err != nil {
			t.Fatal(err)
		}
		stale.SetUnlinkOnClose(false)
		_ = stale.Close()
		h := open(t, "on a socket", all(env("SOCKET="+path), func(c *httpproxy.Config) { c.Socket = path }))
		h.pid()
	})
	t.Run("with a file in its place", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		testkit.WriteFile(t, path, "precious", 0o600)
		h := open(t, "on a socket", all(env("SOCKET="+path), func(c *httpproxy.Config) { c.Socket = path }))
		h.fails(says(ok), time.Second, "Runtime.ConfigError", "BOOTSTRAP_HTTP_SOCKET is "+path, "not a socket")
		if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
			t.Errorf("got %q, %v", text, err)
		}
		_ = os.Remove(path)
		h.recovers()
	})
	t.Run("in use", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		listener, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
		h := open(t, "on a socket", all(env("SOCKET="+path), func(c *httpproxy.Config) { c.Socket = path }))
		h.fails(says(ok), time.Second, "Runtime.InitError", fmt.Sprintf("the socket %s is already in use by process %d", path, os.Getpid()))
	})
}

func TestTheReadyPathDecides(t *testing.T) {
	ready := func(path string) func(*httpproxy.Config) {
		return func(c *httpproxy.Config) { c.ReadyPath = path }
	}
	t.Run("500", func(t *testing.T) {
		t.Parallel()
		h := openWithin(t, 2*time.Second, "scripted server", ready("/error"))
		h.fails(says(ok), 3*time.Second, "Runtime.InitError", "GET /error answered 500 Internal Server Error: «no database»")
		if n := h.logs.FilterMessageSnippet("answered 500").Len(); n != 1 {
			t.Errorf("the log says %d times why events wait", n)
		}
	})
	t.Run("404", func(t *testing.T) {
		t.Parallel()
		h := open(t, "scripted server", ready("/missing"))
		h.pid()
	})
	t.Run("hangs", func(t *testing.T) {
		t.Parallel()
		h := openWithin(t, 10*time.Millisecond, "scripted server", ready("/hang"))
		h.fails(says(ok), 2*time.Second, "Runtime.InitError", "GET /hang has no answer yet")
	})
	t.Run("hangs once", func(t *testing.T) {
		t.Parallel()
		h := open(t, "scripted server", ready("/hang-once"))
		h.pid()
	})
	t.Run("is dropped", func(t *testing.T) {
		t.Parallel()
		h := openWithin(t, 2*time.Second, "scripted server", ready("/drop"))
		h.fails(says(ok), 3*time.Second, "Runtime.InitError", "GET /drop got no answer: the server dropped the connection")
	})
}

func TestHTTPSIsNamed(t *testing.T) {
	// Go's own server says in plain HTTP what is wrong; that is for the caller.
	h := open(t, "https", nil)
	if got := h.answer(says(ok)); got.StatusCode != 400 || !strings.Contains(got.Body, "HTTPS server") {
		t.Errorf("got %d, %q", got.StatusCode, got.Body)
	}
	h = open(t, "tls", nil)
	h.fails(says(ok), testkit.Patience, "Runtime.ProtocolError", "did not answer GET /script", "plain HTTP", "BOOTSTRAP_HTTP_PORT")
	h = openWithin(t, 2*time.Second, "tls", func(c *httpproxy.Config) { c.ReadyPath = "/ready" })
	h.fails(says(ok), 2*time.Second, "Runtime.InitError", "GET /ready got no answer", "expect HTTPS")
}

func TestAnotherProtocolIsNotTakenForHTTPS(t *testing.T) {
	t.Parallel()
	for program, texts := range map[string][]string{
		"says FastCGI": {"expect FastCGI", "php -S"}, "says uwsgi": {"expect the uwsgi protocol", "--http-socket"}, "says nothing": {"FastCGI (php-fpm) or uwsgi"},
	} {
		for _, ready := range []string{"", "/ready"} {
			h := openWithin(t, 2*time.Second, program, func(c *httpproxy.Config) { c.ReadyPath = ready })
			errorType := "Runtime.ProtocolError"
			if ready != "" {
				errorType = "Runtime.InitError"
			}
			if e := h.fails(says(ok), 3*time.Second, errorType, append(texts, "plain HTTP")...); strings.Contains(e.Message, "expect HTTPS") {
				t.Errorf("%s: got %s", program, e.Message)
			}
		}
	}
	// One that has answered before speaks HTTP.
	h := open(t, "scripted server", nil)
	h.pid()
	if e := h.fails(call("GET", "/drop", ""), testkit.Patience, "Runtime.ProtocolError", "did not answer GET /drop"); strings.Contains(e.Message, "FastCGI") {
		t.Errorf("got %s", e.Message)
	}
}

func TestAFileThatWasMadeInsteadOfAnAbstractSocketIsNamed(t *testing.T) {
	name := fmt.Sprintf("@httpproxy-file-%d", os.Getpid())
	for _, at := range []string{"./" + name, filepath.Join(t.TempDir(), name)} {
		dir := t.TempDir()
		h := openWithin(t, 10*time.Millisecond, "elsewhere", all(in(dir), env("AT="+at), func(c *httpproxy.Config) { c.Socket = name }))
		testkit.Eventually(t, "it has come so far", func() bool { return h.logs.FilterMessage("I wait").Len() > 0 })
		h.fails(says(ok), 5*time.Second, "Runtime.InitError", "a file named "+name, "Set BOOTSTRAP_HTTP_SOCKET to a path")
	}
}

// At home the log is read before the event has failed.
func TestAnEventDoesNotWaitUntilItsDeadlineForAnIdleServerOnAnotherPort(t *testing.T) {
	other := freePort(t)
	h := open(t, "elsewhere", env("AT=127.0.0.1:"+strconv.Itoa(other))) // and New does not wait for long either
	where := fmt.Sprintf("It listens on port %d: set BOOTSTRAP_HTTP_PORT", other)
	if n := h.logs.FilterMessageSnippet(where).Len(); n != 1 {
		t.Errorf("the log says %d times where it listens", n)
	}
	for range 3 {
		began := time.Now()
		h.fails(says(ok), testkit.Patience, "Runtime.InitError", "nothing answers on port", where)
		if took := time.Since(began); took > testkit.Patience/2 {
			t.Errorf("it took %s", took)
		}
	}
}

// A port for metrics or a debugger may be open before the server's.
func TestAPortForMetricsFailsNoEvent(t *testing.T) {
	for _, program := range []string{"metrics first, busy", "metrics first, asleep"} {
		h := openWithin(t, 10*time.Millisecond, program, env("AT=127.0.0.1:"+strconv.Itoa(freePort(t))))
		h.pid()
		if n := h.logs.FilterMessageSnippet("It listens on port").Len(); n != 1 {
			t.Errorf("%s: the log says %d times where it listens", program, n)
		}
		h.shutdown() // the next one would be seen to listen on its ports
	}
}

func TestAServerThatNeverStartsIsExplainedToEachEventAndStartedAtThePaceOfTheBackOff(t *testing.T) {
	dir := t.TempDir()
	app := filepath.Join(dir, "app")
	write := func(text string) {
		testkit.WriteFile(t, app+".new", "#!/bin/sh\necho >>starts\n"+text, 0o755)
		if err := os.Rename(app+".new", app); err != nil {
			t.Fatal(err)
		}
	}
	starts := func() int {
		text, err := os.ReadFile(filepath.Join(dir, "starts"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), "\n")
	}
	write("echo 'no database' >&2; exit 7")
	h := open(t, "scripted server", all(in(dir), func(c *httpproxy.Config) { c.Resident.Program.Command.Words = []string{"./app"} }))
	began := time.Now()
	for range 300 {
		h.fails(says(ok), testkit.Patience, "Runtime.ExitError", "code 7", "no database")
	}
	took := time.Since(began)
	// At once, then after 50, 100, 200 … ms, each perhaps half of that by jitter.
	if n := starts(); n > 8+int(took/time.Second) {
		t.Errorf("%d starts in %s", n, took)
	}
	if took > testkit.Patience {
		t.Errorf("300 answers took %s", took)
	}
	h.fails(says(ok), testkit.Patience, "Runtime.ExitError", "no database (It has failed", "times in a row")
	write("exec " + testkit.Self())
	testkit.Eventually(t, "the repaired program works", func() bool {
		_, err := h.invoke("id", says(ok), testkit.Patience)
		return err == nil
	})
	if n := h.logs.FilterMessageSnippet("code 7").Len(); n > 10 {
		t.Errorf("the log says %d times what is wrong", n)
	}
}

func TestShutdownAsksTheServerAndKillsOneThatDoesNotListen(t *testing.T) {
	dir := t.TempDir()
	h := open(t, "polite", in(dir))
	h.pid()
	h.shutdown()
	if text, err := os.ReadFile(filepath.Join(dir, "end")); err != nil || string(text) != "asked" {
		t.Errorf("got %q, %v", text, err)
	}
	h = open(t, "stubborn", in(dir))
	pid := h.pid()
	h.shutdown()
	gone(t, pid)
}

// Between the look for one and the server's listen the kernel gives ports to others.
func TestAFreePortIsNoneThatTheKernelGivesAway(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Skip(err)
	}
	var first int
	if _, err := fmt.Sscan(string(text), &first); err != nil {
		t.Fatal(err)
	}
	if first < 32768 {
		t.Skipf("here it gives away those from %d on", first)
	}
	for range 50 {
		port, err := httpproxy.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if port < 1024 || port >= 32768 {
			t.Errorf("got %d", port)
		}
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
	}
}
