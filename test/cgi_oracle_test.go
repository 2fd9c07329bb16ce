package test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/gateway"
)

// The same program under Go's net/http/cgi and under ours has the same variables and gives the same
// answers, but for what docs/cgi.md names.
func TestACGIProgramSeesNoOtherRequestThanUnderNetHTTP(t *testing.T) {
	t.Parallel()
	const script = `printf 'Status: %s\nContent-Type: text/x\nX-Echo: %s\nSet-Cookie: a=1\nSet-Cookie: b=2\n\n' "$HTTP_X_STATUS" "$HTTP_X_ONE"
env -0 | tr '\n\0' '\t\n'; echo BODY; cat`
	oracle := &cgi.Handler{Path: testkit.Need(t, "sh"), Args: []string{"-c", script}, Logger: log.New(io.Discard, "", 0)}
	c := deploy(t, ofCGI(script).with("BOOTSTRAP_HTTP_STRIP_PREFIX", "/base"))
	r := rand.New(rand.NewPCG(16, 300))
	for range 300 {
		request := anyRequest(r)
		event, err := gateway.NewEvent(request, "id")
		if err != nil {
			t.Fatal(err)
		}
		ours, err := gateway.Unwrap([]byte(c.answer(string(event))))
		if err != nil {
			t.Fatal(err)
		}
		oracle.Root = "/"
		if request.Path == "/base" || strings.HasPrefix(request.Path, "/base/") { // a server would have chosen it by that
			oracle.Root = "/base"
		}
		theirs := answerOf(oracle, request)
		where := fmt.Sprintf("%s %s?%s %v", request.Method, request.Path, request.Query, request.Header)
		if ours.Status != theirs.Code {
			t.Errorf("%s: status %d, want %d", where, ours.Status, theirs.Code)
		}
		for _, name := range []string{"Content-Type", "X-Echo", "Set-Cookie"} {
			var values []string
			for _, f := range ours.Header {
				if strings.EqualFold(f.Name, name) {
					values = append(values, f.Value)
				}
			}
			if want := theirs.Header().Values(name); !slices.Equal(values, want) {
				t.Errorf("%s: %s is %q, want %q", where, name, values, want)
			}
		}
		if request.Method == http.MethodHead || ours.Status == http.StatusNoContent {
			continue
		}
		got, gotBody := variablesAndBody(ours.Body)
		want, wantBody := variablesAndBody(theirs.Body.Bytes())
		if len(want) < 10 {
			t.Fatalf("only %d variables are compared: %q", len(want), want)
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", where, got, want)
		}
		if !bytes.Equal(gotBody, wantBody) {
			t.Errorf("%s: the body has %d bytes, want %d", where, len(gotBody), len(wantBody))
		}
	}
}

func pickOne[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }

func anyRequest(r *rand.Rand) gateway.Request {
	words := []string{"a", "B2", "x%20y", "%C3%BC", "a+b", "semi;colon", "%22q%22", "a:b@c", "tilde~", "(1)", "dot.txt", "100%25!", ".hidden", "..."}
	q := gateway.Request{
		Method: pickOne(r, "GET", "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "PROPFIND"),
		Path:   pickOne(r, "", "/base", "/base", "/based"), Host: pickOne(r, "example.com", "example.com:8080", "[::1]:8443", "127.0.0.1"),
		Remote: pickOne(r, "203.0.113.7", "2001:db8::7"), EncodedPath: r.IntN(2) == 0,
	}
	for range r.IntN(4) {
		q.Path += "/" + pickOne(r, words...)
	}
	if q.Path == "" || r.IntN(5) == 0 {
		q.Path += "/"
	}
	var pairs []string
	for i := range r.IntN(4) {
		pairs = append(pairs, fmt.Sprintf("k%d=%s", i, pickOne(r, append(words, "", "%26", "a%3Db", "%F0%9F%98%80")...)))
	}
	q.Query = strings.Join(pairs, "&")
	q.Header.Add("X-Status", pickOne(r, "200", "201 Created", "204", "404 Not Found", "500", "302 Found"))
	q.Header.Add("X-One", pickOne(r, "", "plain", "a, b; c=\"d\"", "ünï", "  inner  blanks"))
	names := []string{"Accept", "User-Agent", "Cookie", "Authorization", "X-Many-Words-Here", "If-None-Match", "X-1", "Referer", "Origin", "Proxy", "Range", "Accept-Language"}
	for range r.IntN(8) {
		q.Header.Add(pickOne(r, names...), pickOne(r, "v", "a=1", "W/\"tag\"", "en;q=0.5", "é", "*/*", "Bearer abc"))
	}
	if r.IntN(2) == 0 && q.Method != "HEAD" && q.Method != "GET" {
		q.Header.Add("Content-Type", pickOne(r, "text/plain", "application/x-www-form-urlencoded", "a/b; charset=\"x\""))
		q.Body = make([]byte, 1+r.IntN(pickOne(r, 10, 3000, 50_000)))
		for i := range q.Body {
			q.Body[i] = byte(r.Uint32())
		}
	}
	return q
}

// answerOf is what net/http/cgi makes of a request.
func answerOf(h http.Handler, q gateway.Request) *httptest.ResponseRecorder {
	target := q.Path
	if q.Query != "" {
		target += "?" + q.Query
	}
	request := httptest.NewRequest(q.Method, target, bytes.NewReader(q.Body))
	request.Host, request.RemoteAddr = q.Host, "["+q.Remote+"]:4711"
	for _, f := range q.Header {
		request.Header.Add(f.Name, strings.TrimSpace(f.Value))
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, request)
	return answer
}

var (
	aboutRequests = regexp.MustCompile(`^(HTTP_.*|REQUEST_.*|QUERY_STRING|PATH_.+|SCRIPT_NAME|SERVER_.*|GATEWAY_.*|CONTENT_.*|REMOTE_.*|AUTH_.*|HTTPS)$`)
	documented    = regexp.MustCompile(`^(CONTENT_LENGTH=0|HTTP_X_FORWARDED_.*|HTTP_X_REAL_IP|HTTP_X_REQUEST_ID|HTTP_CONTENT_.*|SERVER_SOFTWARE|REMOTE_HOST|REMOTE_PORT)(=.*)?$`)
)

// variablesAndBody returns the variables about the request that a program has printed, and its body.
func variablesAndBody(printed []byte) (variables map[string]string, body []byte) {
	text, body, _ := bytes.Cut(printed, []byte("\nBODY\n"))
	variables = map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, "=")
		if !aboutRequests.MatchString(name) || name == "PATH_TRANSLATED" || documented.MatchString(name) || documented.MatchString(line) {
			continue
		}
		if name == "QUERY_STRING" || name == "REQUEST_URI" {
			value = unescaped(name, value)
		}
		variables[name] = value
	}
	return variables, body
}

func unescaped(name, value string) string {
	path, query, _ := strings.Cut(value, "?")
	if name == "QUERY_STRING" {
		path, query = "", value
	}
	path, _ = url.PathUnescape(path)
	query, _ = url.QueryUnescape(query)
	return path + "?" + query
}
