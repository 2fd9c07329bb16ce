package test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/door"
)

const (
	// seenVariable is the file to which the recording server writes what it saw.
	seenVariable = "FGTEST_SEEN"
	// seedHeader says how the recording server answers.
	seedHeader = "X-Seed"
)

// seen is a request as the recording server saw it.
type seen struct {
	Method, Target, Host string
	Header               map[string][]string
	Length               int64
	Sum                  string
}

// record is a web server that writes down every request and answers as its seed says.
func record() int {
	return code(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			os.Exit(code(err))
		}
		text, err := json.Marshal(seen{r.Method, r.RequestURI, r.Host, r.Header, r.ContentLength, fmt.Sprintf("%x", sha256.Sum256(body))})
		if err != nil {
			os.Exit(code(err))
		}
		if err := os.WriteFile(os.Getenv(seenVariable), text, 0o600); err != nil {
			os.Exit(code(err))
		}
		seed, _ := strconv.ParseUint(r.Header.Get(seedHeader), 10, 64)
		randomAnswer(w, rand.New(rand.NewPCG(seed, 1)))
	})))
}

// readSeen takes what the recording server has written to file.
func readSeen(t *testing.T, file string) (saw seen) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &saw)
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(file)
	return saw
}

// randomAnswer is one of those that programs give.
func randomAnswer(w http.ResponseWriter, r *rand.Rand) {
	status := pick(r, 200, 200, 200, 201, 204, 206, 301, 302, 303, 304, 307, 400, 401, 404, 418, 500, 503, 599)
	h := w.Header()
	body := randomBody(r)
	h.Set("Content-Type", pick(r, "text/html; charset=utf-8", "text/plain; charset=iso-8859-1", "application/octet-stream", "image/png", "application/json"))
	if r.IntN(4) == 0 {
		h["Content-Type"] = nil // Go does not guess then
	}
	for range r.IntN(4) {
		h.Add("Set-Cookie", fmt.Sprintf("c%d=%s; Path=/; Expires=Thu, 01 Jan 2032 00:00:00 GMT", r.IntN(3), pick(r, "", "a b", `"q,u"`, "é")))
	}
	for range r.IntN(4) {
		h.Add(pick(r, "X-One", "X-Two", "Vary", "x-odd!name"), pick(r, "", "a", "a, b", `with "quotes" and \`, "ünï"))
	}
	if status/100 == 3 {
		h.Set("Location", pick(r, "/elsewhere?a=b", "https://example.test/ü%20", "../up"))
	}
	if r.IntN(5) == 0 {
		h.Set("Content-Encoding", "gzip")
		body = zipped(body)
	}
	if r.IntN(3) > 0 {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	if r.IntN(2) == 0 && len(body) > 1 { // in two chunks, where it has no length
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		body = body[len(body)/2:]
	}
	_, _ = w.Write(body) // a HEAD and some codes have none
}

func zipped(body []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(body) // a Buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

func randomBody(r *rand.Rand) []byte {
	size := pick(r, 0, 1, 2, 3, 100, 1000, 49151, 49152, 49153, 70_000, 200_000)
	if r.IntN(40) == 0 {
		size = 4 << 20
	}
	switch r.IntN(4) {
	case 0:
		return []byte(strings.Repeat("line with \"quotes\", \\ and \t\n", size/28+1)[:size])
	case 1:
		return []byte(strings.Repeat("aé€😀\x00", size/12))
	case 2: // text up to its last byte
		return append([]byte(strings.Repeat("x", size)), 0xff)
	default:
		body := make([]byte, size)
		for i := range body {
			body[i] = byte(r.Uint32())
		}
		return body
	}
}

func pick[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }

// randomRequest is one that a gateway's event can carry: see the list in docs/http.md.
func randomRequest(r *rand.Rand, seed uint64) *http.Request {
	method := pick(r, "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE")
	path := ""
	for range r.IntN(5) {
		path += "/" + pick(r, "", "a", "a%20b", "a+b", "%C3%BC", "%F0%9F%98%80", "..", ".", "x;y=1", "a@b", "a:b", "%25", "%3F", "%23", "%00", "~-._!$&'()*,")
	}
	if path == "" {
		path = "/"
	}
	query := ""
	for range r.IntN(5) {
		query += "&" + pick(r, "a", "b", "%C3%BC", "a%20b", "a%2Bb", "a%26b") + "=" + pick(r, "", "1", "2", "x+y", "%26%3D", "%E2%82%AC", "a/b?c", "1;2")
	}
	var body []byte
	if r.IntN(2) == 0 && method != "HEAD" {
		body = randomBody(r)
	}
	u := &url.URL{Scheme: "http", RawPath: path, RawQuery: strings.TrimPrefix(query, "&")} // as it is
	u.Path, _ = url.PathUnescape(path)
	request := &http.Request{Method: method, URL: u, Host: pick(r, "example.test", "example.test:8443", "127.0.0.1"), Header: http.Header{}}
	if len(body) > 0 {
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	h := request.Header
	h.Set(seedHeader, strconv.FormatUint(seed, 10))
	h.Set("User-Agent", pick(r, "curl/8.0", "Mozilla/5.0 (X11; Linux x86_64)", "odd \"agent\""))
	for range r.IntN(6) {
		h.Add(pick(r, "X-One", "X-Two", "Accept", "Cookie", "x_under", "X-Odd!name", "Authorization", "If-None-Match", "Content-Type", "Accept-Encoding"),
			pick(r, "a", "a, b", "a=b; c; \"x\"", "ünï", `W/"etag"`, "text/html;q=0.8", "gzip", "*/*", "  spaces  in between"))
	}
	return request
}

// The gateway may decode the path of a call or not.
func TestRoundTripTruth(t *testing.T) {
	t.Parallel()
	for name, gateway := range map[string]door.Config{"decoded paths": {}, "paths as they were sent": {EncodedPaths: true}} {
		t.Run(name, func(t *testing.T) { roundTrips(t, gateway) })
	}
}

// roundTrips sends the same random requests straight to a server and through
// the gateway's door, event, bootstrap and envelope: the server must see the same and
// the client get the same.
func roundTrips(t *testing.T, gateway door.Config) {
	t.Parallel()
	dir := t.TempDir()
	direct := directServer(t, dir+"/direct")
	c := deploy(t, settings{
		"BOOTSTRAP_MODE": "http", "BOOTSTRAP_COMMAND": command(aProgram()), "BOOTSTRAP_HTTP_PORT": "auto",
		testkit.Variable: "record", seenVariable: dir + "/through",
	})
	front, err := gateway.Open(c.Platform, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = front.Close() }()
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	first := rand.Uint64N(1 << 40)
	if text := os.Getenv("SEED"); text != "" {
		if first, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	for seed := first; seed < first+300 && !t.Failed(); seed++ {
		one := visit(t, client, direct, seed, dir+"/direct")
		two := visit(t, client, front.Addr(), seed, dir+"/through")
		if !reflect.DeepEqual(one, two) {
			t.Errorf("SEED=%d: straight\n%s\nthrough the function\n%s", seed, one, two)
		}
	}
}

// trip is what a server saw and a client got.
type trip struct {
	Saw    seen
	Query  url.Values
	Status int
	Header http.Header
	Length int64
	Sum    string
}

func (p trip) String() string {
	text, _ := json.MarshalIndent(p, "", " ")
	return string(text)
}

func directServer(t *testing.T, file string) (addr string) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = free.Addr().String()
	_ = free.Close()
	_, port, _ := net.SplitHostPort(addr)
	server := exec.Command(aProgram())
	server.Env = append(os.Environ(), "BOOTSTRAP_MODE=http", testkit.Variable+"=record", seenVariable+"="+file, "PORT="+port)
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	testkit.Eventually(t, "the server to listen", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return addr
}

// visit makes the request of a seed and returns what came of it, without what has to
// differ.
func visit(t *testing.T, client *http.Client, addr string, seed uint64, file string) (p trip) {
	t.Helper()
	request := randomRequest(rand.New(rand.NewPCG(seed, 0)), seed)
	request.URL.Host = addr
	answer, err := client.Do(request)
	if err != nil {
		t.Fatalf("SEED=%d: %v", seed, err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("SEED=%d: %v", seed, err)
	}
	_ = answer.Body.Close()
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("SEED=%d: answer %d %s: %v", seed, answer.StatusCode, body, err)
	}
	p.Saw = readSeen(t, file)
	target, query, _ := strings.Cut(p.Saw.Target, "?")
	if p.Saw.Target, err = url.PathUnescape(target); err != nil {
		t.Fatalf("SEED=%d: %v", seed, err)
	}
	if p.Query, err = url.ParseQuery(strings.ReplaceAll(query, ";", "%3B")); err != nil {
		t.Fatalf("SEED=%d: %v", seed, err)
	}
	// The gateway tells the server who asked, and the length of the body; we, for which
	// function that is.
	maps.DeleteFunc(p.Saw.Header, func(name string, _ []string) bool {
		return strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "X-Cff-") || strings.HasPrefix(name, "X-Apig-") || name == "X-Bootstrap-Request-Context" || name == "X-Real-Ip" || name == "X-Request-Id" || name == "Content-Length"
	})
	if cookies := p.Saw.Header["Cookie"]; len(cookies) > 1 { // to the function, they are one line
		p.Saw.Header["Cookie"] = []string{strings.Join(cookies, "; ")}
	}
	p.Status, p.Header, p.Sum = answer.StatusCode, answer.Header, fmt.Sprintf("%x", sha256.Sum256(body))
	for _, name := range []string{"X-Request-Id", "X-Cff-Request-Id", "Date", "Connection"} {
		delete(p.Header, name)
	}
	if request.Method == "HEAD" || answer.StatusCode == http.StatusNotModified {
		p.Length = answer.ContentLength
	}
	delete(p.Header, "Content-Length") // of a body it is its size; straight, it may be in chunks
	for _, values := range p.Header {
		slices.Sort(values)
	}
	return p
}
