package httpproxy_test

import (
	"fmt"
	"testing"
	"time"

	"fgbootstrap/modes/httpproxy"
)

// blockedLoop is a server of Node that a request to /hang blocks for good.
const blockedLoop = `
const server = require("http").createServer((request, response) => {
	if (request.url === "/hang") while (true);
	response.end("works " + process.pid);
}).listen(process.env.PORT, "127.0.0.1");
`

// masterAndWorker is what gunicorn does with one sync worker: a master with a handler of TERM
// in which it waits for its worker, and a worker that serves one connection at a time.
const masterAndWorker = `
import os, select, signal, socket, sys, time
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(os.environ["PORT"])))
listener.listen(64)
stop = False
def on_term(*_):
    global stop
    stop = True
signal.signal(signal.SIGTERM, on_term)
worker = os.fork()
if worker > 0:
    os.waitpid(worker, 0) # as long as that takes
    sys.exit(0)
while not stop:
    if not select.select([listener], [], [], 0.1)[0]:
        continue
    connection, _ = listener.accept()
    request = connection.recv(65536)
    while request.startswith(b"GET /hang"):
        time.sleep(0.1)
    body = b"works %d" % os.getpid()
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    connection.close()
`

// hangers are servers in which one request is the end of all others.
func hangers(t *testing.T, run func(t *testing.T, server func(*httpproxy.Config))) {
	t.Helper()
	for name, server := range map[string][2]string{
		"Node":                      {"node", blockedLoop},
		"Node with a TERM handler":  {"node", blockedLoop + `process.on("SIGTERM", () => server.close());`},
		"Python, master and worker": {"python3", masterAndWorker},
	} {
		t.Run(name, func(t *testing.T) { run(t, interpreted(t, server[0], server[1])) })
	}
	t.Run("a program of Go", func(t *testing.T) { run(t, func(*httpproxy.Config) {}) })
}

// The default timeout is three seconds, all of which may be one event's.
const defaultTimeout = 2850 * time.Millisecond

// The grace is a minute: none of it is the next event's.
func TestAnEventThatHangsCostsTheNextOneNothing(t *testing.T) {
	hangers(t, func(t *testing.T, server func(*httpproxy.Config)) {
		h := open(t, "single", all(server, func(c *httpproxy.Config) { c.Resident.Grace = time.Minute }))
		for i := range 3 {
			h.fails(call("GET", "/hang", ""), 300*time.Millisecond, "Runtime.Timeout", "had not answered GET /hang")
			if got, err := h.invoke(fmt.Sprint(i), call("GET", "/pid", ""), defaultTimeout); err != nil {
				t.Errorf("round %d: got %q, %v", i, got, err)
			}
		}
	})
}

// It can't be saved where the server takes too long to start, and the error says why.
func TestAnEventThatTheRestartTakesTooLongForIsToldSo(t *testing.T) {
	h := open(t, "single", func(c *httpproxy.Config) {
		c.Resident.Program.Command.Words = []string{"sh", "-c", `test -e started && sleep 600; : > started; exec "$0"`, c.Resident.Program.Command.Words[0]}
	})
	h.fails(call("GET", "/hang", ""), 300*time.Millisecond, "Runtime.Timeout", "had not answered GET /hang")
	h.fails(call("GET", "/pid", ""), 1500*time.Millisecond, "Runtime.Timeout", "An earlier event timed out and the server hung in it",
		"longer than what was left of this event's 1.5s", "nothing answers on port", "Raise the timeout")
}
