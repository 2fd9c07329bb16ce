package door_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"
	"fgbootstrap/platform/door"
	"fgbootstrap/platform/fgtest"
)

// openMirror is a door to the function mirror.
func openMirror(t *testing.T) (*door.Door, *testkit.Log) {
	t.Helper()
	p, log := fgtest.Function(t, "mirror", nil)
	return doorOf(t, p), log
}

// apigEvent is an event as a function sees it; the two objects as text, for the order of their keys counts.
type apigEvent struct {
	Method  string          `json:"httpMethod"`
	Path    string          `json:"path"`
	Query   json.RawMessage `json:"queryStringParameters"`
	Headers json.RawMessage `json:"headers"`
	Body    []byte          `json:"body"`
	Base64  bool            `json:"isBase64Encoded"`
}

func eventOf(t *testing.T, r fgtest.Reply) apigEvent {
	t.Helper()
	var ev apigEvent
	if err := json.Unmarshal(r.Body, &ev); err != nil || r.Err != nil || r.Status != 200 || !ev.Base64 {
		t.Fatalf("%d %v, %v: %s", r.Status, r.Err, err, r.Body)
	}
	return ev
}

// clientHeaders are the event's without those that the gateway adds.
func (ev apigEvent) clientHeaders() string {
	before, _, _ := strings.Cut(string(ev.Headers), `,"x-forwarded-for"`)
	return before + "}"
}

// target is a request for it, of an HTTP/1.1 client.
func target(uri string) string { return "GET " + uri + " HTTP/1.1\r\nHost: h\r\n\r\n" }

func TestTheGatewayDecodesThePath(t *testing.T) {
	d, _ := openMirror(t)
	w := fgtest.Dial(t, d.Addr())
	for sent, path := range map[string]string{
		"/": "/", "/?": "/", "/a/b/": "/a/b/", "/a%20b+c": "/a b+c", "/a%2Fb": "/a/b", "/%C3%BC/\u00fc": "/ü/ü", "//a": "//a", "/a//b//": "/a//b//",
		"//": "//", "/a/../b/./c": "/a/../b/./c", "/%00": "/\x00", "/%0D%0A": "/\r\n", "/a;b=c,d": "/a;b=c,d", "/%25": "/%", "/%2541": "/%41",
		"/a%3Fb": "/a?b", "/a#b": "/a#b", "/%23": "/#", "/<\">": "/<\">", "//a://b": "//a://b", "//%20[://@": "// [://@", "//h/p?q=http://x": "//h/p", "/http://x//y": "/http://x//y",
		"http://other:1/p%20q?r": "/p q", "http://other": "/", "http://other?x=/": "/",
	} {
		if ev := eventOf(t, w.Ask("GET", target(sent))); ev.Path != path {
			t.Errorf("%s became %q", sent, ev.Path)
		}
	}
}

func TestTheGatewayRefusesWhatAnEventCannotCarry(t *testing.T) {
	d, log := openMirror(t)
	for sent, reason := range map[string]string{
		target("/%zz"):    `invalid URL escape`,
		target("/a%"):     `invalid URL escape`,
		target("/%FF"):    `not UTF-8`,
		target("/\xff"):   `not UTF-8`,
		target("/?a=%FF"): `not UTF-8`,
		target("/?%FF=a"): `not UTF-8`,
		target("*"):       `begin with a slash`,
		"GET / HTTP/1.1\r\nHost: h\r\nX: caf\xe9\r\n\r\n":     `header \"x\" is not UTF-8`,
		"GET / HTTP/1.1\r\nHost: h\r\nNo Token: a\r\n\r\n":    `header name \"no token\"`,
		"GET / HTTP/1.1\r\nHost: h\r\nX: \x01\r\n\r\n":        `can't be read`,
		"GET / HTTP/1.1\r\nHost: h\r\nX: a\n\nfoo: b\r\n\r\n": `can't be read`,
		"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n":             `CONNECT`,
		"CONNECT /a HTTP/1.1\r\nHost: h\r\n\r\n":              `CONNECT`,
		"GET / HTTP/1.1\r\n\r\n":                              `can't be read`,
		"P(ST / HTTP/1.1\r\nHost: h\r\n\r\n":                  `can't be read`,
	} {
		w := fgtest.Dial(t, d.Addr())
		r := w.Ask("GET", sent)
		if want := map[bool]int{true: 501, false: 400}[reason == "CONNECT"]; r.Status != want || !strings.Contains(string(r.Body), reason) || r.Header.Get("Date") == "" {
			t.Errorf("%q: %d %s, want %s", sent, r.Status, r.Body, reason)
		}
	}
	if strings.Contains(log.String(), "Start invoke") {
		t.Error("the function was called")
	}
}

func TestTheGatewayKeepsTheQuerysOrder(t *testing.T) {
	d, _ := openMirror(t)
	w := fgtest.Dial(t, d.Addr())
	for sent, query := range map[string]string{
		"/": `{}`, "/?": `{}`, "/?&&": `{}`, "/?z=1&a=2&m=3": `{"z":"1","a":"2","m":"3"}`, "/?b=2&a=1&b=1&b=2": `{"b":["2","1","2"],"a":"1"}`,
		"/?flag&empty=": `{"flag":"","empty":""}`, "/?=v": `{"":"v"}`, "/?=": `{"":""}`, "/?a=b=c": `{"a":"b=c"}`, "/?a;b=c;d": `{"a;b":"c;d"}`,
		"/?a+b=c+d%2B": `{"a b":"c d+"}`, "/?a=100%&b=%zz&%4": `{"a":"100%","b":"%zz","%4":""}`, "/?a=%C3%BC": `{"a":"ü"}`, "/?a=\u00fc": `{"a":"ü"}`,
		"/?a=<b>%26%00": `{"a":"<b>&\u0000"}`, "/?a[]=1&a[]=2": `{"a[]":["1","2"]}`, "/?a=b?c#d": `{"a":"b?c#d"}`, "/?u=http://x/y": `{"u":"http://x/y"}`,
		"/?a=1&%61=2": `{"a":["1","2"]}`, "http://o?x=/": `{"x":"/"}`,
	} {
		if ev := eventOf(t, w.Ask("GET", target(sent))); string(ev.Query) != query {
			t.Errorf("%s became %s", sent, ev.Query)
		}
	}
}

func TestTheGatewayTakesAnyMethod(t *testing.T) {
	d, _ := openMirror(t)
	w := fgtest.Dial(t, d.Addr())
	for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "M-SEARCH", "get", "a!#$%&'*+-.^_`|~9"} {
		r := w.Ask(method, method+" /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n_")
		if ev := eventOf(t, r); ev.Method != method || string(ev.Body) != "_" {
			t.Errorf("%s became %+v", method, ev)
		}
	}
}

func TestTheGatewayPassesHeadersOnAsTheyAre(t *testing.T) {
	d, _ := openMirror(t)
	w := fgtest.Dial(t, d.Addr())
	for sent, headers := range map[string]string{
		"Cookie: a=b; c; \"x\"; =d; e=\"f g\";;h=%20": `"cookie":"a=b; c; \"x\"; =d; e=\"f g\";;h=%20"`,
		"Cookie: a=1;b=2\r\ncookie: a=3":              `"cookie":["a=1;b=2","a=3"]`,
		"User-Agent:":                                 `"user-agent":""`,
		"User-Agent: a\r\nUser-Agent: b":              `"user-agent":["a","b"]`,
		"user-agent: (ö) \U0001F600/\\ \"q\" \t<&>":   `"user-agent":"(ö) 😀/\\ \"q\" \t<&>"`,
		"Content-Type:":                               `"content-type":""`,
		"Content-Type: a\r\nContent-Type: b":          `"content-type":["a","b"]`,
		"X-Empty:\r\nX-Space:   \r\nX-Trim: \t a \t ": `"x-empty":"","x-space":"","x-trim":"a"`,
		"Z: 1\r\nA: 2\r\nZ: 3\r\nm: 4\r\nz:":          `"z":["1","3",""],"a":"2","m":"4"`,
		"X-Fold: a\r\n  b\r\n\tc\r\nY: d":             `"x-fold":"a b c","y":"d"`,
		"X_y.z!: a:b":                                 `"x_y.z!":"a:b"`,
		"Authorization: Basic eDp5\r\nProxy-Authorization: z\r\nRange: bytes=0-1,5-": `"authorization":"Basic eDp5","proxy-authorization":"z","range":"bytes=0-1,5-"`,
		"Accept-Encoding: gzip, br\r\nIf-None-Match: W/\"x\", \"y\"":                 `"accept-encoding":"gzip, br","if-none-match":"W/\"x\", \"y\""`,
		"Referer: http://x/?y\r\nOrigin: null\r\nSec-Fetch-Mode: cors":               `"referer":"http://x/?y","origin":"null","sec-fetch-mode":"cors"`,
	} {
		ev := eventOf(t, w.Ask("GET", "GET / HTTP/1.1\r\nHost: h\r\n"+sent+"\r\n\r\n"))
		if want := `{"host":"h",` + headers + `}`; ev.clientHeaders() != want {
			t.Errorf("%q became %s", sent, ev.Headers)
		}
	}
}

func TestTheGatewayKeepsTheConnectionsHeaders(t *testing.T) {
	d, _ := openMirror(t)
	for _, sent := range []string{
		"Connection: keep-alive\r\nKeep-Alive: timeout=5", "Connection: X-Mine, close\r\nx-mine: 1", "connection: Upgrade,,HTTP2-Settings , te\r\nUpgrade: websocket\r\nHTTP2-Settings: a",
		"TE: trailers\r\nTrailer: X-Sum\r\nProxy-Connection: keep-alive\r\nExpect: nothing", "Connection: a\r\nX: \r\nConnection: x\r\nA: b",
	} {
		ev := eventOf(t, fgtest.Dial(t, d.Addr()).Ask("GET", "GET / HTTP/1.1\r\nHost: h\r\n"+sent+"\r\nStays: here\r\n\r\n"))
		if ev.clientHeaders() != `{"host":"h","stays":"here"}` {
			t.Errorf("%q became %s", sent, ev.Headers)
		}
	}
}

func TestTheGatewaySaysWhoCalled(t *testing.T) {
	d, _ := openMirror(t)
	for _, c := range []struct{ sent, headers string }{
		{"GET / HTTP/1.1\r\nHost: H.example:81\r\nX-Forwarded-For: forged\r\nX-Real-Ip: forged\r\nx-request-id: forged\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Proto: ftp\r\nX-Forwarded-Host: forged\r\nConnection: x-forwarded-for, host\r\n\r\n",
			`"host":"H.example:81","x-forwarded-host":"H.example:81","x-forwarded-port":"81"`},
		{"GET / HTTP/1.1\r\nHost: [::1]:82\r\n\r\n", `"host":"[::1]:82","x-forwarded-host":"[::1]:82","x-forwarded-port":"82"`},
		{"GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", `"host":"[::1]","x-forwarded-host":"[::1]","x-forwarded-port":"80"`},
		{"GET http://user@other:83/ HTTP/1.1\r\nHost: h\r\n\r\n", `"host":"other:83","x-forwarded-host":"other:83","x-forwarded-port":"83"`},
		{"GET / HTTP/1.0\r\n\r\n", `"x-forwarded-port":"80"`},
	} {
		r := fgtest.Dial(t, d.Addr()).Ask("GET", c.sent)
		ev := eventOf(t, r)
		var got, want map[string]any
		_ = json.Unmarshal(ev.Headers, &got)
		err := json.Unmarshal(fmt.Appendf(nil, `{%s,"x-forwarded-proto":"http","x-forwarded-for":"127.0.0.1","x-real-ip":"127.0.0.1","x-request-id":%q}`, c.headers, r.Header.Get("X-Request-Id")), &want)
		if fmt.Sprint(got) != fmt.Sprint(want) || err != nil || r.Header.Get("X-Request-Id") == "" {
			t.Errorf("%q:\n%v\n%v", c.sent, got, want)
		}
	}
}

func TestABodyHasALengthInTheEvent(t *testing.T) {
	d, _ := openMirror(t)
	w := fgtest.Dial(t, d.Addr())
	for _, c := range []struct{ head, body, want, length string }{
		{"POST", "Content-Length: 5\r\n\r\na\x00\xff\r\n", "a\x00\xff\r\n", `,"content-length":"5"`},
		{"POST", "Content-Length: 003\r\n\r\nabc", "abc", `,"content-length":"3"`},
		{"POST", "Content-Length: 0\r\n\r\n", "", `,"content-length":"0"`},
		{"POST", "\r\n", "", ``},
		{"GET", "Content-Length: 1\r\n\r\nx", "x", `,"content-length":"1"`},
		{"DELETE", "Transfer-Encoding: chunked\r\n\r\n1;x=y\r\na\r\n2\r\nbc\r\n0\r\nX-Sum: 1\r\n\r\n", "abc", `,"content-length":"3"`},
		{"POST", "transfer-encoding: Chunked\r\n\r\n0\r\n\r\n", "", `,"content-length":"0"`},
	} {
		ev := eventOf(t, w.Ask(c.head, c.head+" / HTTP/1.1\r\nHost: h\r\n"+c.body))
		if string(ev.Body) != c.want || ev.clientHeaders() != `{"host":"h"`+c.length+`}` {
			t.Errorf("%q became %q, %s", c.body, ev.Body, ev.Headers)
		}
	}
	// Two lengths are what smugglers send: the chunks count, and nothing more is read from there.
	r := w.Ask("POST", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
	if ev := eventOf(t, r); string(ev.Body) != "a" || ev.clientHeaders() != `{"host":"h","content-length":"1"}` {
		t.Errorf("%q %s", ev.Body, ev.Headers)
	}
	if r := w.AnswerTo("GET"); r.Err == nil {
		t.Errorf("a second answer: %s", r.Body)
	}
}

func TestAClientMayWaitForTheGoAhead(t *testing.T) {
	d, _ := openMirror(t)
	for _, expect := range []string{"Expect: 100-continue", "expect: 100-Continue"} {
		w := fgtest.Dial(t, d.Addr())
		w.Send("PUT /up HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n" + expect + "\r\n\r\n")
		if line, err := w.In.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatal(expect, line, err)
		}
		_, _ = w.In.ReadString('\n')
		if ev := eventOf(t, w.Ask("PUT", "data")); string(ev.Body) != "data" || ev.clientHeaders() != `{"host":"h","content-length":"4"}` {
			t.Errorf("%+v", ev)
		}
	}
	w := fgtest.Dial(t, d.Addr()) // which does not know of it
	if ev := eventOf(t, w.Ask("PUT", "PUT /up HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\ndata")); string(ev.Body) != "data" {
		t.Errorf("%+v", ev)
	}
}

func TestBodiesMayFillTheEvent(t *testing.T) {
	base := 0
	t.Run("without a body", func(t *testing.T) { base = eventBytes(t) })
	d, _ := openDoor(t)
	fits := (api.MaxPayload - base) / 4 * 3
	for size, status := range map[int]int{fits - 12: 500, fits + 12: 413, api.MaxPayload + 1: 413, 17 << 20: 413} {
		w := fgtest.Dial(t, d.Addr())
		r := w.Ask("POST", fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size)))
		if r.Status != status || !strings.Contains(string(r.Body), map[int]string{500: "FSS.1206", 413: "limit"}[status]) {
			t.Errorf("%d bytes: %d %.200s, %v", size, r.Status, r.Body, r.Err)
		}
		if r := w.Ask("GET", target("/")); r.Status != 500 { // the connection lives on
			t.Error(r.Status, r.Err)
		}
	}
}

// eventBytes is the size of the event of a POST without a body.
func eventBytes(t *testing.T) int {
	t.Helper()
	d, _ := openMirror(t)
	r := fgtest.Dial(t, d.Addr()).Ask("POST", fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %7d\r\n\r\n", 0))
	if r.Status != 200 {
		t.Fatal(r)
	}
	return len(r.Body)
}

func TestADoorOutlivesClientsThatLeave(t *testing.T) {
	d, log := openMirror(t)
	for _, part := range []string{"", "GE", "GET / HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab",
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX"} {
		w := fgtest.Dial(t, d.Addr())
		w.Send(part)
		_ = w.CloseWrite()
		if r := w.AnswerTo("GET"); r.Err == nil && r.Status != 400 {
			t.Errorf("%q: %d %s", part, r.Status, r.Body)
		}
	}
	if strings.Contains(log.String(), "Start invoke") {
		t.Error("half a request was an event")
	}
	w := fgtest.Dial(t, d.Addr()) // one that has said all it has to say, and listens
	w.Send("POST /half HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")
	_ = w.CloseWrite()
	if ev := eventOf(t, w.AnswerTo("POST")); ev.Path != "/half" || string(ev.Body) != "ab" {
		t.Errorf("%+v", ev)
	}
	for range 5 {
		w := fgtest.Dial(t, d.Addr())
		w.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
		w.Abort()
	}
	if ev := eventOf(t, fgtest.Dial(t, d.Addr()).Ask("GET", target("/still"))); ev.Path != "/still" {
		t.Error(ev)
	}
}

func TestRequestsMayFollowEachOtherAtOnce(t *testing.T) {
	d, _ := openMirror(t)
	w := fgtest.Dial(t, d.Addr())
	w.Send(target("/1") + "POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" + "HEAD /3 HTTP/1.1\r\nHost: h\r\n\r\n" +
		"PUT /4 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nbcd" + target("/%zz") + target("/_fg/other") + "GET /5 HTTP/1.1\r\nHost: h\r\nConnection: foo, Close\r\n\r\n")
	for _, want := range []string{"GET/1", "POST/2a", "HEAD", "PUT/4bcd", "400", "404", "GET/5"} {
		method, _, _ := strings.Cut(want, "/")
		r := w.AnswerTo(method)
		switch want {
		case "HEAD", "400", "404":
			if s := fmt.Sprint(r.Status); (s != want && r.Status != 200) || r.Err != nil {
				t.Error(want, r.Status, r.Err)
			}
		default:
			if ev := eventOf(t, r); ev.Method+ev.Path+string(ev.Body) != want {
				t.Errorf("%s: %+v", want, ev)
			}
		}
	}
	if _, err := w.In.ReadByte(); err != io.EOF {
		t.Error("the last one asked for the end:", err)
	}
	w = fgtest.Dial(t, d.Addr()) // an old client that wants more
	old := "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n"
	for range 2 {
		eventOf(t, w.Ask("GET", old))
	}
	_ = w.CloseWrite()
	if _, err := bufio.NewReader(w.In).ReadByte(); err != io.EOF {
		t.Error(err)
	}
}

func TestAHeadOfARequestHasALimit(t *testing.T) {
	d, _ := openMirror(t)
	if r := fgtest.Dial(t, d.Addr()).Ask("GET", "GET / HTTP/1.1\r\nHost: h\r\nX: "+strings.Repeat("x", 60<<10)+"\r\n\r\n"); len(eventOf(t, r).Headers) < 60<<10 {
		t.Error(len(r.Body))
	}
	w := fgtest.Dial(t, d.Addr())
	_, _ = io.WriteString(w, "GET / HTTP/1.1\r\nHost: h\r\nX: "+strings.Repeat("x", 70<<10)+"\r\n\r\n")
	if r := w.AnswerTo("GET"); r.Status != 431 && r.Err == nil {
		t.Error(r.Status, r.Err)
	}
}
