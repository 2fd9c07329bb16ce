package test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
)

// An event stream goes through the envelope as text: base64 would hold back the last byte or two of each
// event until the next one. The server sends an event when the one before has arrived, so that one
// that waits for the next would wait for ever.
func TestNoEventOfAStreamWaitsForTheNext(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "python3")
	const serve = `
import http.server, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", self.path[1:])
        self.end_headers()
        for n in range(12):
            self.wfile.write(b'{"n":"' + "\u20ac".encode() * n + b"x" * n + b'"}\n\n')
            self.wfile.flush()
            for _ in range(3000):
                if os.path.exists("arrived-%d" % n): break
                time.sleep(.005)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`
	for _, kind := range []string{"text/event-stream", "application/json", "application/x-ndjson;charset=utf-8"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			c := deploy(t, server("python3", "app.py").with("BOOTSTRAP_STREAMING", "on"), file("app.py", serve, 0o644), streaming, timeout(60*time.Second))
			s := openSite(c)
			response, err := http.Get(s.address + "/" + kind)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			body := bufio.NewReader(response.Body)
			for n := range 12 {
				want := fmt.Sprintf(`{"n":"%s%s"}`+"\n\n", strings.Repeat("€", n), strings.Repeat("x", n))
				got := make([]byte, len(want))
				began := time.Now()
				for i := range got {
					if got[i], err = body.ReadByte(); err != nil {
						t.Fatalf("event %d: %q, %v", n, got[:i], err)
					}
				}
				if string(got) != want || time.Since(began) > 10*time.Second {
					t.Fatalf("got %q after %s", got, time.Since(began))
				}
				if err := os.WriteFile(filepath.Join(c.dir, fmt.Sprintf("arrived-%d", n)), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
