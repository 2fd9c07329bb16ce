package test

import (
	"compress/gzip"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
)

// Web servers that nobody here wrote, deployed as a person would.

func TestAnExpressAppIsAFunction(t *testing.T) {
	t.Parallel()
	dir := npmApp(t, "http-express")
	photo := noise(300_000)
	testkit.WriteFile(t, filepath.Join(dir, "photo.jpg"), photo, 0o644)
	s := openSite(deploy(t, server("node", "app.js"), from(dir)))
	t.Run("its routes", func(t *testing.T) { expressRoutes(s.in(t)) })
	t.Run("its cookies and redirects", func(t *testing.T) { expressCookies(s.in(t)) })
	t.Run("its bytes", func(t *testing.T) { expressBytes(s.in(t), photo) })
	t.Run("its compression", func(t *testing.T) { expressCompresses(s.in(t)) })
	t.Run("its events", func(t *testing.T) { expressEvents(s.in(t)) })
	t.Run("by npm start", func(t *testing.T) {
		c := deploy(t, settings{"BOOTSTRAP_MODE": "http", "BOOTSTRAP_HTTP_PORT": "auto", "BOOTSTRAP_COMMAND": "npm start"}, from(dir))
		openSite(c).shows(page{method: "GET", target: "/", status: 200, want: "<h1>Shop</h1>"})
		c.logs("the shop is open")
	})
	t.Run("on a port of its own", func(t *testing.T) { expressHello(t, dir) })
}

func expressRoutes(s *site) {
	html := []string{"Content-Type", "text/html; charset=utf-8"}
	s.shows(
		page{method: "GET", target: "/", status: 200, headers: html, want: "<h1>Shop</h1>"},
		page{method: "HEAD", target: "/", status: 200, headers: []string{"Content-Length", "13"}},
		page{
			method: "GET", target: "/items/Zo%C3%AB%201+%25?tag=a&q=b+c%2B%26&tag=%C3%BC&empty=", sent: []string{"Cookie", "a=1; b=2"}, status: 200,
			headers: []string{"Content-Type", "application/json; charset=utf-8"},
			want:    `{"method":"GET","id":"Zoë 1+%","query":{"tag":["a","ü"],"q":"b c+&","empty":""},"host":"127.0.0.1","cookie":"a=1; b=2"}`,
		},
		page{
			method: "PATCH", target: "/items/1", sent: []string{"Content-Type", "application/x-www-form-urlencoded"}, body: "a=%C3%BC+1&b=2", status: 200,
			want: `{"method":"PATCH","id":"1","query":{},"body":{"a":"ü 1","b":"2"},"host":"127.0.0.1"}`,
		},
		page{
			method: "POST", target: "/items", sent: asJSON, body: `{"id": "é/1", "list": [1, 2.50, null]}`, status: 201,
			headers: []string{"Location", "/items/%C3%A9%2F1"}, want: `{"id":"é/1","list":[1,2.5,null]}`,
		},
		page{method: "GET", target: "/fail", status: 500, want: `{"error":"no stock left"}`},
		page{method: "POST", target: "/items", sent: asJSON, body: `{"id":`, status: 400, want: `{"error":"Unexpected end of JSON input"}`},
		// It answers this one before it has read it.
		page{method: "POST", target: "/items", sent: asJSON, body: `{"x":"` + strings.Repeat("x", 3<<20) + `"}`, status: 413, want: `{"error":"request entity too large"}`},
		page{method: "GET", target: "/", status: 200, want: "<h1>Shop</h1>"},
	)
	if response, got := s.visit("GET", "/no/such/page", ""); response.StatusCode != 404 || !strings.Contains(got, "Cannot GET /no/such/page") {
		s.t.Errorf("%s %s", response.Status, got)
	}
	s.logs("Error: no stock left")
}

func expressCookies(s *site) {
	s.shows(page{
		method: "POST", target: "/login", status: 302, want: "Found. Redirecting to /items/1?from=login",
		headers: []string{"Location", "/items/1?from=login", "Set-Cookie", "session=a%3A1%3B%20b%3D2; Path=/; HttpOnly; SameSite=Lax | " +
			"theme=dark; Path=/shop | basket=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"},
	})
}

func expressBytes(s *site, photo string) {
	all := make([]byte, 100_000)
	for i := range all {
		all[i] = byte(i)
	}
	response, got := s.visit("GET", "/bytes", "")
	if got != string(all) {
		s.t.Errorf("got %d bytes", len(got))
	}
	s.shows(
		page{method: "GET", target: "/bytes", sent: []string{"If-None-Match", response.Header.Get("ETag")}, status: 304},
		page{method: "GET", target: "/photo", status: 200, headers: []string{"Content-Type", "image/jpeg", "Content-Length", "300000"}, want: photo},
		page{method: "HEAD", target: "/photo", status: 200, headers: []string{"Content-Type", "image/jpeg", "Content-Length", "300000"}},
		page{
			method: "GET", target: "/photo", sent: []string{"Range", "bytes=100000-199999"}, status: 206,
			headers: []string{"Content-Range", "bytes 100000-199999/300000"}, want: photo[100_000:200_000],
		},
	)
}

func expressCompresses(s *site) {
	plain := strings.Repeat("Zoë likes 10 € and 😀\n", 10000)
	s.shows(page{method: "GET", target: "/catalog", status: 200, headers: []string{"Content-Encoding", "", "Vary", "Accept-Encoding"}, want: plain})
	response, packed := s.visit("GET", "/catalog", "", asGzip...)
	if got := gunzip(s.t, packed); got != plain || response.Header.Get("Content-Encoding") != "gzip" {
		s.t.Errorf("%v, %d bytes, %d unpacked", response.Header, len(packed), len(got))
	}
}

func gunzip(t *testing.T, packed string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

func expressEvents(s *site) {
	timer := sample(s.t, "timer.json")
	result := s.invoke(timer)
	if want := `{"id":"` + result.RequestID + `","event":` + timer + `}`; result.Failed || !sameJSON(string(result.Payload), want) {
		s.t.Errorf("got %s", result.Payload)
	}
	s.logs(result.RequestID + " INFO an event of the trigger TIMER")
	big := `{"text":"` + strings.Repeat("0123456789abcdef", 5<<20/16) + `"}`
	if got := s.answer(big); !strings.Contains(got, big) {
		s.t.Errorf("got %d bytes", len(got))
	}
	f := s.fails(`{"fail":"the printer is on fire"}`, "HTTP.500", "500 Internal Server Error to POST /invoke", `{"error":"the printer is on fire"}`)
	if text := strings.Join(f.Stack, "\n"); !strings.Contains(text, "Error: the printer is on fire\n    at ") || !strings.Contains(text, "app.js:") {
		s.t.Errorf("the stack is %s", text)
	}
	s.fails(`no JSON`, "HTTP.400", "is not valid JSON")
	s.answer(timer)
}

// Express's own example takes no port from anybody.
func expressHello(t *testing.T, dir string) {
	hello, port := server("node", "hello.js"), freePort(t)
	c := deploy(t, hello.with("APP_PORT", port, "BOOTSTRAP_INIT_WAIT", "100ms", "BOOTSTRAP_TIMEOUT_MARGIN", "8s"), from(dir), timeout(9*time.Second))
	c.waitFor("the app to listen", func() bool { return strings.Contains(c.failure("{}").Message, "It listens on port "+port) })
	c.fails("{}", "Runtime.InitError", "It listens on port "+port, "set BOOTSTRAP_HTTP_PORT", "the variable PORT")
	port = freePort(t)
	s := openSite(deploy(t, hello.with("APP_PORT", port, "BOOTSTRAP_HTTP_PORT", port), from(dir)))
	s.shows(page{method: "GET", target: "/", status: 200, want: "Hello World!"})
	s.fails("{}", "HTTP.404", "404 Not Found to POST /invoke", "POSTed to BOOTSTRAP_HTTP_EVENT_PATH")
}

func TestAFastifyAppIsAFunction(t *testing.T) {
	t.Parallel()
	dir := npmApp(t, "http-fastify")
	var rows strings.Builder
	for n := range 2000 {
		rows.WriteString("row " + strconv.Itoa(n) + ": ünï\n")
	}
	stream := page{method: "GET", target: "/rows", status: 200, headers: []string{"Content-Type", "text/plain; charset=utf-8"}, want: rows.String()}
	t.Run("when it is ready", func(t *testing.T) {
		s := openSite(deploy(t, server("node", "app.js").with("BOOTSTRAP_HTTP_READY", "/health"), from(dir)))
		s.shows(
			page{method: "GET", target: "/health", status: 200, want: `{"waking":false}`},
			page{method: "GET", target: "/greet/Zo%C3%AB?times=2", status: 200, want: `{"greeting":"Hello, Zoë!Hello, Zoë!"}`},
			page{
				method: "GET", target: "/greet/Ada?times=0", status: 400,
				want: `{"statusCode":400,"code":"FST_ERR_VALIDATION","error":"Bad Request","message":"querystring/times must be >= 1"}`,
			},
			page{
				method: "DELETE", target: "/greet/Ada", status: 404,
				want: `{"statusCode":404,"error":"Not Found","message":"Route DELETE:/greet/Ada not found"}`,
			},
			stream,
		)
		if got := s.answer(sample(t, "obs.json")); !sameJSON(got, `{"event":`+sample(t, "obs.json")+`}`) {
			t.Errorf("got %s", got)
		}
		s.fails(sample(t, "apig.json")[:100], "HTTP.400", "Bad Request")
		s.fails(`{"httpMethod":"GET","path":"/broken","headers":{},"requestContext":{}}`, "Runtime.ProtocolError", "in the middle of its answer to GET /broken")
		s.shows(stream)
	})
	t.Run("streaming", func(t *testing.T) {
		s := openSite(deploy(t, server("node", "app.js").with("BOOTSTRAP_STREAMING", "on"), from(dir), streaming))
		s.shows(stream)
	})
}

func TestAChiRouterIsAFunction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "server"), ".")
	build.Dir = filepath.Join("testdata", "http-chi")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	finish(t, build)
	link(t, dir)
	socket := filepath.Join(dir, "chi.sock")
	for name, variables := range map[string]settings{
		"on PORT":        server("./server"),
		"on unix socket": {"BOOTSTRAP_MODE": "http", "BOOTSTRAP_COMMAND": command("./server", "-socket", socket), "BOOTSTRAP_HTTP_SOCKET": socket},
	} {
		t.Run(name, func(t *testing.T) {
			s := openSite(deploy(t, variables, from(dir)))
			host := strings.TrimPrefix(s.address, "http://")
			s.shows(
				page{
					method: "GET", target: "/files/a%20b/%C3%BC.txt?version=1&version=2", status: 200,
					want: `{"file":"a b/ü.txt","version":["1","2"],"host":"` + host + `"}`,
				},
				page{method: "PUT", target: "/notes/1", body: "text", status: 204},
				page{method: "DELETE", target: "/notes/1", status: 404, want: "there is no note 1\n"},
				page{method: "POST", target: "/notes/1", body: "text", status: 405},
			)
			response, packed := s.visit("GET", "/files/x", "", asGzip...)
			if got := gunzip(t, packed); !sameJSON(got, `{"file":"x","version":null,"host":"`+host+`"}`) || response.Header.Get("Content-Encoding") != "gzip" {
				t.Errorf("%v, %q", response.Header, got)
			}
			event := sample(t, "kafka.json")
			if got := s.answer(event); got != event {
				t.Errorf("got %s", got)
			}
		})
	}
	t.Run("though it hangs up on idle connections", func(t *testing.T) {
		c := deploy(t, server("./server", "-idle", "5ms"), from(dir))
		for range 100 {
			c.answer(`{"httpMethod":"GET","path":"/files/x","headers":{},"requestContext":{}}`)
			time.Sleep(time.Duration(rand.IntN(10_000)) * time.Microsecond) // before, while and after it does
		}
	})
}

func TestPythonsFileServerIsAFunction(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "python3")
	photo, port := noise(300_000), freePort(t)
	s := openSite(deploy(t, settings{
		"BOOTSTRAP_MODE": "http", "BOOTSTRAP_HTTP_PORT": port, "BOOTSTRAP_COMMAND": command("sh", "-c", "python3 -m http.server $PORT"),
	}, file("site/photo 1 ü.jpg", photo, 0o644), file("site/empty.html", "", 0o644)))
	jpeg := []string{"Content-Type", "image/jpeg", "Content-Length", "300000"}
	s.shows(
		page{method: "GET", target: "/site/photo%201%20%C3%BC.jpg", status: 200, headers: jpeg, want: photo},
		page{method: "HEAD", target: "/site/photo%201%20%C3%BC.jpg", status: 200, headers: jpeg},
		page{method: "GET", target: "/site/empty.html", status: 200, headers: []string{"Content-Type", "text/html", "Content-Length", "0"}},
		page{method: "GET", target: "/site?x=1", status: 301, headers: []string{"Location", "/site/?x=1"}},
	)
	for _, row := range []struct {
		method, target string
		status         int
		want           string
	}{
		{"GET", "/site/", 200, `<li><a href="photo%201%20%C3%BC.jpg">photo 1 ü.jpg</a></li>`},
		{"GET", "/missing", 404, "File not found"},
		{"POST", "/site/", 501, "Unsupported method ('POST')"},
	} {
		if response, got := s.visit(row.method, row.target, "body"); response.StatusCode != row.status || !strings.Contains(got, row.want) {
			t.Errorf("%s %s: %s %s", row.method, row.target, response.Status, got)
		}
	}
	response, _ := s.visit("HEAD", "/site/empty.html", "")
	modified := response.Header.Get("Last-Modified")
	s.shows(page{method: "GET", target: "/site/empty.html", sent: []string{"If-Modified-Since", modified}, status: 304})
	s.fails(sample(t, "timer.json"), "HTTP.501", "501", "POST /invoke", "Unsupported method", "POSTed to BOOTSTRAP_HTTP_EVENT_PATH")
}

// noise is random bytes.
func noise(n int) string {
	random := rand.NewChaCha8([32]byte{})
	bytes := make([]byte, n)
	_, _ = random.Read(bytes)
	return string(bytes)
}
