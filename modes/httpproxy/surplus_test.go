package httpproxy_test

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
)

const secretOfFirst = "secret-of-first"

func addSurplusPrograms() {
	// Its surplus comes from elsewhere, while it reads the next request.
	programs["writes late"] = func() {
		address := "127.0.0.1:" + os.Getenv("PORT")
		if os.Getenv("DUAL") != "" {
			address = ":" + os.Getenv("PORT")
		}
		serve(listenOn("tcp", address), func(l *link, r *http.Request) bool {
			if r.URL.Path != "/late" {
				return scriptedServer(l, r)
			}
			after, _ := strconv.Atoi(r.URL.Query().Get("after"))
			l.say("%s", r.URL.Query().Get("answer"))
			time.AfterFunc(time.Duration(after)*time.Millisecond, func() { l.say("%s", r.URL.Query().Get("surplus")) })
			return true
		})
	}
}

// surpluses are what a server may send beyond its answer to a request of a method.
var surpluses = map[string]struct{ method, answer, more string }{
	"a stream of events without a length of its own": {"GET", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 0\r\n\r\n", "data: " + secretOfFirst + "\n\n"},
	"a body longer than announced":                   {"GET", ok, secretOfFirst},
	"a body longer than announced, with a head in it": {"POST", ok, secretOfFirst +
		"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n" + secretOfFirst},
	"a body after chunks": {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "5\r\n" + secretOfFirst},
	"a body after 204":    {"POST", "HTTP/1.1 204 No Content\r\n\r\n", secretOfFirst},
	"a body after 304":    {"GET", "HTTP/1.1 304 Not Modified\r\n\r\n", "HT" + secretOfFirst},
	"a body after HEAD":   {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "<p>" + secretOfFirst},
}

// wantsPrivate wants nothing of the first event to have reached another.
func (f *fixture) wantsPrivate(what, got string, err error) {
	f.t.Helper()
	if text := fmt.Sprint(got, err); strings.Contains(text, "secret") || strings.Contains(text, "HTTPS") {
		f.t.Errorf("%s: the next caller got %s", what, text)
	}
}

// wantsToldOnce wants one warning that the server has sent too much, with the id of the event.
func (f *fixture) wantsToldOnce(what string) {
	f.t.Helper()
	lines := f.logs.FilterMessageSnippet("more than its answer").All()
	if len(lines) != 1 {
		f.t.Errorf("%s: it is told %d times", what, len(lines))
	}
	for _, line := range lines {
		if line.ContextMap()["requestId"] != "first" || !strings.Contains(line.Message, "Content-Length") || line.Level.String() != "warn" {
			f.t.Errorf("%s: got %s of %v", what, line.Message, line.ContextMap())
		}
	}
}

// The next events come one after the other, before, while and after the surplus comes.
func TestWhatAServerSendsBeyondItsAnswerIsNobodyElses(t *testing.T) {
	t.Parallel()
	for name, s := range surpluses {
		for _, after := range []int{0, 1, 5, 50, 900} {
			h := open(t, "writes late", nil)
			query := object{"queryStringParameters": object{"answer": s.answer, "surplus": s.more, "after": fmt.Sprint(after)}}
			what := fmt.Sprintf("%s, %d ms later", name, after)
			if got, err := h.invoke("first", call(s.method, "/late", "", query), testkit.Patience); err != nil {
				t.Fatalf("%s: got %q, %v", what, got, err)
			}
			for i, end := 0, time.Now().Add(time.Duration(after+20)*time.Millisecond); time.Now().Before(end); i++ {
				if got := h.answer(call("GET", "/pid", "")); got.StatusCode != 200 || got.Body == "" {
					t.Errorf("%s: got %v", what, got)
				}
				body := fmt.Sprint("body ", i)
				got, err := h.invoke("post", call("POST", "/echo", body), testkit.Patience)
				h.wantsPrivate(what, got, err)
				if err == nil && !strings.Contains(got, body) {
					t.Errorf("%s: got %q", what, got)
				}
			}
			h.shutdown()
			if n := h.logs.FilterMessageSnippet("more than its answer").Len(); n > 1 { // after an event that the connection had
				t.Errorf("%s: it is told %d times", what, n)
			}
		}
	}
}

// What comes after the server has read the next request: a safe one is asked again, any other
// fails, and quotes nothing.
func TestASurplusThatComesInTheMiddleOfTheNextRequest(t *testing.T) {
	t.Parallel()
	for name, s := range surpluses {
		if strings.Contains(name, "stream") {
			continue // its connection is not used again
		}
		h := open(t, "writes late", nil)
		query := object{"queryStringParameters": object{"answer": s.answer, "surplus": s.more, "after": "100"}}
		first := func() {
			if got, err := h.invoke("first", call(s.method, "/late", "", query), testkit.Patience); err != nil {
				t.Fatalf("%s: got %q, %v", name, got, err)
			}
		}
		first()
		told := h.fails(call("POST", "/nap", ""), testkit.Patience, "Runtime.ProtocolError", "more than its answer to an earlier event", "POST /nap", "Content-Length")
		h.wantsPrivate(name, told.Message+strings.Join(told.Stack, ""), told.Cause)
		if n := h.times("/nap"); n != "1" {
			t.Errorf("%s: it was sent %s times", name, n)
		}
		h.wantsToldOnce(name)
		h.shutdown()

		h = open(t, "writes late", nil)
		first()
		if got := h.answer(call("GET", "/nap", "")); got.Body != "slept" {
			t.Errorf("%s: got %v", name, got)
		}
		h.wantsToldOnce(name)
		h.shutdown()
	}
}

// The server has not read the next request yet when the surplus comes: its answer to that
// is still to come, and nothing is sent twice.
func TestASurplusThatComesBeforeTheNextRequestIsRead(t *testing.T) {
	t.Parallel()
	for name, s := range surpluses {
		if strings.Contains(name, "stream") {
			continue
		}
		for _, method := range []string{"POST", "GET"} {
			for _, address := range []string{"", "DUAL=1"} {
				h := open(t, "writes late", env(address))
				got, err := h.invoke("first", call(s.method, "/script", object{}.String(), object{"body": `[{"Write":` + quoted(s.answer) +
					`,"Pause":100},{"Write":` + quoted(s.more) + `,"Pause":100}]`}), testkit.Patience)
				if err != nil {
					t.Fatalf("%s: got %q, %v", name, got, err)
				}
				if got := h.answer(call(method, "/echo", "mine")); got.Body != "mine" {
					t.Errorf("%s, %s: got %v", name, method, got)
				}
				if n := h.times("/echo"); method == "POST" && n != "1" {
					t.Errorf("%s: it was sent %s times", name, n)
				}
				h.shutdown()
				h.wantsToldOnce(name)
			}
		}
	}
}

// What follows a large body is often still under way when that is whole, and its caller may
// have made it look like an answer.
func TestASurplusOfALargeBodyThatLooksLikeAnAnswerIsNone(t *testing.T) {
	t.Parallel()
	large := "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + bytesOf(100000)
	for _, method := range []string{"POST", "GET"} {
		h := open(t, "scripted server", nil)
		if _, err := h.invoke("first", script("POST", step{Write: large, Pause: 100}, step{Write: ok + secretOfFirst, Pause: 100}), testkit.Patience); err != nil {
			t.Fatal(err)
		}
		if got := h.answer(call(method, "/echo", "mine")); got.Body != "mine" {
			t.Errorf("%s: got %v", method, got)
		}
		if n := h.times("/echo"); method == "POST" && n != "1" {
			t.Errorf("it was sent %s times", n)
		}
		h.wantsToldOnce(method)
	}
}

func quoted(text string) string {
	return strings.TrimSuffix(strings.TrimPrefix(object{"": text}.String(), `{"":`), "}")
}

// Without a next event it is told all the same, when the connection is closed.
func TestASurplusThatNobodyMeetsIsLogged(t *testing.T) {
	t.Parallel()
	h := open(t, "writes late", nil)
	query := object{"queryStringParameters": object{"answer": ok, "surplus": "a planted secret and " + secretOfFirst, "after": "20"}}
	_, _ = h.invoke("first", call("GET", "/late", "", query), testkit.Patience)
	testkit.Eventually(t, "it is told", func() bool { return h.logs.FilterMessageSnippet("**** and "+secretOfFirst).Len() == 1 })
	h.wantsToldOnce("")
}

// A line end too many is common, and no reason to fail anybody.
func TestALineEndAfterAnAnswerHurtsNobody(t *testing.T) {
	t.Parallel()
	h := open(t, "writes late", nil)
	query := object{"queryStringParameters": object{"answer": ok, "surplus": "\r\n", "after": "100"}}
	_, _ = h.invoke("first", call("GET", "/late", "", query), testkit.Patience)
	if got := h.answer(call("POST", "/nap", "")); got.Body != "slept" {
		t.Errorf("got %v", got)
	}
	h.wantsToldOnce("")
}
