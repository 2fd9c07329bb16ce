package test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
)

// late is a web server that is ready after a while, and answers when that was.
func late() int {
	time.Sleep(300 * time.Millisecond)
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		return code(err)
	}
	ready := time.Now()
	return code(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, ready.UnixNano())
	})))
}

// The figure is in the log of the test: a machine that does other things, too, can't
// be held to it.
func TestTheFirstAnswerComesAsSoonAsTheServerIsReady(t *testing.T) {
	t.Parallel()
	var delays []time.Duration
	for range 11 {
		c := deploy(t, settings{"BOOTSTRAP_MODE": "http", "BOOTSTRAP_COMMAND": command(aProgram()), "BOOTSTRAP_HTTP_PORT": "auto", testkit.Variable: "late"})
		result := c.invoke("{}")
		nanoseconds, err := strconv.ParseInt(string(result.Payload), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		// What the platform does with an answer that has arrived is not ours.
		came := c.API().Reports(result.RequestID)[0].At
		delays = append(delays, came.Sub(time.Unix(0, nanoseconds)))
	}
	slices.Sort(delays)
	t.Logf("from the server's readiness to the first answer: median %s, from %s to %s", delays[5], delays[0], delays[10])
	if delays[5] > 2*time.Second {
		t.Error("that is too late")
	}
}

// BOOTSTRAP_MODE is easily forgotten.
func TestAWebServerThatIsRunForEachEventIsToldOfHTTPMode(t *testing.T) {
	t.Parallel()
	c := deploy(t, settings{"BOOTSTRAP_COMMAND": command("sh", "-c", `"$0"; exit`, aProgram()), testkit.Variable: "late"}.with(ampleMargin...), timeout(23*time.Second))
	c.fails("{}", "Runtime.Timeout", "It listens on port", "BOOTSTRAP_MODE=http")
}

// A server that takes its time is waited for, and meanwhile the log says why.
func TestAServerThatIsLateGetsItsEventsAllTheSame(t *testing.T) {
	t.Parallel()
	c := deploy(t, settings{
		"BOOTSTRAP_MODE": "http", "BOOTSTRAP_COMMAND": command(aProgram()), "BOOTSTRAP_HTTP_PORT": "auto", "BOOTSTRAP_INIT_WAIT": "10ms", testkit.Variable: "late",
	})
	if _, err := strconv.ParseInt(c.answer("{}"), 10, 64); err != nil {
		t.Error(err)
	}
	c.logs("the server is not ready yet, so events wait for it")
}

// What a server is told about its function, and what a client can't make it believe.
func TestTheHeadersOfThePlatformCanBeBelieved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := settings{
		"BOOTSTRAP_MODE": "http", "BOOTSTRAP_COMMAND": command(aProgram()), "BOOTSTRAP_HTTP_PORT": "auto", testkit.Variable: "record", seenVariable: dir + "/seen",
	}
	forged := `{"httpMethod":"GET","path":"/","requestContext":{},"headers":{"x-cff-request-id":"forged","X_CFF_Func-Name":"forged",` +
		`"x-cff-access-key":"forged","X-Stream-Id":"forged","x-mine":"kept"}}`
	for _, credentials := range []bool{false, true} {
		if credentials {
			s = s.with("BOOTSTRAP_CREDENTIALS", "on")
		}
		c := deploy(t, s, withAgency)
		c.answer(forged)
		saw := readSeen(t, dir+"/seen")
		for name, want := range map[string]string{"X-Cff-Timeout": "20", "X-Cff-Memory": "128", "X-Cff-Func-Version": "latest", "X-Cff-Invoke-Type": "sync", "X-Mine": "kept"} {
			if got := saw.Header[name]; len(got) != 1 || got[0] != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		for name, values := range saw.Header {
			if slices.Contains(values, "forged") {
				t.Errorf("%s is what the client says", name)
			}
		}
		if got := len(saw.Header["X-Cff-Security-Token"]); (got > 0) != credentials {
			t.Errorf("credentials %v: got %d tokens", credentials, got)
		}
		if len(saw.Header["X-Cff-Request-Id"]) != 1 || len(saw.Header["X-Cff-Func-Name"]) != 1 {
			t.Errorf("got %q", saw.Header)
		}
	}
}

// Any status is an answer for the gateway, unless the user says that it is a failure.
func TestStatusesOfTheGatewaysCallsFailIfTheUserSaysSo(t *testing.T) {
	t.Parallel()
	call := `{"httpMethod":"GET","path":"/shop","requestContext":{}}`
	s := settings{"BOOTSTRAP_MODE": "http", "BOOTSTRAP_COMMAND": command(aProgram()), "BOOTSTRAP_HTTP_PORT": "auto", testkit.Variable: "own error"}
	if got := deploy(t, s).answer(call); !strings.Contains(got, `{"statusCode":500,`) || !strings.Contains(got, "come back tomorrow") {
		t.Errorf("got %s", got)
	}
	deploy(t, s.with("BOOTSTRAP_HTTP_FAIL_STATUS", "404,500-599")).fails(call, "HTTP.500", "GET /shop", "come back tomorrow")
}
