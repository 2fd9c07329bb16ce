package cgi_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"fgbootstrap/internal/apig"
	"fgbootstrap/internal/cgi"
)

// event is what a test says of a call.
type event struct {
	path, decoded string
	headers       map[string]any
	context       map[string]any
}

func request(t testing.TB, e event) *apig.Request {
	t.Helper()
	if e.context == nil {
		e.context = map[string]any{}
	}
	text, err := json.Marshal(map[string]any{"httpMethod": "GET", "path": e.path, "headers": e.headers, "requestContext": e.context})
	if err != nil {
		t.Fatal(err)
	}
	call, ok := apig.Read(text)
	if !ok {
		t.Fatalf("no call: %s", text)
	}
	r := &apig.Request{}
	if err := r.Read(call, apig.Reading{Path: e.decoded, IsOurs: func(string) bool { return false }}); err != nil {
		t.Fatal(err)
	}
	return r
}

func variables(t testing.TB, s cgi.Script, e event) (all map[string]string, dropped string) {
	t.Helper()
	if s.Has == nil {
		s.Has = func(string) bool { return false }
	}
	list, dropped, err := s.Variables(request(t, e))
	if err != nil {
		t.Fatal(err)
	}
	all = map[string]string{}
	for _, entry := range list {
		name, value, _ := strings.Cut(entry, "=")
		if _, twice := all[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		all[name] = value
	}
	return all, dropped
}

func TestNoPathLeavesItsPrefixByDots(t *testing.T) {
	for _, row := range [][4]string{ // path, prefix, SCRIPT_NAME, PATH_INFO
		{"/", "", "", "/"}, {"/a/b", "", "", "/a/b"}, {"/app/x", "/app", "/app", "/x"}, {"/app", "/app", "/app", ""}, {"/app/", "/app", "/app", "/"},
		{"/apps", "/app", "", "/apps"}, {"/x/app", "/app", "", "/x/app"}, {"/app/app/x", "/app", "/app", "/app/x"},
		{"/app/../x", "/app", "", "/x"}, {"/app/%2e%2e/x", "/app", "", "/x"}, {"/app/.%2E/x", "/app", "", "/x"}, {"/x/../app/y", "/app", "/app", "/y"},
		{"/../../etc/passwd", "", "", "/etc/passwd"}, {"/..", "", "", "/"}, {"/.", "", "", "/"}, {"/a/..", "", "", "/"}, {"/a/b/.", "", "", "/a/b/"}, {"/a/./b", "", "", "/a/b"},
		{"/.hidden/...", "", "", "/.hidden/..."}, {"//app/x", "/app", "", "//app/x"}, {"/app//x", "/app", "/app", "//x"},
		{"/a%20b/%C3%BC", "", "", "/a b/ü"}, {"/a%2Fb", "", "", "/a/b"}, {"/a%", "", "", "/a%"}, {"/%C3%BC/x", "/ü", "/ü", "/x"}, {"/a b/x", "/a%20b", "/a b", "/x"},
	} {
		got, _ := variables(t, cgi.Script{Prefix: row[1]}, event{path: row[0]})
		if got["SCRIPT_NAME"] != row[2] || got["PATH_INFO"] != row[3] {
			t.Errorf("%s without %s: SCRIPT_NAME %q, PATH_INFO %q", row[0], row[1], got["SCRIPT_NAME"], got["PATH_INFO"])
		}
	}
}

func TestAPathIsReadAsTheGatewayWritesIt(t *testing.T) {
	for form, want := range map[string]string{apig.PathDecoded: "/%41", apig.PathEncoded: "/A", "auto": "/A"} {
		if got, _ := variables(t, cgi.Script{}, event{path: "/%41", decoded: form}); got["PATH_INFO"] != want {
			t.Errorf("%s: %s", form, got["PATH_INFO"])
		}
	}
}

func TestTheClientIsWhoTheGatewaySaysItIs(t *testing.T) {
	type fields = map[string]any
	for want, e := range map[string]event{
		"203.0.113.1": {headers: fields{"x-real-ip": "203.0.113.2", "x-forwarded-for": "203.0.113.3"}, context: fields{"sourceIp": "203.0.113.1"}},
		"203.0.113.2": {headers: fields{"x-real-ip": "203.0.113.2", "x-forwarded-for": "203.0.113.3"}},
		"203.0.113.3": {headers: fields{"x-forwarded-for": "203.0.113.3, 10.0.0.1"}},
		"2001:db8::1": {headers: fields{"x-real-ip": "2001:db8::1"}},
		"203.0.113.4": {headers: fields{"x-apig-source-ip": "203.0.113.9", "x-real-ip": "nonsense", "x-forwarded-for": "203.0.113.4"}},
		"":            {headers: fields{"x-forwarded-for": "unknown"}},
	} {
		e.path = "/"
		if got, _ := variables(t, cgi.Script{}, e); got["REMOTE_ADDR"] != want {
			t.Errorf("got %q, want %q", got["REMOTE_ADDR"], want)
		}
	}
}

func TestTheServerIsWhatTheClientCallsIt(t *testing.T) {
	for _, row := range [][6]string{ // host, proto, port; SERVER_NAME, SERVER_PORT, HTTPS
		{"example.com", "", "", "example.com", "80", ""}, {"example.com:8080", "", "", "example.com", "8080", ""},
		{"example.com", "https", "", "example.com", "443", "on"}, {"example.com", "https", "8443", "example.com", "8443", "on"},
		{"example.com", "HTTPS, http", "443, 80", "example.com", "443", "on"}, {"[::1]:81", "http", "", "::1", "81", ""}, {"[::1]", "", "", "[::1]", "80", ""},
		{"", "", "nonsense", "localhost", "80", ""}, {"example.com", "", "70000", "example.com", "80", ""},
	} {
		got, _ := variables(t, cgi.Script{}, event{path: "/", headers: map[string]any{"host": row[0], "x-forwarded-proto": row[1], "x-forwarded-port": row[2]}})
		if got["SERVER_NAME"] != row[3] || got["SERVER_PORT"] != row[4] || got["HTTPS"] != row[5] {
			t.Errorf("%q: %q, %q, %q", row[:3], got["SERVER_NAME"], got["SERVER_PORT"], got["HTTPS"])
		}
	}
}

// FuzzAnyHeadIsReadOrRefused: what is read can stand in an answer, and nothing breaks out of it.
func FuzzAnyHeadIsReadOrRefused(f *testing.F) {
	for _, seed := range []string{"Status: 200\n\n", "HTTP/1.1 404 x\r\nA: b\r\n\r\n", ":\n\n", "\n", "A: b\r\rC: d\n\n", "Content-Length: 9\n\nx", " a\n\n", "A\x00: b\n\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		size, err := cgi.FindHead(text)
		if err != nil || size == 0 {
			return
		}
		h, err := cgi.ReadHead(text[:size])
		if err != nil {
			return
		}
		if h.Status < 200 || h.Status > 999 {
			t.Errorf("status %d", h.Status)
		}
		for _, field := range h.Fields {
			if !apig.IsToken(field.Name) || bytes.ContainsAny(field.Value, "\r\n\x00") {
				t.Errorf("field %q: %q", field.Name, field.Value)
			}
		}
		if !apig.IsEnvelope((apig.Answer{Status: h.Status, Fields: h.Fields}).Append(nil, text[size:], false, 1<<20)) {
			t.Error("no envelope comes of it")
		}
	})
}
