package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/door"
)

// wsgi shows what a program sees of a request, by the rules of PEP 3333.
const wsgi = `
import os
from wsgiref.simple_server import make_server
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    seen = ["%s=%s" % (k, v) for k, v in environ.items() if k.startswith("HTTP_")]
    return ["\n".join([environ["PATH_INFO"]] + sorted(seen) + [""]).encode("latin-1")]
make_server("127.0.0.1", int(os.environ["PORT"]), app).serve_forever()
`

func TestAWSGIProgramIsNotDeceivedByAHeadersSpelling(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "python3")
	s := openSite(deploy(t, server("python3", "app.py"), file("app.py", wsgi, 0o644)))
	_, got := s.visit("GET", "/", "", "X_Forwarded_For", "6.6.6.6", "x.forwarded.for", "6.6.6.6", "X_Real_IP", "6.6.6.6", "Proxy", "http://6.6.6.6", "X-Apig-Source-Ip", "6.6.6.6",
		"X_Cff_Request_Id", "6.6.6.6", "User_Agent", "6.6.6.6", "X-Bootstrap-Request-Context", "6.6.6.6", "Api_key", "mine", "Cookie", "a=1", "Cookie", "b=2")
	if strings.Contains(got, "6.6.6.6") {
		t.Errorf("it sees\n%s", got)
	}
	for _, want := range []string{
		"HTTP_X_FORWARDED_FOR=127.0.0.1", "HTTP_X_REAL_IP=127.0.0.1", "HTTP_API_KEY=mine", "HTTP_COOKIE=a=1; b=2", "HTTP_X_APIG_SOURCE_STAGE=RELEASE",
		`HTTP_X_BOOTSTRAP_REQUEST_CONTEXT={"apiId":"00000000-0000-4000-8000-000000000000","requestId":"`,
	} {
		if !strings.Contains(got, "\n"+want) {
			t.Errorf("it does not see %s in\n%s", want, got)
		}
	}
	s.logs(`was handed to the server without its header "`)
	if n := strings.Count(s.log.String(), "was handed to the server without"); n != 1 {
		t.Errorf("the log says so %d times", n)
	}
}

func TestAPathReachesAProgramWhateverTheGatewayDoesWithIt(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "python3")
	c := deploy(t, server("python3", "app.py").with("BOOTSTRAP_HTTP_STRIP_PREFIX", "/app"), file("app.py", wsgi, 0o644))
	for _, gateway := range []door.Config{{}, {EncodedPaths: true}} {
		front, err := gateway.Open(c.Platform, "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := &site{c, openSite(c).client, "http://" + front.Addr()}
		for target, want := range map[string]string{
			"/app/a%20b": "/a b", "/app/%E4%BD%A0": "/你", "/app/100%25": "/100%", "/app/a%3Fb": "/a?b", "/app/plain": "/plain", "/app/a%20b%2541": "/a b%41",
		} {
			_, got := s.visit("GET", target, "")
			if path, rest, _ := strings.Cut(got, "\n"); path != want || !strings.Contains(rest, "HTTP_X_FORWARDED_PREFIX=/app\n") {
				t.Errorf("%+v, %s: got\n%s", gateway, target, got)
			}
		}
		if err := front.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Node answers 431 to heads of more than 16 KB, and resets the connection.
func TestNodesRefusalOfALargeHeadReachesTheCaller(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "node")
	c := deploy(t, server("node", "-e", `require("http").createServer((q, r) => { r.writeHead(413, {Connection: "close"}); r.end("no") }).listen(process.env.PORT)`))
	call := `{"httpMethod":"%s","path":"/","requestContext":{},"headers":{"x-large":"%s"},"body":"%s"}`
	for range 10 {
		if got := c.answer(fmt.Sprintf(call, "GET", strings.Repeat("x", 70<<10), "")); !strings.Contains(got, `"statusCode":431`) {
			t.Errorf("got %s", got)
		}
		if got := c.answer(fmt.Sprintf(call, "POST", "small", strings.Repeat("x", 4<<20))); !strings.Contains(got, `"statusCode":413`) {
			t.Errorf("got %s", got)
		}
	}
}

func TestALargeHeadLeavesNoMemoryBehind(t *testing.T) {
	t.Parallel()
	call := `{"httpMethod":"GET","path":"/","requestContext":{},"headers":{"x-a":%s}}`
	for name, value := range map[string]string{
		"a million values":  "[" + strings.Repeat(`"b",`, 999_999) + `"b"]`,
		"20000 values":      "[" + strings.Repeat(`"b",`, 19_999) + `"b"]`,
		"3 MB":              `"` + strings.Repeat("b", 3<<20) + `"`,
		"a million cookies": "[" + strings.Repeat(`"b",`, 999_999) + `"b"],"cookie":[` + strings.Repeat(`"b",`, 400_000) + `"b"]`,
	} {
		c := deploy(t, settings{"BOOTSTRAP_MODE": "http", "BOOTSTRAP_HTTP_PORT": "auto", "BOOTSTRAP_COMMAND": command(aProgram()), testkit.Variable: "echo"})
		for range 10 {
			c.answer(fmt.Sprintf(call, `"b"`))
		}
		pid := c.bootstrap()
		before := status(t, pid, "VmRSS:")
		began := time.Now()
		result := c.invoke(fmt.Sprintf(call, value))
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
		if strings.HasPrefix(name, "a million") && (!result.Failed || !strings.Contains(string(result.Payload), "header lines")) {
			t.Errorf("%s: got %.300s", name, result.Payload)
		}
		c.waitFor(name+": the memory to be given back", func() bool { return status(t, pid, "VmRSS:") < before+10<<10 })
		c.answer(fmt.Sprintf(call, `"b"`))
		t.Logf("%s: RSS %d KB before, %d KB after, %d KB at the peak", name, before, status(t, pid, "VmRSS:"), status(t, pid, "VmHWM:"))
	}
}

// With the default timeout, and without a look at the log.
func TestAServerOnAnotherPortIsToldOfBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "python3")
	port := freePort(t)
	c := deploy(t, settings{"BOOTSTRAP_MODE": "http", "BOOTSTRAP_HTTP_PORT": freePort(t), "BOOTSTRAP_COMMAND": command("python3", "-m", "http.server", port)}, timeout(60*time.Second))
	began := time.Now()
	for range 2 {
		c.fails("{}", "Runtime.InitError", "It listens on port "+port+": set BOOTSTRAP_HTTP_PORT", "idle for a second")
	}
	if took := time.Since(began); took > 25*time.Second {
		t.Errorf("it took %s", took)
	}
	c.logs("It listens on port " + port)
}
