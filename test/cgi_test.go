package test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
)

// webCall is an event of the gateway, as a test changes it.
type webCall map[string]any

// webRequest is a GET of /.
func webRequest(pairs ...any) webCall {
	c := webCall{
		"httpMethod": "GET", "path": "/", "headers": map[string]any{"host": "example.com"}, "queryStringParameters": map[string]any{},
		"requestContext": map[string]any{"requestId": "r", "sourceIp": "203.0.113.7"}, "body": "", "isBase64Encoded": true,
	}
	for i := 0; i < len(pairs); i += 2 {
		c[pairs[i].(string)] = pairs[i+1]
	}
	return c
}

func (c webCall) String() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// webPage is an envelope, opened.
type webPage struct {
	status int
	fields map[string][]string // names in lower case
	body   string
	base64 bool
}

func (c *cloud) page(event fmt.Stringer) webPage {
	c.t.Helper()
	return openPage(c.t, c.answer(event.String()))
}

func openPage(t *testing.T, text string) webPage {
	t.Helper()
	var e struct {
		Status  int            `json:"statusCode"`
		Headers map[string]any `json:"headers"`
		Base64  bool           `json:"isBase64Encoded"`
		Body    string         `json:"body"`
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatalf("%v: %.300q", err, text)
	}
	p := webPage{status: e.Status, fields: map[string][]string{}, body: e.Body, base64: e.Base64}
	for name, value := range e.Headers {
		list, many := value.([]any)
		if !many {
			list = []any{value}
		}
		for _, one := range list {
			p.fields[strings.ToLower(name)] = append(p.fields[strings.ToLower(name)], one.(string))
		}
	}
	if e.Base64 {
		decoded, err := base64.StdEncoding.DecodeString(e.Body)
		if err != nil {
			t.Fatal(err)
		}
		p.body = string(decoded)
	}
	return p
}

func (p webPage) field(name string) string { return strings.Join(p.fields[name], "|") }

// ofCGI is a script that speaks CGI, ofBody one that does not.
func ofCGI(script string) settings  { return sh(script).with("BOOTSTRAP_PIPE_INPUT", "cgi") }
func ofBody(script string) settings { return sh(script).with("BOOTSTRAP_PIPE_INPUT", "body") }

// variablesOf are those that a program prints with env.
func variablesOf(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\n"), "=")
		all[name] = value
	}
	return all
}

const printsVariables = `printf 'Content-Type: text/plain\n\n'; env`

func TestACGIProgramFindsTheRequestInItsVariables(t *testing.T) {
	t.Parallel()
	c := deploy(t, ofCGI(printsVariables).with("BOOTSTRAP_HTTP_STRIP_PREFIX", "/app", "DOCUMENT_ROOT", "/srv", "QUERY_STRING", "a lie", "REMOTE_USER", "a lie"))
	got := variablesOf(c.page(webRequest(
		"httpMethod", "POST", "path", "/app/x/../a b/./%C3%BC", "queryStringParameters", map[string]any{"q": "a b&c", "l": []string{"1", "2"}},
		"body", base64.StdEncoding.EncodeToString([]byte("hello")),
		"headers", map[string]any{
			"host": "example.com:8443", "content-type": "text/x", "content-length": "99", "content-encoding": "gzip", "x-forwarded-proto": "https", "x-forwarded-port": "8443",
			"x-forwarded-for": "198.51.100.1", "cookie": []string{"a=1", "b=2"}, "accept": []string{"x", "y"}, "proxy": "http://evil",
			"authorization": "Basic YTpi", "x_odd": "1", "x.odd": "2", "x-fine": "3", "x-cff-request-id": "forged",
		})).body)
	for name, want := range map[string]string{
		"GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_METHOD": "POST", "REDIRECT_STATUS": "200",
		"SCRIPT_NAME": "/app", "PATH_INFO": "/a b/%C3%BC", "REQUEST_URI": "/app/x/../a%20b/./%25C3%25BC?l=1&l=2&q=a%20b%26c",
		"QUERY_STRING": "l=1&l=2&q=a%20b%26c", "CONTENT_LENGTH": "5", "CONTENT_TYPE": "text/x", "HTTP_CONTENT_ENCODING": "gzip",
		"SERVER_NAME": "example.com", "SERVER_PORT": "8443", "HTTPS": "on", "REMOTE_ADDR": "203.0.113.7", "HTTP_HOST": "example.com:8443",
		"HTTP_COOKIE": "a=1; b=2", "HTTP_ACCEPT": "x, y", "HTTP_AUTHORIZATION": "Basic YTpi", "HTTP_X_FINE": "3", "HTTP_X_FORWARDED_FOR": "198.51.100.1",
		"DOCUMENT_ROOT": "/srv",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	for _, name := range []string{"HTTP_PROXY", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "AUTH_TYPE", "REMOTE_USER", "HTTP_X_ODD", "HTTP_X_CFF_REQUEST_ID"} {
		if value, has := got[name]; has {
			t.Errorf("it has %s=%s", name, value)
		}
	}
	if !strings.HasSuffix(got["SCRIPT_FILENAME"], "/sh") {
		t.Errorf("SCRIPT_FILENAME is %q", got["SCRIPT_FILENAME"])
	}
	if value, has := variablesOf(c.page(webRequest()).body)["CONTENT_LENGTH"]; has {
		t.Errorf("a GET has CONTENT_LENGTH=%s", value)
	}
	if got := variablesOf(c.page(webRequest("httpMethod", "PUT")).body)["CONTENT_LENGTH"]; got != "0" {
		t.Errorf("an empty PUT has CONTENT_LENGTH=%s", got)
	}
}

func TestAVariableOfTheFunctionIsNotReplacedByAHeader(t *testing.T) {
	t.Parallel()
	c := deploy(t, ofCGI(printsVariables).with("HTTP_TOKEN", "the function's", "SCRIPT_NAME", "/mine", "SCRIPT_FILENAME", "/mine.php", "REDIRECT_STATUS", "1"))
	got := variablesOf(c.page(webRequest("headers", map[string]any{"token": "the client's", "x-a": "b", "path": "/evil", "ld-preload": "x"})).body)
	for name, want := range map[string]string{
		"HTTP_TOKEN": "the function's", "SCRIPT_NAME": "/mine", "SCRIPT_FILENAME": "/mine.php", "REDIRECT_STATUS": "1", "HTTP_X_A": "b",
		"HTTP_PATH": "/evil", "HTTP_LD_PRELOAD": "x", "LD_PRELOAD": "",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if got["PATH"] == "/evil" {
		t.Error("PATH is the client's")
	}
	c.logs("the function has the variable HTTP_TOKEN already")
}

func TestTheScriptIsTheFirstArgumentThatIsAFile(t *testing.T) {
	t.Parallel()
	script := "#!/bin/sh\n" + printsVariables + "\n"
	c := deploy(t, settings{"BOOTSTRAP_COMMAND": "sh -e page.sh x", "BOOTSTRAP_PIPE_INPUT": "cgi"}, file("page.sh", script, 0o644))
	if got := variablesOf(c.page(webRequest()).body)["SCRIPT_FILENAME"]; got != c.dir+"/page.sh" {
		t.Errorf("got %q", got)
	}
}

func TestARequestThatNoVariablesHoldIsToldAsThat(t *testing.T) {
	t.Parallel()
	c := deploy(t, ofCGI(printsVariables))
	c.fails(webRequest("path", "/a\x00b").String(), "Runtime.ProtocolError", "NUL")
	c.fails(webRequest("path", "/a%00b").String(), "Runtime.ProtocolError", "NUL")
	c.fails(webRequest("headers", map[string]any{"x-large": strings.Repeat("x", 140<<10)}).String(), "Runtime.ProtocolError", "64 KB", "HTTP_X_LARGE")
	c.fails(webRequest("headers", map[string]any{"x-a": "b\r\nSet-Cookie: c"}).String(), "Runtime.ProtocolError", "line break")
	if got := c.page(webRequest()).status; got != 200 {
		t.Errorf("then: %d", got)
	}
}

func TestAProgramGetsTheDecodedBodyWhateverItsSize(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]settings{
		"body": ofBody(`cat`), "cgi": ofCGI(`printf 'Content-Type: application/octet-stream\n\n'; cat`),
		"body with spares": ofBody(`cat`).with("BOOTSTRAP_PIPE_SPARES", "1"),
	} {
		c := deploy(t, s)
		for _, size := range []int{0, 1, 5000, 40_000, 2_000_000} {
			body := make([]byte, size)
			for i := range body {
				body[i] = byte(i * i >> 3)
			}
			if got := c.page(webRequest("httpMethod", "POST", "body", base64.StdEncoding.EncodeToString(body))); got.body != string(body) || got.status != 200 {
				t.Errorf("%s: %d bytes became %d", name, size, len(got.body))
			}
		}
		if got := c.page(webRequest("httpMethod", "POST", "body", "plain ü", "isBase64Encoded", false)); got.body != "plain ü" {
			t.Errorf("%s: got %q", name, got.body)
		}
		c.fails(webRequest("httpMethod", "POST", "body", "!!").String(), "Runtime.ProtocolError", "base64")
	}
}

func TestABodyProgramHasTheRequestInItsVariablesOrInTheContextFile(t *testing.T) {
	t.Parallel()
	call := webRequest("path", "/x", "queryStringParameters", map[string]any{"a": "b"}, "headers", map[string]any{"x-fine": "1"})
	got := variablesOf(deploy(t, ofBody(`env`)).page(call).body)
	if got["REQUEST_METHOD"] != "GET" || got["PATH_INFO"] != "/x" || got["QUERY_STRING"] != "a=b" || got["HTTP_X_FINE"] != "1" {
		t.Errorf("got %v", got)
	}
	if _, has := got["GATEWAY_INTERFACE"]; has {
		t.Error("it is told to speak CGI")
	}
	c := deploy(t, ofBody(`cat >/dev/null; cat "$BOOTSTRAP_CONTEXT_FILE"; echo; env`).with("BOOTSTRAP_PIPE_SPARES", "1"))
	for range 3 {
		text := c.page(call).body
		var context struct {
			RequestID string            `json:"requestId"`
			Request   map[string]string `json:"request"`
		}
		line, env, _ := strings.Cut(text, "\n")
		if err := json.Unmarshal([]byte(line), &context); err != nil {
			t.Fatal(err, line)
		}
		if context.RequestID == "" || context.Request["PATH_INFO"] != "/x" || context.Request["HTTP_X_FINE"] != "1" {
			t.Errorf("got %s", line)
		}
		if _, has := variablesOf(env)["REQUEST_METHOD"]; has {
			t.Error("a program has the variables, which another one can't have")
		}
	}
}

func TestOtherEventsComeAsTheyAre(t *testing.T) {
	t.Parallel()
	const timer = `{"trigger":"TIMER"}`
	if got := deploy(t, ofBody(`cat`)).answer(timer); got != timer {
		t.Errorf("body: %q", got)
	}
	c := deploy(t, ofCGI(`printf 'Content-Type: text/plain\n\n'; cat; printf ' %s' "$REQUEST_METHOD" "$PATH_INFO" "$CONTENT_TYPE" "$QUERY_STRING"`).
		with("BOOTSTRAP_HTTP_EVENT_PATH", "/in?from=fg"))
	if got := c.answer(timer); got != timer+" POST /in application/json from=fg" {
		t.Errorf("cgi: %q", got)
	}
	deploy(t, ofCGI(`echo 'Status: 404 Not Found'; echo; echo no such job`)).fails(timer, "HTTP.404", "no such job", "BOOTSTRAP_HTTP_EVENT_PATH")
	deploy(t, ofCGI(`echo 'Location: /elsewhere'; echo`)).fails(timer, "HTTP.302")
	deploy(t, ofCGI(`echo 'Status: 500'; echo; yes`)).fails(timer, "HTTP.500", "y")
}

func TestAHeadIsTakenAsServersTakeIt(t *testing.T) {
	t.Parallel()
	c := deploy(t, ofCGI(`cat`))
	const typed = "Content-Type: text/plain\n"
	type row struct {
		printed string
		status  int
		fields  string // name=value, sorted, by blanks
		body    string
	}
	for _, r := range []row{
		{typed + "\nx", 200, "content-type=text/plain", "x"},
		{"Content-Type: text/plain\r\n\r\nx", 200, "content-type=text/plain", "x"},
		{"CONTENT-TYPE:text/plain\n\nx", 200, "content-type=text/plain", "x"},
		{"content-type:   text/plain  \n\nx", 200, "content-type=text/plain", "x"},
		{"Status: 404 Not Found\n" + typed + "\nx", 404, "content-type=text/plain", "x"},
		{"Status:404\n" + typed + "\nx", 404, "content-type=text/plain", "x"},
		{"status: 404\n" + typed + "\nx", 404, "content-type=text/plain", "x"},
		{typed + "STATUS: 999 Odd\n\nx", 999, "content-type=text/plain", "x"},
		{"HTTP/1.1 404 Not Found\r\n" + typed + "\nx", 404, "content-type=text/plain", "x"},
		{"HTTP/1.0 200\n" + typed + "\nx", 200, "content-type=text/plain", "x"},
		{"Location: /a\n\n", 302, "content-type=text/plain; charset=utf-8 location=/a x-content-type-options=nosniff", ""},
		{"Location: /a\nStatus: 301\n" + typed + "\n", 301, "content-type=text/plain location=/a", ""},
		{"Location: https://example.com/\n" + typed + "\nx", 302, "content-type=text/plain location=https://example.com/", "x"},
		{typed + "Set-Cookie: a=1\nSet-Cookie: b=2\n\nx", 200, "content-type=text/plain set-cookie=a=1|b=2", "x"},
		{"X-A: \n" + typed + "\nx", 200, "content-type=text/plain x-a=", "x"},
		{"X-A: caf\xe9\n" + typed + "\nx", 200, "content-type=text/plain x-a=café", "x"},
		{"X-A: b:c: d\n" + typed + "\nx", 200, "content-type=text/plain x-a=b:c: d", "x"},
		{"Connection: close\nKeep-Alive: 5\n" + typed + "\nx", 200, "content-type=text/plain", "x"},
		{"Content-Length: 1\n" + typed + "\nx", 200, "content-length=1 content-type=text/plain", "x"},
		{"Content-Length: 0\n" + typed + "\n", 200, "content-length=0 content-type=text/plain", ""},
		{"Content-Length: 77\nStatus: 304\n\n", 304, "content-length=77", ""},
		{"Status: 204\n\n", 204, "", ""},
		{"Status: 204\n\nno body", 204, "", ""},
		{"Status: 304\n\nno body", 304, "", ""},
		{"X-A: b\n\nx", 200, "content-type=text/plain; charset=utf-8 x-a=b x-content-type-options=nosniff", "x"},
		{"X-A: b\n\n{\"a\":1}", 200, "content-type=application/json x-a=b x-content-type-options=nosniff", `{"a":1}`},
		{"X-A: b\n\n<script>", 200, "content-type=text/plain; charset=utf-8 x-a=b x-content-type-options=nosniff", "<script>"},
		{"X-A: b\n\n\x89PNG\r\n\x1a\n\x00", 200, "content-type=image/png x-a=b x-content-type-options=nosniff", "\x89PNG\r\n\x1a\n\x00"},
		{typed + "\n{\"statusCode\":500,\"body\":\"x\"}", 200, "content-type=text/plain", `{"statusCode":500,"body":"x"}`},
		{typed + "\n\n\nx", 200, "content-type=text/plain", "\n\nx"},
		{typed + "\nStatus: 500\n", 200, "content-type=text/plain", "Status: 500\n"},
		{"Content-Type: text/plain; charset=iso-8859-1\n\n\xe9", 200, "content-type=text/plain; charset=iso-8859-1", "\xe9"},
		{"Content-Type: \n\nx", 200, "content-type=text/plain; charset=utf-8 x-content-type-options=nosniff", "x"},
	} {
		got := c.page(webRequest("httpMethod", "POST", "body", base64.StdEncoding.EncodeToString([]byte(r.printed))))
		var fields []string
		for _, name := range slices.Sorted(maps.Keys(got.fields)) {
			fields = append(fields, name+"="+got.field(name))
		}
		if got.status != r.status || got.body != r.body || strings.Join(fields, " ") != r.fields {
			t.Errorf("%q became %d, %q, %q", r.printed, got.status, fields, got.body)
		}
	}
	for printed, words := range map[string]string{
		"":                                "It printed nothing",
		"hello":                           "no blank line",
		typed:                             "no blank line",
		"\nx":                             "begins with a blank line",
		"\r\nx":                           "begins with a blank line",
		"hello\n\nx":                      "not NAME: VALUE",
		"<html>\n\nx":                     "not NAME: VALUE",
		typed + "X Y: z\n\nx":             "not NAME: VALUE",
		": z\n\nx":                        "not NAME: VALUE",
		"X-A : b\n\nx":                    "not NAME: VALUE",
		typed + " folded\n\nx":            "continues a line",
		typed + "\tfolded\n\nx":           "continues a line",
		"X-A: b\rX-B: c\n\nx":             "control character",
		"X-A: b\x00c\n\nx":                "control character",
		"Content-Type: text/plain\r\rx":   "no blank line",
		"Status: 99\n\nx":                 "status",
		"Status: 199\n\nx":                "status",
		"Status: 1000\n\nx":               "status",
		"Status: ok\n\nx":                 "status",
		"Status: 20x\n\nx":                "status",
		"Status: \n\nx":                   "status",
		"Status: +200\n\nx":               "status",
		"HTTP/1.1 abc\n" + typed + "\nx":  "status",
		"HTTP/1.1\n" + typed + "\nx":      "status",
		"HTTP/1.1 100 Continue\n\nx":      "status",
		"Transfer-Encoding: chunked\n\n0": "Transfer-Encoding",
		"Content-Length: 2\n\nx":          "shorter",
		"Content-Length: 1\n\nxy":         "longer",
		"Content-Length: 1x\n\nx":         "not one number",
		"Content-Length: -1\n\nx":         "not one number",
		"Content-Length: 1\nContent-Length: 2\n\nx":                          "not one number",
		"X-A: " + strings.Repeat("x", 70_000) + "\n\nx":                      "more than 64 KB",
		strings.Repeat("X-A: "+strings.Repeat("x", 90)+"\n", 10_000) + "\nx": "more than 64 KB",
		strings.Repeat("x", 1<<20):                                           "more than 64 KB",
	} {
		event := webRequest("httpMethod", "POST", "body", base64.StdEncoding.EncodeToString([]byte(printed)))
		f := c.fails(event.String(), "Runtime.ProtocolError", words, "BOOTSTRAP_PIPE_INPUT=body")
		if len(f.Message) > 700 {
			t.Errorf("the message has %d bytes", len(f.Message))
		}
	}
}

func TestAHEADHasNoBodyButItsLength(t *testing.T) {
	t.Parallel()
	c := deploy(t, ofCGI(`printf 'Content-Type: text/plain\nContent-Length: 7\n\n'; [ $REQUEST_METHOD = HEAD ] || printf '1234567'`))
	if got := c.page(webRequest("httpMethod", "HEAD")); got.body != "" || got.field("content-length") != "7" {
		t.Errorf("got %+v", got)
	}
	if got := c.page(webRequest()); got.body != "1234567" {
		t.Errorf("got %+v", got)
	}
	if got := deploy(t, ofBody(`echo hello`)).page(webRequest("httpMethod", "HEAD")); got.body != "" || got.status != 200 {
		t.Errorf("got %+v", got)
	}
	// What a program prints for HEAD is nobody's, however much it is.
	if got := deploy(t, ofCGI(`printf 'Content-Type: text/plain\n\n'; head -c 20000000 /dev/zero`)).page(webRequest("httpMethod", "HEAD")); got.body != "" {
		t.Errorf("got %d bytes", len(got.body))
	}
}

func TestAWholeAnswerIsDeliveredWhateverTheExitCode(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"1", "3", "255"} {
		c := deploy(t, ofCGI(`echo 'Status: 404'; echo; echo ERR; echo reason >&2; exit `+code))
		if got := c.page(webRequest()); got.status != 404 || got.body != "ERR\n" {
			t.Errorf("exit %s: %+v", code, got)
		}
		c.logs("was delivered, but then it failed: The program exited with code " + code)
	}
	const whole = `printf 'Content-Type: text/plain\n\nall'; `
	deploy(t, ofCGI(whole+`kill -KILL $$`)).fails(webRequest().String(), "Runtime.ExitError", "SIGKILL")
	deploy(t, ofCGI(whole+`kill -SEGV $$`)).fails(webRequest().String(), "Runtime.ExitError", "SIGSEGV")
	deploy(t, ofCGI(`echo oops >&2; exit 3`)).fails(webRequest().String(), "Runtime.ExitError", "code 3", "oops")
	deploy(t, ofCGI(`echo Traceback; exit 1`)).fails(webRequest().String(), "Runtime.ExitError", "code 1", "Traceback")
	deploy(t, ofCGI(`echo '{"errorType":"Shop.Closed","errorMessage":"tomorrow"}'; exit 1`)).fails(webRequest().String(), "Shop.Closed", "tomorrow")
	deploy(t, ofCGI(whole+`sleep 600`), timeout(3*time.Second)).fails(webRequest().String(), "Runtime.Timeout")
	// Other modes of the pipe keep their rule.
	deploy(t, ofBody(`echo all; exit 1`)).fails(webRequest().String(), "Runtime.ExitError")
}

func TestACGIAnswerStreamsHeadFirst(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"text/event-stream", "application/octet-stream"} {
		c := deploy(t, ofCGI(`printf 'Status: 201\nContent-Type: `+kind+`\n\n'; sleep 0.3; echo start; sleep 0.1; head -c 9000000 /dev/zero | tr '\0' x`).
			with("BOOTSTRAP_STREAMING", "on"), streaming)
		result := c.invoke(webRequest().String())
		got := openPage(t, string(result.Payload))
		if !result.Streamed || got.status != 201 || got.field("content-type") != kind || got.body != "start\n"+strings.Repeat("x", 9000000) || got.base64 != (kind != "text/event-stream") {
			t.Errorf("%s: streamed %t, %d, %q, %d bytes", kind, result.Streamed, got.status, got.fields, len(got.body))
		}
	}
	c := deploy(t, ofCGI(`printf 'Content-Type: text/plain\nContent-Length: 5000000\n\n'; head -c 4000000 /dev/zero`).with("BOOTSTRAP_STREAMING", "on"), streaming)
	if result := c.invoke(webRequest().String()); !result.Failed || !result.Cut {
		t.Errorf("half an answer passes for a whole one: %+v", result)
	}
}

func TestAResultThatIsAlwaysWrappedIsNeverTakenForAnEnvelope(t *testing.T) {
	t.Parallel()
	const echoed = `{"statusCode":302,"headers":{"Location":"https://evil.example"},"body":""}`
	event := webRequest("httpMethod", "POST", "body", base64.StdEncoding.EncodeToString([]byte(echoed)))
	for name, s := range map[string]settings{
		"body":             ofBody(`cat`),
		"body in a stream": ofBody(`cat`).with("BOOTSTRAP_STREAMING", "on"),
		"event":            sh(`printf '%s' "$ECHOED"`).with("BOOTSTRAP_APIG_WRAP", "always", "ECHOED", echoed),
		"worker":           sh(`while read -r l; do printf '%s\n' "$ECHOED"; done`).with("BOOTSTRAP_MODE", "worker", "BOOTSTRAP_APIG_WRAP", "always", "ECHOED", echoed),
		"cgi":              ofCGI(`echo Content-Type: text/plain; echo; cat`),
	} {
		c := deploy(t, s, streaming)
		if got := c.page(event); got.status != 200 || strings.TrimSpace(got.body) != echoed {
			t.Errorf("%s: %+v", name, got)
		}
		if strings.Contains(c.log.String(), "looks like an API gateway's envelope") {
			t.Errorf("%s: a warning", name)
		}
	}
	if got := deploy(t, ofBody(`cat`).with("BOOTSTRAP_APIG_WRAP", "auto")).answer(event.String()); got != echoed {
		t.Errorf("got %s", got)
	}
}

func TestTheTypeOfResultsCanBeSetAndIsNeverHTMLByGuess(t *testing.T) {
	t.Parallel()
	const page = "<!doctype html><script>alert(1)</script>"
	for name, s := range map[string]settings{
		"pipe": sh(`printf '%s' "$PAGE"`), "body": ofBody(`printf '%s' "$PAGE"`), "cgi": ofCGI(`printf 'X-A: b\n\n%s' "$PAGE"`),
		"stream": sh(`printf '%s' "$PAGE"; sleep 1`).with("BOOTSTRAP_STREAMING", "on"),
		"worker": sh(`while read -r l; do printf '%s\n' "$PAGE"; done`).with("BOOTSTRAP_MODE", "worker"),
	} {
		s = s.with("PAGE", page)
		c := deploy(t, s, streaming)
		for range 2 {
			if got := c.page(webRequest()); got.field("content-type") != "text/plain; charset=utf-8" || got.field("x-content-type-options") != "nosniff" {
				t.Errorf("%s: %+v", name, got)
			}
		}
		const cure = "BOOTSTRAP_APIG_TYPE=text/html"
		c.logs(cure)
		if n := strings.Count(c.log.String(), cure); n != 1 {
			t.Errorf("%s: it is said %d times", name, n)
		}
		c = deploy(t, s.with("BOOTSTRAP_APIG_TYPE", "text/html; charset=utf-8"), streaming)
		if got := c.page(webRequest()); got.field("content-type") != "text/html; charset=utf-8" || got.field("x-content-type-options") != "" || strings.TrimSpace(got.body) != page {
			t.Errorf("%s: %+v", name, got)
		}
		if strings.Contains(c.log.String(), cure) {
			t.Errorf("%s: a warning", name)
		}
	}
}

func TestACallersTokenIsNotPrinted(t *testing.T) {
	t.Parallel()
	c := deploy(t, ofCGI(`echo "token $HTTP_AUTHORIZATION" >&2; echo "$HTTP_AUTHORIZATION"`))
	f := c.fails(webRequest("headers", map[string]any{"authorization": "Bearer abcdef0123456789"}).String(), "Runtime.ProtocolError")
	c.logs("token")
	if all := fmt.Sprint(f, c.log); strings.Contains(all, "abcdef0123456789") {
		t.Errorf("it is in %s", all)
	}
}

func TestAQueryNeverBecomesArguments(t *testing.T) {
	t.Parallel()
	c := deploy(t, ofCGI(`printf 'Content-Type: text/plain\n\n'; echo $#`))
	if got := c.page(webRequest("queryStringParameters", map[string]any{"-s -d x": ""})); got.body != "0\n" {
		t.Errorf("got %q", got.body)
	}
}

func TestALargeTextGoesAsBase64WhereOnlyThatFits(t *testing.T) {
	t.Parallel()
	c := deploy(t, ofCGI(`printf 'Content-Type: text/plain\n\n'; head -c 3500000 /dev/zero | tr '\0' '\001'`))
	if got := c.page(webRequest()); !got.base64 || !bytes.Equal([]byte(got.body), bytes.Repeat([]byte{1}, 3500000)) {
		t.Errorf("base64 %t, %d bytes", got.base64, len(got.body))
	}
	deploy(t, ofCGI(`printf 'Content-Type: text/plain\n\n'; head -c 5000000 /dev/zero`)).fails(webRequest().String(), "FunctionResponseTooLarge")
}

func TestAPythonProgramServesCGI(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "python3")
	const program = `import os, sys, urllib.parse
query = urllib.parse.parse_qs(os.environ["QUERY_STRING"])
print("Content-Type: text/html; charset=utf-8")
print()
print("Hello,", query["name"][0], len(sys.stdin.buffer.read()))
`
	c := deploy(t, settings{"BOOTSTRAP_COMMAND": "python3 page.py", "BOOTSTRAP_PIPE_INPUT": "cgi"}, file("page.py", program, 0o644))
	if got := c.page(webRequest("queryStringParameters", map[string]any{"name": "Zoë & Co"})); got.body != "Hello, Zoë & Co 0\n" {
		t.Errorf("got %+v", got)
	}
}
