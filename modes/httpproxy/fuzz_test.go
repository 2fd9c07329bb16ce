package httpproxy_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/apig"
	"fgbootstrap/modes/httpproxy"
	"fgbootstrap/runtimeapi/functiongraph"
)

// Whatever an event is, it becomes one request, which says what encoding/json and
// encoding/base64 say, or an error of ours.
func FuzzReadAPIG(f *testing.F) {
	for _, event := range []string{
		``, `{}`, `null`, `"requestContext"`, `{"requestContext":{}}`,
		call("GET", "/a b", ""),
		call("POST", "//x/%2F?é", "a body", headers(object{"host": "good.example", "X-A": []any{"1", "2"}, "cookie": "a=b"})),
		call("PUT", "http://evil/@x", "YWJj", object{"isBase64Encoded": true, "queryStringParameters": object{"a": []any{"1", ""}, "b": "c d&e"}}),
		call("GET", "/", "", headers(object{"content-length": "5", "transfer-encoding": "chunked", "x-cff-request-id": "forged"})),
		`{"httpMethod":"GET","path":"\/\u0041","requestContext":{},"headers":{"\u0041":"\u0042"},"body":null,"isBase64Encoded":null}`,
		`{"httpMethod":"GET","path":"/","path":"/2","requestContext":{"a":{"b":[1]}},"queryStringParameters":{"a":1,"b":true,"c":null,"d":[]}}`,
		`{"httpMethod":"G","path":"` + "\xff\n" + `","requestContext":{},"body":"` + "\xff" + `"}`,
		call("POST", "/", "YW\r\nJj", object{"isBase64Encoded": true}),
		call("POST", "/", "YWJ=YWJj", object{"isBase64Encoded": true}),
		call("GET", "/a%20b%zz?#[%41", "", headers(object{"x_real_ip": "1", "x-a": "2", "x.a": "3", "cookie": []any{"a=1;", "b=2"}, "proxy": "4"})),
		call("GET", "/a/%E4%BD%A0 %41", "", object{"requestContext": object{"stage": "é", "apiId": 1, "more": []any{"\x7f😀"}}}),
	} {
		f.Add([]byte(event), "")
		f.Add([]byte(event), "/a")
	}
	f.Fuzz(func(t *testing.T, event []byte, prefix string) {
		if !regexp.MustCompile(`^(/[a-z]+)*$`).MatchString(prefix) {
			return
		}
		wire, isCall, err := httpproxy.Wire(event, prefix)
		if err != nil {
			var told *adapter.Error
			if !errors.As(err, &told) || told.Type != adapter.TypeProtocol {
				t.Fatalf("got %v", err)
			}
			return
		}
		request, body, err := readRequest(string(wire))
		if err != nil {
			t.Fatalf("%v: %q", err, wire)
		}
		if !isCall {
			if body != string(event) || request.Method != "POST" || request.URL.Path != "/invoke" {
				t.Fatalf("got %q", wire)
			}
			return
		}
		if !json.Valid(event) || !utf8.Valid(event) {
			return // what encoding/json would not read, or not as it is
		}
		var want struct {
			Method  string          `json:"httpMethod"`
			Path    string          `json:"path"`
			Query   json.RawMessage `json:"queryStringParameters"`
			Headers json.RawMessage `json:"headers"`
			Body    *string         `json:"body"`
			Base64  bool            `json:"isBase64Encoded"`
		}
		if !unmarshalExactly(event, &want) {
			return
		}
		path := decodedPath(want.Path)
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		if rest, found := strings.CutPrefix(path, prefix); found && (rest == "" || rest[0] == '/') {
			path = "/" + strings.TrimPrefix(rest, "/")
		}
		if request.Method != want.Method || request.URL.Path != path {
			t.Errorf("got %q", wire)
		}
		if got, want := map[string][]string(request.URL.Query()), members(t, want.Query); len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("the query is %v, not %v", got, want)
		}
		checkHeaders(t, request, members(t, want.Headers))
		text := ""
		if want.Body != nil {
			text = *want.Body
		}
		if want.Base64 {
			decoded, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				t.Fatalf("no base64, but accepted: %q", text)
			}
			text = string(decoded)
		}
		if body != text {
			t.Errorf("the body is %q, not %q", body, text)
		}
	})
}

// decodedPath is what a server makes of an event's path: one that a URL can hold is percent-encoded.
func decodedPath(path string) string {
	if !regexp.MustCompile(`^[A-Za-z0-9\-._~!$&'()*+,;=:@/%?#\[\]]*$`).MatchString(path) {
		return path
	}
	return regexp.MustCompile(`%[0-9A-Fa-f]{2}`).ReplaceAllStringFunc(path, func(escape string) string {
		c, _ := strconv.ParseUint(escape[1:], 16, 8)
		return string([]byte{byte(c)})
	})
}

// unmarshalExactly reads an object whose member names are not repeated, not in other
// cases and not escaped: there encoding/json and we differ.
func unmarshalExactly(text []byte, into any) bool {
	var all map[string]json.RawMessage
	if bytes.Contains(text, []byte(`\u00`)) && json.Unmarshal(text, &all) != nil {
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	_, _ = decoder.Token()
	seen := map[string]bool{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return false
		}
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return false
		}
		lower := strings.ToLower(fmt.Sprint(name))
		if seen[lower] || !bytes.Contains(text, []byte(fmt.Sprintf("%q", name))) {
			return false
		}
		seen[lower] = true
		for _, exact := range []string{"httpMethod", "isBase64Encoded", "queryStringParameters"} {
			if lower == strings.ToLower(exact) && name != exact {
				return false
			}
		}
		if lower != name && (lower == "path" || lower == "body" || lower == "headers") {
			return false
		}
	}
	return json.Unmarshal(text, into) == nil
}

// members are the texts of an object's members, repeated names included.
func members(t *testing.T, text json.RawMessage) map[string][]string {
	all := map[string][]string{}
	if len(text) == 0 || string(text) == "null" {
		return all
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	_, _ = decoder.Token()
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			t.Fatalf("%v: %q", err, text)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			t.Fatalf("%v: %q", err, text)
		}
		list := []json.RawMessage{value}
		if value[0] == '[' {
			list = nil
			if err := json.Unmarshal(value, &list); err != nil {
				t.Fatal(err)
			}
		}
		for _, one := range list {
			content := string(one)
			switch {
			case content == "null":
				continue
			case one[0] == '"':
				if err := json.Unmarshal(one, &content); err != nil {
					t.Fatal(err)
				}
			case one[0] == '{' || one[0] == '[':
				t.Fatalf("no text, but accepted: %q", one)
			}
			all[name.(string)] = append(all[name.(string)], content)
		}
	}
	return all
}

func checkHeaders(t *testing.T, request *http.Request, want map[string][]string) {
	expected := map[string]int{}
	var cookies []string
	for name, values := range want {
		lower := strings.ToLower(name)
		for _, value := range values {
			if !apig.IsToken([]byte(name)) {
				t.Errorf("no name, but accepted: %q", name)
			}
			if strings.ContainsAny(value, "\r\n\x00") && strings.ContainsAny(strings.Trim(value, " \t"), "\r\n\x00") {
				t.Errorf("no value, but accepted: %q", value)
			}
			if !dropped(lower) && !disguised(lower, want) {
				if lower == "cookie" {
					cookies = append(cookies, strings.Trim(value, " \t"))
					continue
				}
				expected[lower+": "+strings.Trim(value, " \t")]++
			}
		}
	}
	for name, values := range request.Header {
		lower := strings.ToLower(name)
		if lower == "x-cff-request-id" && len(values) == 1 && values[0] == "id" || lower == "content-length" && len(values) == 1 {
			continue
		}
		if strings.HasPrefix(lower, "x-apig-") || lower == "x-bootstrap-request-context" || lower == "x-forwarded-prefix" {
			if len(values) != 1 {
				t.Errorf("%s: %q", lower, values)
			}
			continue // of the event's requestContext and our prefix
		}
		if lower == "cookie" {
			checkCookies(t, values, cookies)
			continue
		}
		for _, value := range values {
			if expected[lower+": "+value]--; expected[lower+": "+value] < 0 {
				t.Errorf("nobody asked for %s: %q", lower, value)
			}
		}
	}
	for field, n := range expected {
		if n > 0 {
			t.Errorf("%q is missing", field)
		}
	}
	host := want["host"]
	if len(request.Header["Host"]) > 0 || len(want) == 0 && request.Host != "our.host" || len(want) == 1 && len(host) == 1 && strings.Trim(host[0], " \t") != "" && request.Host != strings.Trim(host[0], " \t") {
		t.Errorf("the host is %q", request.Host)
	}
}

// Whatever an answer is, the envelope gives back its bytes.
func FuzzEnvelope(f *testing.F) {
	f.Add([]byte("body"), "text/plain", "X-A", "b", false)
	f.Add([]byte("\xff\x00"), "text/plain; charset=utf-8", "Set-Cookie", "a=b; c", true)
	f.Add([]byte("\"\\\n\u2028€"), "text/html; charset=iso-8859-1", "x-a", "caf\xe9", false)
	f.Add([]byte(strings.Repeat("€", 17000)), "", "Content-Encoding", "gzip", false)
	f.Add([]byte(strings.Repeat("€", 17000)+"\xff"), `a/b; charset="UTF-8"; c`, "Server", "", true)
	f.Add([]byte(strings.Repeat("a", 48<<10)), "a/b", "Connection", "close", false)
	f.Add([]byte(strings.Repeat("€", 40000)+"\xe2\x82"), "text/event-stream", "Server", "", true)
	f.Add([]byte(strings.Repeat("a\xff€", 40000)), "application/problem+json; charset=utf-8", "Server", "", true)
	f.Add([]byte("\x00\"€"), "application/x-ndjson", "Content-Encoding", "br", true)
	f.Add([]byte(""), "charset=", "Trailer", "X-A", false)
	f.Fuzz(func(t *testing.T, body []byte, contentType, name, value string, streaming bool) {
		for _, framing := range []string{"length", "chunked", "to the end"} {
			head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%s: %s\r\nX-Twice: 1\r\nx-twice: 2\r\n", contentType, name, value)
			var answer []byte
			switch framing {
			case "length":
				answer = append(fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n", head, len(body)), body...)
			case "chunked":
				answer = append(answer, head+"Transfer-Encoding: chunked\r\n\r\n"...)
				for rest := body; len(rest) > 0; {
					n := (len(rest) + 1) / 2
					answer = fmt.Appendf(answer, "%x\r\n%s\r\n", n, rest[:n])
					rest = rest[n:]
				}
				answer = append(answer, "0\r\n\r\n"...)
			default:
				answer = append([]byte(head+"\r\n"), body...)
			}
			if strings.ContainsAny(contentType+name+value, "\r\n") || !apig.IsToken([]byte(name)) {
				// Another head than it seems; it must not hurt.
				_, _ = httpproxy.Envelope(answer, streaming, 6<<20)
				continue
			}
			got, err := httpproxy.Envelope(answer, streaming, 6<<20)
			lower := strings.ToLower(name)
			if err != nil {
				special := lower == "content-length" || lower == "transfer-encoding" || lower == "trailer"
				if !special && !hasControl(contentType+value) {
					t.Fatalf("%s: %v: %q", framing, err, head)
				}
				continue
			}
			if lower == "content-length" || lower == "transfer-encoding" {
				continue // a different body
			}
			if !utf8.Valid(got) {
				t.Fatalf("%s: no UTF-8: %q", framing, got)
			}
			e, err := readEnvelope(string(got))
			if err != nil {
				t.Fatalf("%s: %v", framing, err)
			}
			mended := streaming && !e.IsBase64Encoded && !utf8.Valid(body)
			if e.Body != string(body) && !mended || e.StatusCode != 200 {
				t.Fatalf("%s: got %q, not %q", framing, e.Body, body)
			}
			if mended && len(body) > 0 && !strings.Contains(e.Body, "\ufffd") {
				t.Fatalf("%s: %q became %q", framing, body, e.Body)
			}
			if fmt.Sprint(e.Headers["X-Twice"]) != "[1 2]" && lower != "x-twice" {
				t.Errorf("got %v", e.Headers)
			}
			if declaresUTF8 := strings.Contains(contentType, "json") || strings.Contains(contentType, "event-stream"); streaming && !e.IsBase64Encoded && !declaresUTF8 {
				t.Errorf("a streamed body of type %q goes as text", contentType)
			}
		}
	})
}

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f })
}

// dropped tells of a header's name in lower case whether it is not handed on.
func dropped(lower string) bool {
	folded := regexp.MustCompile(`[^a-z0-9]`).ReplaceAllString(lower, "-")
	trusted := regexp.MustCompile(`^(content-|x-forwarded|x-real-ip|x-request-id)`)
	return apig.OfConnection(folded) || functiongraph.IsMetadata(folded) || lower == "host" || lower == "proxy" || lower == "x-forwarded-prefix" ||
		strings.HasPrefix(folded, "x-apig-") || strings.HasPrefix(folded, "x-bootstrap-") || folded != lower && trusted.MatchString(folded)
}

// disguised tells whether a program can't tell a header from another of them.
func disguised(lower string, all map[string][]string) bool {
	folded := regexp.MustCompile(`[^a-z0-9]`).ReplaceAllString(lower, "-")
	for name, values := range all {
		if strings.ToLower(name) == folded && len(values) > 0 && folded != lower {
			return true
		}
	}
	return false
}

// checkCookies wants one line with all of them.
func checkCookies(t *testing.T, got, want []string) {
	t.Helper()
	pieces := func(list []string) map[string]int {
		all := map[string]int{}
		for _, piece := range regexp.MustCompile(`[; \t]+`).Split(strings.Join(list, "; "), -1) {
			if piece != "" {
				all[piece]++
			}
		}
		return all
	}
	if len(got) != 1 || !reflect.DeepEqual(pieces(got), pieces(want)) {
		t.Errorf("the cookies are %q, not %q", got, want)
	}
}
