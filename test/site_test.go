package test

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
	"fgbootstrap/platform/door"
)

// server are the settings of a web server that takes its port from PORT.
func server(words ...string) settings {
	return settings{"BOOTSTRAP_MODE": "http", "BOOTSTRAP_HTTP_PORT": "auto", "BOOTSTRAP_COMMAND": command(words...)}
}

// npmApp is a folder of testdata with what its lock file names.
func npmApp(t *testing.T, name string) (dir string) {
	t.Helper()
	testkit.Need(t, "node")
	dir = copyFolder(t, filepath.Join("testdata", name))
	install := exec.Command(testkit.Need(t, "npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir = dir
	finish(t, install)
	link(t, dir)
	return dir
}

// link puts the bootstrap into a folder that is to be a code folder.
func link(t *testing.T, dir string) {
	t.Helper()
	if err := os.Link(bootstrap(), filepath.Join(dir, "bootstrap")); err != nil {
		t.Fatal(err)
	}
}

// from has the code in a folder that is there already.
func from(dir string) setup {
	return func(f *platform.Function, _ *platform.Options) { f.Dir = dir }
}

// freePort is one that nobody listens on at the moment.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return portOf(l)
}

func portOf(l net.Listener) string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }

// site is a function as clients see it, behind the API gateway.
type site struct {
	*cloud
	client  *http.Transport // takes answers as they are: nothing is followed or unpacked
	address string
}

func openSite(c *cloud) *site {
	c.t.Helper()
	front, err := door.Open(c.Platform, "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	s := &site{c, &http.Transport{DisableCompression: true}, "http://" + front.Addr()}
	c.t.Cleanup(func() {
		s.client.CloseIdleConnections()
		if err := front.Close(); err != nil {
			c.t.Error(err)
		}
	})
	return s
}

// in is the site for a subtest.
func (s *site) in(t *testing.T) *site {
	c := *s.cloud
	c.t = t
	return &site{&c, s.client, s.address}
}

// visit sends a request with these names and values of headers.
func (s *site) visit(method, target, body string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.address+target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := s.client.RoundTrip(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response, string(content)
}

// page is a request and what is wanted of the answer.
type page struct {
	method, target string
	sent           []string // headers
	body           string
	status         int
	headers        []string // names and values, which are among the answer's
	want           string   // body; what begins with { is JSON
}

// shows visits pages, one after the other.
func (s *site) shows(pages ...page) {
	s.t.Helper()
	for _, p := range pages {
		response, got := s.visit(p.method, p.target, p.body, p.sent...)
		if response.StatusCode != p.status || got != p.want && !(strings.HasPrefix(p.want, "{") && sameJSON(got, p.want)) {
			s.t.Errorf("%s %s: %s, %d bytes beginning %.300q", p.method, p.target, response.Status, len(got), got)
		}
		for i := 0; i < len(p.headers); i += 2 {
			if got := strings.Join(response.Header.Values(p.headers[i]), " | "); got != p.headers[i+1] {
				s.t.Errorf("%s %s: %s is %q", p.method, p.target, p.headers[i], got)
			}
		}
	}
}

var (
	asJSON = []string{"Content-Type", "application/json"}
	asGzip = []string{"Accept-Encoding", "gzip"}
)
