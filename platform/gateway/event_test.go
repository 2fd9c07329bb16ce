package gateway_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"fgbootstrap/platform/gateway"
)

func TestAnAPIGEventHoldsTheRequest(t *testing.T) {
	b, err := gateway.NewEvent(gateway.Request{
		Method: "POST", Path: "/a%20b/%C3%BC", Query: "k=1&k=2&one=%2B+x&empty=", Host: "h:81", Remote: "10.1.2.3",
		Header: gateway.Header{{Name: "Content-Type", Value: "text/plain"}, {Name: "X-Twice", Value: "1"}, {Name: "x-twice", Value: "2"},
			{Name: "X-Forwarded-For", Value: "forged"}, {Name: "Transfer-Encoding", Value: "chunked"}},
		Body: []byte("<&>"),
	}, "req")
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal([]byte(`{
		"body": "PCY+", "isBase64Encoded": true, "httpMethod": "POST", "path": "/a b/ü", "pathParameters": {},
		"requestContext": {"apiId": "00000000-0000-4000-8000-000000000000", "requestId": "req", "stage": "RELEASE"},
		"queryStringParameters": {"k": ["1","2"], "one": "+ x", "empty": ""},
		"headers": {"content-type": "text/plain", "content-length": "3", "x-twice": ["1","2"], "host": "h:81", "x-forwarded-host": "h:81", "x-forwarded-port": "81",
			"x-forwarded-proto": "http", "x-forwarded-for": "10.1.2.3", "x-real-ip": "10.1.2.3", "x-request-id": "req"}}`), &want)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s", b)
	}
	for path, want := range map[string]string{"/a%20b/%C3%BC": "/a%20b/%C3%BC", "/%zz%": "/%zz%", "/ü": "/ü", "/\xff": "", "a": ""} {
		b, err := gateway.NewEvent(gateway.Request{Method: "GET", Path: path, EncodedPath: true}, "")
		var event struct{ Path string }
		if _ = json.Unmarshal(b, &event); event.Path != want || (err == nil) != (want != "") {
			t.Errorf("%q as it was sent: got %s, %v", path, b, err)
		}
	}
	for _, bad := range []gateway.Request{{Method: "GET", Path: "/%zz"}, {Method: "GET", Path: "a"}, {Method: "GET"}, {Method: "a b", Path: "/"}, {Method: "GET", Path: "/", Host: "\xff"}} {
		if _, err := gateway.NewEvent(bad, ""); err == nil {
			t.Errorf("%+v: accepted", bad)
		}
	}
}

func FuzzNewEvent(f *testing.F) {
	f.Add("GET", "/a%20b//", "a=b&a;%zz+", "X-A", "b")
	f.Fuzz(func(t *testing.T, method, path, query, name, value string) {
		ev, err := gateway.NewEvent(gateway.Request{Method: method, Path: path, Query: query, Header: gateway.Header{{Name: name, Value: value}}}, "id")
		if err == nil && (!json.Valid(ev) || !utf8.Valid(ev)) {
			t.Errorf("%s", ev)
		}
	})
}
