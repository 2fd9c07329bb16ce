package httpproxy_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/modes/httpproxy"
)

// recorder is a fixture whose server answers with the very bytes it has got.
type recorder struct {
	*fixture
	requests int
}

func record(t *testing.T, change func(*httpproxy.Config)) *recorder {
	t.Helper()
	return &recorder{fixture: open(t, "recorder", change)}
}

// recorded are the bytes of the one request that an event has become; "" if it has
// become none but an error, which is e.
func (r *recorder) recorded(t *testing.T, event string) (wire string, e *adapter.Error) {
	t.Helper()
	got, err := r.invoke("the-id", event, testkit.Patience)
	if errors.As(err, &e) {
		if e.Type != "Runtime.ProtocolError" || !strings.HasPrefix(e.Message, "The event can't be handed to the server as an HTTP request: ") {
			t.Fatalf("got %v", e)
		}
	} else if err != nil {
		t.Fatal(err)
	}
	if err == nil && strings.HasPrefix(got, "POST /invoke ") { // its answer gets no envelope
		r.requests++
		return got, nil
	}
	if err == nil {
		answer, err := readEnvelope(got)
		if err != nil {
			t.Fatal(err)
		}
		r.requests++
		wire = answer.Body
		if n := answer.Headers["X-Count"]; n != strconv.Itoa(r.requests) {
			t.Fatalf("the server has seen %v requests, not %d", n, r.requests)
		}
	}
	return wire, e
}

// request is what is recorded as net/http reads it, and nothing may be left.
func (r *recorder) request(t *testing.T, event string) (*http.Request, string) {
	t.Helper()
	wire, e := r.recorded(t, event)
	if e != nil {
		t.Fatal(e)
	}
	request, body, err := readRequest(wire)
	if err != nil {
		t.Fatalf("%v: %.300q", err, wire)
	}
	return request, body
}

func readRequest(wire string) (*http.Request, string, error) {
	in := bufio.NewReader(strings.NewReader(wire))
	request, err := http.ReadRequest(in)
	if err != nil {
		return nil, "", err
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(request.Body); err != nil {
		return nil, "", err
	}
	if n := in.Buffered(); n > 0 {
		return nil, "", fmt.Errorf("%d bytes more than a request", n)
	}
	return request, body.String(), nil
}

func headers(fields object) object { return object{"headers": fields} }

func TestNoPathLeavesThePathOfTheRequest(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	for path, want := range map[string]string{
		"":                                "/",
		"/":                               "/",
		"x":                               "/x",
		"http://evil.example/x":           "/http://evil.example/x",
		"//evil.example/x":                "//evil.example/x",
		"///evil.example":                 "///evil.example",
		"@evil.example/":                  "/@evil.example/",
		"/@evil.example":                  "/@evil.example",
		"evil.example:80":                 "/evil.example:80",
		"*":                               "/*",
		"\\\\evil.example":                "/%5C%5Cevil.example",
		"/../../etc/passwd":               "/../../etc/passwd",
		"/./a//b/":                        "/./a//b/",
		"/a b":                            "/a%20b",
		"/a HTTP/1.1\r\nHost: evil":       "/a%20HTTP/1.1%0D%0AHost:%20evil",
		"/\x00\x01\x1f\x7f":               "/%00%01%1F%7F",
		"/?a=b":                           "/%3Fa=b",
		"/#a":                             "/%23a",
		"/%2F%00%zz":                      "/%2F%00%25zz",
		"/ü€\U0001f600":                   "/%C3%BC%E2%82%AC%F0%9F%98%80",
		"/a;b,c=d:e!$&'()*+~-._":          "/a;b,c=d:e!$&'()*+~-._",
		"/\"<>[]^`{|}":                    "/%22%3C%3E%5B%5D%5E%60%7B%7C%7D",
		"/" + strings.Repeat("a", 100000): "/" + strings.Repeat("a", 100000),
	} {
		wire, e := r.recorded(t, call("GET", path, "", headers(object{"host": "good.example"})))
		if e != nil {
			t.Errorf("%.100q: %v", path, e)
			continue
		}
		line, rest, _ := strings.Cut(wire, "\r\n")
		if line != "GET "+want+" HTTP/1.1" || !strings.HasPrefix(rest, "Host: good.example\r\n") || strings.Count(wire, "\r\nHost:") != 1 {
			t.Errorf("%.100q: got %.200q", path, wire)
		}
	}
	// Bytes that are no UTF-8 go as they are.
	if wire, e := r.recorded(t, `{"httpMethod":"GET","path":"/`+"\xff\xc3"+`","requestContext":{}}`); e != nil || !strings.HasPrefix(wire, "GET /%FF%C3 HTTP/1.1\r\n") {
		t.Errorf("got %q, %v", wire, e)
	}
}

func TestNoQueryLeavesTheQueryOfTheRequest(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	for _, value := range []string{"", "a", "a b", "a+b", "a&b=c", "a#b", "a%20b", "a?b", "a;b", "a\r\nHost: evil\r\n\r\n", "\x00", "ü", "http://evil"} {
		request, _ := r.request(t, call("GET", "/", "", object{"queryStringParameters": object{value: []any{value, "2"}, "b": value}}))
		query := request.URL.Query()
		if got := query[value]; (value != "b") && (len(got) != 2 || got[0] != value || got[1] != "2") || query.Get("b") != value {
			t.Errorf("%q: got %v", value, query)
		}
		if request.URL.Fragment != "" || request.URL.Path != "/" {
			t.Errorf("%q: got %v", value, request.URL)
		}
	}
}

func TestNoHeaderSplitsTheRequest(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	for _, name := range []string{"", " ", "a b", "a:", ":a", "a\r\nX-Evil", "a\n", "\r", "a\x00", "ä", "a\x7f", "a(b)", "a,b", "a/b", `a"b`, "a\tb", " a", "a ", "[a]", "{a}", "a@b", "a=b", "a;b", "a\\b", "a?b", "a<b>"} {
		for _, value := range []any{"x", []any{"x"}, []any{"x", "y"}} {
			if wire, e := r.recorded(t, call("GET", "/", "", headers(object{name: value}))); e == nil || !strings.Contains(e.Message, "is not the name of an HTTP header") {
				t.Errorf("%q: got %q, %v", name, wire, e)
			}
		}
	}
	for _, value := range []string{"a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "\r\n\r\nGET /evil HTTP/1.1\r\n\r\n", "a\x00b", "\x01", "\x1f", "\x7f", "a\x0bb", "a\r\n b"} {
		for _, name := range []string{"x-a", "Cookie", "host", "content-length", "connection", "x-cff-request-id", "content-type", "user-agent"} {
			wire, e := r.recorded(t, call("GET", "/", "", headers(object{name: []any{"x", value}})))
			if e == nil || !strings.Contains(e.Message, "control character") || strings.Contains(e.Message, "Evil: 1") {
				t.Errorf("%s: %q: got %q, %v", name, value, wire, e)
			}
		}
	}
}

func TestHarmlessHeadersGoAsTheyAre(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	request, _ := r.request(t, call("GET", "/", "", headers(object{
		"x-a": "b:c", "X-Ü": nil, "x-ü-is-null": nil, "x-list": []any{"1", "2", nil, "1"}, "cookie": []any{"a=1", "b=2"}, "user-agent": "me",
		"x-number": 12, "x-bool": true, "x-blank": " \ta b\t ", "x-empty": "", "x-utf8": "ü€", "!#$%&'*+-.^_`|~": "token",
		"content-type": "a/b", "accept-encoding": "gzip", "authorization": "Basic x", "x-forwarded-for": "1.2.3.4", "range": "bytes=0-",
	})))
	for name, want := range map[string]string{
		"X-A": `["b:c"]`, "X-List": `["1" "2" "1"]`, "Cookie": `["a=1; b=2"]`, "User-Agent": `["me"]`, "X-Number": `["12"]`, "X-Bool": `["true"]`,
		"X-Blank": `["a b"]`, "X-Empty": `[""]`, "X-Utf8": `["ü€"]`, "Content-Type": `["a/b"]`, "Accept-Encoding": `["gzip"]`,
		"Authorization": `["Basic x"]`, "X-Forwarded-For": `["1.2.3.4"]`, "Range": `["bytes=0-"]`, "X-Cff-Request-Id": `["the-id"]`,
	} {
		if got := fmt.Sprintf("%q", request.Header.Values(name)); got != want {
			t.Errorf("%s: got %s", name, got)
		}
	}
	if n := len(request.Header); n != 16 { // the requestContext is empty
		t.Errorf("got %d headers: %v", n, request.Header)
	}
}

// spellings are ways to write a header's name.
func spellings(name string) []string {
	return []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:], strings.ToLower(name[:1]) + strings.ToUpper(name[1:])}
}

func TestHeadersOfTheConnectionAreOurs(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	for header, value := range map[string]any{
		"connection": "close", "content-length": "5", "expect": "100-continue", "http2-settings": "x", "keep-alive": "timeout=1",
		"proxy-connection": "close", "te": "trailers", "trailer": "X-Cff-Request-Id", "transfer-encoding": "chunked", "upgrade": "h2c",
	} {
		for _, name := range spellings(header) {
			for _, value := range []any{value, []any{value, value}, []any{"x", value}, "0", []any{"0", "5"}, "-1", "chunked, identity"} {
				wire, e := r.recorded(t, call("POST", "/", "a body", headers(object{name: value})))
				if e != nil {
					t.Errorf("%s: %v: %v", name, value, e)
					continue
				}
				head, body, _ := strings.Cut(wire, "\r\n\r\n")
				lower := strings.ToLower(head)
				if n := strings.Count(lower, "\r\n"+header+":"); header == "content-length" && n != 1 || header != "content-length" && n != 0 {
					t.Errorf("%s: %v: got %q", name, value, wire)
				}
				if !strings.Contains(lower, "\r\ncontent-length: 6") || body != "a body" {
					t.Errorf("%s: %v: got %q", name, value, wire)
				}
			}
		}
	}
}

func TestAWebsocketIsRefusedWithASentence(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	for _, name := range spellings("upgrade") {
		for _, value := range []any{"websocket", "WebSocket", []any{"h2c", "websocket"}, "h2c, websocket"} {
			if wire, e := r.recorded(t, call("GET", "/", "", headers(object{name: value, "connection": "Upgrade"}))); e == nil || !strings.Contains(e.Message, "websocket") {
				t.Errorf("%s: %v: got %q, %v", name, value, wire, e)
			}
		}
	}
}

func TestTheHostIsOneNameOrNone(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	for _, c := range []struct {
		headers object
		want    string // "": it is refused; "ours"
	}{
		{object{}, "ours"},
		{object{"host": nil}, "ours"},
		{object{"host": ""}, "ours"},
		{object{"host": []any{}}, "ours"},
		{object{"host": "good.example"}, "good.example"},
		{object{"HOST": "good.example:8443"}, "good.example:8443"},
		{object{"host": "[::1]:80"}, "[::1]:80"},
		{object{"host": " good.example\t"}, "good.example"},
		{object{"host": []any{"good.example", "GOOD.example"}}, "GOOD.example"},
		{object{"host": []any{"good.example", "evil.example"}}, ""},
		{object{"host": "good.example", "Host": "evil.example"}, ""},
		{object{"host": "good.example/x"}, ""},
		{object{"host": "a@evil.example"}, ""},
		{object{"host": "a b"}, ""},
		{object{"host": "good.example#"}, ""},
		{object{"host": "good.example?"}, ""},
		{object{"host": `evil\example`}, ""},
		{object{"host": "ü.example"}, ""},
	} {
		wire, e := r.recorded(t, call("GET", "/", "", headers(c.headers)))
		if c.want == "" {
			if e == nil || !strings.Contains(e.Message, "host") {
				t.Errorf("%v: got %q, %v", c.headers, wire, e)
			}
			continue
		}
		if e != nil {
			t.Errorf("%v: %v", c.headers, e)
			continue
		}
		lines := strings.Split(wire, "\r\n")
		want := "Host: " + c.want
		if c.want == "ours" {
			want = "Host: 127.0.0.1:"
		}
		if !strings.HasPrefix(strings.ToLower(lines[1]), strings.ToLower(want)) || strings.Count(strings.ToLower(wire), "\r\nhost:") != 1 {
			t.Errorf("%v: got %q", c.headers, wire)
		}
	}
}

func TestNobodyForgesThePlatformsHeaders(t *testing.T) {
	t.Parallel()
	r := record(t, func(c *httpproxy.Config) {
		c.Identity = []adapter.Header{{Name: "X-Cff-Func-Name", Value: "mine"}}
	})
	forged := object{}
	for _, name := range []string{"x-cff-request-id", "x-cff-func-name", "x-cff-security-token", "x-cff-anything", "x-stream-response"} {
		for _, separated := range []string{name, strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(name, "-", "."), strings.Replace(name, "-", "_", 1), strings.ReplaceAll(name, "-", "~")} {
			for _, spelling := range spellings(separated) {
				forged[spelling] = "forged"
			}
		}
	}
	request, _ := r.request(t, call("GET", "/", "", headers(forged)))
	if request.Header.Get("X-Cff-Request-Id") != "the-id" || request.Header.Get("X-Cff-Func-Name") != "mine" {
		t.Errorf("got %v", request.Header)
	}
	for name, values := range request.Header {
		if len(values) != 1 || values[0] == "forged" {
			t.Errorf("%s is %q", name, values)
		}
	}
	if got := request.Header.Get("X-Cff-Security-Token"); got != "" {
		t.Errorf("the token is handed on: %q", got)
	}
	r = record(t, func(c *httpproxy.Config) { c.Credentials = true })
	request, _ = r.request(t, call("GET", "/", "", headers(forged)))
	if got := request.Header["X-Cff-Security-Token"]; len(got) != 1 || got[0] != "token-of-an-event" {
		t.Errorf("got %q", got)
	}
}

func TestTenThousandHeadersAndMegabytesOfThem(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	many := object{}
	for n := range 10000 {
		many[fmt.Sprint("x-", n)] = strconv.Itoa(n)
	}
	request, _ := r.request(t, call("GET", "/", "", headers(many)))
	if len(request.Header) != 10001 || request.Header.Get("X-9999") != "9999" {
		t.Errorf("got %d", len(request.Header))
	}
	long := bytesOf(3 << 20)
	request, _ = r.request(t, call("GET", "/", "", headers(object{"x-a": long})))
	if request.Header.Get("X-A") != long {
		t.Errorf("got %d bytes", len(request.Header.Get("X-A")))
	}
	request, _ = r.request(t, call("GET", "/", "", headers(object{"x-a": []any{}, "x-b": strings.Split(strings.Repeat("b,", 10000), ",")})))
	if n := len(request.Header["X-B"]); n != 10001 {
		t.Errorf("got %d", n)
	}
}

func TestFieldsOfTheWrongTypeAreRefusedOrNothing(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	wrong := []string{`1`, `true`, `[]`, `{}`, `"x"`, `[[]]`, `{"a":{}}`, `{"a":[["b"]]}`, `{"a":[{}]}`, `1e999`, `-`, `nul`, `1.2.3`, `tru`, `{"a":nul}`, `{"a":[tru]}`, `{"\x":"b"}`, `{"a":"\x"}`, `"\ud800"`, `""`, `"\"`}
	for _, field := range []string{"headers", "queryStringParameters", "body", "isBase64Encoded"} {
		for _, value := range wrong {
			event := fmt.Sprintf(`{"httpMethod":"POST","path":"/","requestContext":{},%q:%s}`, field, value)
			wire, e := r.recorded(t, event)
			fits := json.Valid([]byte(value)) &&
				(field == "body" && value[0] == '"' || field == "isBase64Encoded" && value == "true" || strings.HasSuffix(field, "s") && value == "{}")
			switch {
			case strings.HasPrefix(wire, "POST /invoke "): // it is no JSON at all, and so no call
				if json.Valid([]byte(event)) {
					t.Errorf("it passes for no call: %s", event)
				}
			case fits && e != nil:
				t.Errorf("%s: %v", event, e)
			case !fits && e == nil:
				t.Errorf("%s: got %q", event, wire)
			}
		}
		wire, e := r.recorded(t, fmt.Sprintf(`{"httpMethod":"GET","path":"/","requestContext":{},%q:null}`, field))
		if e != nil || !strings.HasPrefix(wire, "GET / ") {
			t.Errorf("%s of null: got %q, %v", field, wire, e)
		}
	}
	for _, event := range []string{
		`{"httpMethod":1,"path":"/","requestContext":{}}`, `{"httpMethod":"GET","path":null,"requestContext":{}}`,
		`{"httpMethod":"GET","path":"/","requestContext":[]}`, `{"httpMethod":"GET","path":["/"],"requestContext":{}}`,
		`{"httpMethod":"GET","path":"/","requestContext":{}`, `["httpMethod","path","requestContext"]`, `"requestContext"`, ``, `null`,
		`{"\u0068ttpMethod":"GET","path":"/","requestContext":{}}`,
	} {
		// They are no calls, and reach the server byte for byte.
		wire, e := r.recorded(t, event)
		if e != nil || !strings.HasPrefix(wire, "POST /invoke HTTP/1.1\r\n") || !strings.HasSuffix(wire, "\r\n\r\n"+event) {
			t.Errorf("%s: got %q, %v", event, wire, e)
		}
	}
}

func TestDuplicateAndEscapedNames(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	for event, want := range map[string]string{
		`{"httpMethod":"GET","httpMethod":"PUT","path":"/a","path":"/b","requestContext":{}}`:                        "PUT /b ",
		`{"httpMethod":"GET","path":"\/a\u002fb\u0020\n","requestContext":{}}`:                                       "GET /a/b%20%0A ",
		`{"httpMethod":"\u0047ET","path":"/","requestContext":{},"headers":{"\u0058-a":"1","x\u002da":"2"}}`:         "GET / ",
		`{"httpMethod":"GET","path":"/","requestContext":{},"queryStringParameters":{"a":"1","a":"2","\u0061":"3"}}`: "GET /?a=1&a=2&a=3 ",
		`{"httpMethod":"GET","path":"/\ud83d\ude00\ud800","requestContext":{}}`:                                      "GET /%F0%9F%98%80%EF%BF%BD ",
	} {
		if wire, e := r.recorded(t, event); e != nil || !strings.HasPrefix(wire, want) {
			t.Errorf("%s: got %q, %v", event, wire, e)
		}
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	for _, method := range []string{"GET", "get", "DELETE", "PROPFIND", "M-SEARCH", "X!#$%&'*+-.^_`|~9", "PRI"} {
		if wire, e := r.recorded(t, call(method, "/", "")); e != nil || !strings.HasPrefix(wire, method+" / HTTP/1.1\r\n") {
			t.Errorf("%q: got %q, %v", method, wire, e)
		}
	}
	for _, method := range []string{"", " ", "GET ", " GET", "G T", "GET /evil HTTP/1.1\r\nHost: evil\r\n\r\nGET", "GET\r\n", "\x00", "GÉT", "GET:", "CONNECT"} {
		if wire, e := r.recorded(t, call(method, "/", "")); e == nil || !strings.Contains(e.Message, "httpMethod") {
			t.Errorf("%q: got %q, %v", method, wire, e)
		}
	}
}

func TestBase64ThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	for name, n := range map[string]int{"small": 48, "large": 192 << 10} {
		good := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\xfb\xef\xbe", n/4)))
		half := len(good) / 2
		for what, bad := range map[string]string{
			"a bad character":         good[:half] + "*" + good[half+1:],
			"a bad character, last":   good[:len(good)-1] + "*",
			"a blank":                 good[:half] + " " + good[half+1:],
			"a length that can't be":  good[:len(good)-3],
			"no padding":              good + "YQ",
			"padding in the middle":   good[:half-4] + "YQ==" + good[half:],
			"more after the padding":  good + "YQ==" + good,
			"too much padding":        good + "YQ===",
			"padding alone":           good + "====",
			"padding at a seam":       good[:(32<<10)%len(good)] + "YQ==" + good,
			"the alphabet of URLs":    strings.ReplaceAll(good, "+", "-"),
			"the other one of URLs":   strings.ReplaceAll(strings.Repeat("____", n/4), "*", "/"),
			"bytes of no ASCII":       good[:half] + "ü" + good[half+2:],
			"NUL":                     good[:half] + "\x00" + good[half+1:],
			"a tab between the lines": good[:half] + "\n\t" + good[half:],
		} {
			wire, e := r.recorded(t, call("POST", "/", bad, object{"isBase64Encoded": true}))
			if e == nil || !strings.Contains(e.Message, "base64") {
				t.Errorf("%s, %s: got %.200q, %v", name, what, wire, e)
			}
		}
		want, _ := base64.StdEncoding.DecodeString(good)
		for what, fine := range map[string]string{
			"as it is": good, "with line breaks": strings.Join(lines(good, 76), "\r\n") + "\r\n", "with a break everywhere": strings.Join(lines(good, 1), "\n"),
		} {
			if _, body := r.request(t, call("POST", "/", fine, object{"isBase64Encoded": true})); body != string(want) {
				t.Errorf("%s, %s: got %d bytes", name, what, len(body))
			}
		}
	}
}

// lines are pieces of a text of n bytes each.
func lines(text string, n int) (all []string) {
	for ; len(text) > n; text = text[n:] {
		all = append(all, text[:n])
	}
	return append(all, text)
}

func TestBodiesOfEachSizeArriveWhole(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	for _, n := range []int{0, 1, 2, 3, 24<<10 - 1, 24 << 10, 24<<10 + 1, 48 << 10, 64<<10 - 100, 64 << 10, 64<<10 + 1, 200 << 10, 3 << 20} {
		text := bytesOf(n)
		if _, body := r.request(t, call("POST", "/", text)); body != text {
			t.Errorf("%d: got %d bytes", n, len(body))
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(text))
		if _, body := r.request(t, call("POST", "/", encoded, object{"isBase64Encoded": true})); body != text {
			t.Errorf("%d of base64: got %d bytes", n, len(body))
		}
		wire, _ := r.recorded(t, strings.ReplaceAll(text, "0", " ")) // an event that is no call
		if !strings.HasSuffix(wire, "\r\n\r\n"+strings.ReplaceAll(text, "0", " ")) {
			t.Errorf("%d of no call: got %d bytes", n, len(wire))
		}
	}
	for _, method := range []string{"GET", "HEAD", "DELETE"} {
		if method != "HEAD" { // whose answer says nothing
			if _, body := r.request(t, call(method, "/", "a body")); body != "a body" {
				t.Errorf("%s: got %q", method, body)
			}
		}
	}
}

func TestThePrefixIsTakenOffOnceAtABorder(t *testing.T) {
	t.Parallel()
	r := record(t, func(c *httpproxy.Config) { c.StripPrefix = "/app" })
	for path, want := range map[string]string{
		"/app": "/", "/app/": "/", "/app/x": "/x", "/application": "/application", "/x/app": "/x/app", "/app/app/x": "/app/x", "/app//evil": "//evil", "/App/x": "/App/x",
	} {
		if wire, e := r.recorded(t, call("GET", path, "")); e != nil || !strings.HasPrefix(wire, "GET "+want+" HTTP") {
			t.Errorf("%s: got %.100q, %v", path, wire, e)
		}
	}
}
