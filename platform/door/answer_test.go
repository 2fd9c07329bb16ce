package door_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fgbootstrap/platform/fgtest"
)

// answered is what a client gets byte for byte if the function answers with the envelope: the head's lines without
// those that the gateway adds (all but the status sorted), and the body.
func answered(t *testing.T, addr, method, envelope string) (head string, body string) {
	t.Helper()
	w := fgtest.Dial(t, addr)
	w.Send(fmt.Sprintf("%s / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", method, len(envelope), envelope))
	b, err := io.ReadAll(w.In)
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ = strings.Cut(string(b), "\r\n\r\n")
	status, rest, _ := strings.Cut(head, "\r\n")
	lines := slices.DeleteFunc(strings.Split(rest, "\r\n"), regexp.MustCompile(`^(X-Request-Id: [0-9a-f]{32}|X-Cff-Request-Id: [-0-9a-f]{36}|Date: .* GMT|Connection: close)$`).MatchString)
	slices.Sort(lines)
	return strings.TrimPrefix(status, "HTTP/1.1 ") + strings.Join(append([]string{""}, lines...), "\n"), body
}

func TestTheEnvelopeBecomesTheAnswer(t *testing.T) {
	d, _ := openMirror(t)
	for _, c := range []struct{ method, envelope, head, body string }{
		{"GET", `{"statusCode":200}`, "200 OK\nContent-Length: 0", ""},
		{"GET", `{"statusCode":200,"body":"x"}`, "200 OK\nContent-Length: 1", "x"},
		{"GET", `{"statusCode":200,"body":null,"headers":null}`, "200 OK\nContent-Length: 0", ""},
		{"GET", `{"statusCode":299,"headers":{"content-type":"a/b"}}`, "299 Unknown Status Code\nContent-Length: 0\nContent-Type: a/b", ""},
		{"GET", `{"statusCode":999,"body":"ü"}`, "999 Unknown Status Code\nContent-Length: 2", "ü"},
		{"GET", `{"statusCode":404,"headers":{"x-A_b":"c:d \"e\" ü"},"body":"<no>"}`, "404 Not Found\nContent-Length: 4\nx-A_b: c:d \"e\" ü", "<no>"},
		{"POST", `{"statusCode":302,"headers":{"Location":"/a?b=c#d","Set-Cookie":["a=1; Path=/","b=2","a=3"]}}`,
			"302 Found\nContent-Length: 0\nLocation: /a?b=c#d\nSet-Cookie: a=1; Path=/\nSet-Cookie: a=3\nSet-Cookie: b=2", ""},
		{"GET", `{"statusCode":200,"headers":{"Vary":["A","B"],"Via":["x"],"None":[],"Empty":"","Server":"mine","content-encoding":["a","b"]}}`,
			"200 OK\nContent-Encoding: a, b\nContent-Length: 0\nEmpty: \nServer: mine\nVary: A\nVary: B\nVia: x", ""},
		{"GET", `{"statusCode":200,"headers":{"Content-Length":"999","Transfer-Encoding":"chunked","Connection":"X-Hop, close","x-hop":"a","Keep-Alive":"b","Upgrade":"c","Trailer":"X-T","TE":"d","Proxy-Connection":"e","X-T":"f"},"body":"hi"}`,
			"200 OK\nContent-Length: 2\nX-T: f", "hi"},
		{"GET", `{"statusCode":200,"headers":{"Date":"Thu, 23 Oct 2025 14:08:57 GMT","x-request-id":"its own"}}`,
			"200 OK\nContent-Length: 0\nx-request-id: its own", ""},

		{"HEAD", `{"statusCode":200,"headers":{"Content-Length":"1234","Content-Type":"a/b"}}`, "200 OK\nContent-Length: 1234\nContent-Type: a/b", ""},
		{"HEAD", `{"statusCode":200,"headers":{"content-length":["1234"]},"body":"four"}`, "200 OK\nContent-Length: 1234", ""},
		{"HEAD", `{"statusCode":200,"headers":{"content-length":"a"},"body":"four"}`, "200 OK\nContent-Length: 4", ""},
		{"HEAD", `{"statusCode":200,"body":"four"}`, "200 OK\nContent-Length: 4", ""},
		{"HEAD", `{"statusCode":200}`, "200 OK", ""},
		{"HEAD", `{"statusCode":404,"headers":{"Content-Length":"0"}}`, "404 Not Found\nContent-Length: 0", ""},
		{"GET", `{"statusCode":304,"headers":{"Content-Length":"1234","ETag":"\"x\""}}`, "304 Not Modified\nContent-Length: 1234\nETag: \"x\"", ""},
		{"GET", `{"statusCode":304,"body":"four"}`, "304 Not Modified", ""},
		{"HEAD", `{"statusCode":304,"body":"four"}`, "304 Not Modified", ""},
		{"GET", `{"statusCode":204}`, "204 No Content", ""},
		{"GET", `{"statusCode":204,"headers":{"Content-Length":"4","Content-Type":"a/b"},"body":"four"}`, "204 No Content\nContent-Type: a/b", ""},
		{"HEAD", `{"statusCode":204,"headers":{"Content-Length":"4"}}`, "204 No Content", ""},
		{"GET", `{"statusCode":200,"isBase64Encoded":true,"headers":{"Content-Type":"text/plain; charset=iso-8859-1"},"body":"/wD+DQo="}`,
			"200 OK\nContent-Length: 5\nContent-Type: text/plain; charset=iso-8859-1", "\xff\x00\xfe\r\n"},
	} {
		head, body := answered(t, d.Addr(), c.method, c.envelope)
		if head != c.head || body != c.body {
			t.Errorf("%s %s became\n%s\n\n%q", c.method, c.envelope, head, body)
		}
	}
}

func TestTheFunctionsDateAndIDWin(t *testing.T) {
	d, _ := openMirror(t)
	send := func(envelope string) fgtest.Reply {
		return fgtest.Dial(t, d.Addr()).Ask("POST", fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(envelope), envelope))
	}
	r := send(`{"statusCode":200,"headers":{"date":"Thu, 23 Oct 2025 14:08:57 GMT","X-REQUEST-ID":"mine"}}`)
	if !slices.Equal(r.Header["Date"], []string{"Thu, 23 Oct 2025 14:08:57 GMT"}) || !slices.Equal(r.Header["X-Request-Id"], []string{"mine"}) {
		t.Error(r.Header)
	}
	for _, envelope := range []string{`{"statusCode":204}`, `{"statusCode":1}`} { // an answer of the gateway's has them, too
		if r := send(envelope); len(r.Header["Date"]) != 1 || len(r.Header["X-Request-Id"]) != 1 || len(r.Header["X-Cff-Request-Id"]) != 1 || r.Header["Server"] != nil {
			t.Error(r.Header)
		}
	}
}

func TestAnEnvelopeCannotBreakTheAnswer(t *testing.T) {
	d, log := openMirror(t)
	for envelope, reason := range map[string]string{
		`{"statusCode":200,"headers":{"A":"b\r\nSet-Cookie: c"}}`:   `header "A"`,
		`{"statusCode":200,"headers":{"A":["b","\n"]}}`:             `header "A"`,
		`{"statusCode":200,"headers":{"A":"\u0000"}}`:               `header "A"`,
		`{"statusCode":200,"headers":{"A\r\nB":"c"}}`:               `header name "A\r\nB"`,
		`{"statusCode":200,"headers":{"A: x":"c"}}`:                 `header name "A: x"`,
		`{"statusCode":200,"headers":{"":"c"}}`:                     `header name ""`,
		`{"statusCode":200,"headers":{"ü":"c"}}`:                    `header name "ü"`,
		`{"statusCode":100}`:                                        `statusCode 100`,
		`{"statusCode":101,"headers":{"Upgrade":"websocket"}}`:      `statusCode 101`,
		`{"statusCode":200,"isBase64Encoded":"true","body":"eA=="}`: `isBase64Encoded`,
		`{"statusCode":200,"isBase64Encoded":1}`:                    `isBase64Encoded`,
		`{"statusCode":200,"isBase64Encoded":true,"body":"eA="}`:    `body: illegal base64`,
		`{"statusCode":200,"body":{"a":1}}`:                         `body`,
	} {
		w := fgtest.Dial(t, d.Addr())
		r := w.Ask("POST", fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(envelope), envelope))
		if r.Status != 500 || !strings.Contains(string(r.Body), "FSS.1206") || r.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s", envelope, r.Status, r.Body)
		}
		log := log.String()
		if i := strings.LastIndex(log, "not valid for the API gateway: envelope: "); i < 0 || !strings.Contains(log[i:], reason) {
			t.Errorf("%s: the log does not say %s:\n%s", envelope, reason, log[max(i, 0):])
		}
		if r := w.Ask("GET", target("/")); r.Status != 200 { // nor what comes next
			t.Error(r)
		}
	}
}

func TestBodiesPassThroughByteForByte(t *testing.T) {
	d, _ := openMirror(t)
	if r := fgtest.Dial(t, d.Addr()).Ask("GET", target("/5MB")); string(r.Body) != strings.Repeat("ü", 5<<19) {
		t.Error(r.Status, len(r.Body), r.Err)
	}
	random := rand.NewChaCha8([32]byte{1})
	big := make([]byte, 3<<20) // the largest that fits twice: it goes to the function in an event itself
	_, _ = random.Read(big)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(bytes.Repeat([]byte("again "), 1000))
	_ = z.Close()
	for encoding, body := range map[string][]byte{"": big, "gzip": zipped.Bytes()} {
		headers := map[string]string{"Content-Type": "a/b"}
		if encoding != "" {
			headers["Content-Encoding"] = encoding
		}
		envelope, err := json.Marshal(map[string]any{"statusCode": 200, "isBase64Encoded": true, "body": base64.StdEncoding.EncodeToString(body), "headers": headers})
		if err != nil {
			t.Fatal(err)
		}
		r := fgtest.Dial(t, d.Addr()).Ask("POST", fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip, br\r\nContent-Length: %d\r\n\r\n%s", len(envelope), envelope))
		if !bytes.Equal(r.Body, body) || r.Header.Get("Content-Encoding") != encoding || r.Header.Get("Content-Length") != fmt.Sprint(len(body)) {
			t.Errorf("%q: %d bytes became %d, %v %v", encoding, len(body), len(r.Body), r.Header, r.Err)
		}
	}
}
