package httpproxy_test

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"fgbootstrap/modes/httpproxy"
)

// writesApart is Python's own server: its send_response and its write are two packets, or,
// with ONCE set, one.
const writesApart = `
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1 if os.environ.get("ONCE") else 0
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"python")
    def log_message(self, *a): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`

// interpreted runs a script; without the interpreter the test is skipped.
func interpreted(t *testing.T, interpreter, script string) func(*httpproxy.Config) {
	t.Helper()
	path, err := exec.LookPath(interpreter)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("there is no " + interpreter + " here")
	}
	return func(c *httpproxy.Config) {
		flag := map[string]string{"python3": "-c", "node": "-e"}[interpreter]
		c.Resident.Program.Command.Words = []string{path, flag, script}
		c.Port = 0
	}
}

// medianOf is what an event takes, of many in a row.
func (f *fixture) medianOf(events int, event string) time.Duration {
	f.t.Helper()
	var took []time.Duration
	for range events {
		began := time.Now()
		if got := f.answer(event); got.Body != "python" {
			f.t.Fatalf("got %q", got.Body)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[events/2]
}

func TestAServerThatWritesHeadAndBodyApartIsNotWaitedFor(t *testing.T) {
	script := interpreted(t, "python3", writesApart)
	apart, once := open(t, "single", script), open(t, "single", all(script, env("ONCE=1")))
	event := call("GET", "/", "")
	for try := 1; ; try++ {
		slow, fast := apart.medianOf(200, event), once.medianOf(200, event)
		t.Logf("apart %s, at once %s", slow, fast)
		if slow <= 3*fast {
			return
		}
		if try == 3 {
			t.Fatalf("written apart an answer takes %s, at once %s", slow, fast)
		}
	}
}
