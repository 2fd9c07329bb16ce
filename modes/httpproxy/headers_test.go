package httpproxy_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"fgbootstrap/modes/httpproxy"
)

// fakes are ways to write a header's name that WSGI, CGI or PHP programs can't tell from it.
func fakes(name string) (all []string) {
	for _, c := range "!#$%&'*+.^_`|~" {
		all = append(all, strings.ReplaceAll(name, "-", string(c)), strings.ToUpper(strings.Replace(name, "-", string(c), 1)))
	}
	return all
}

// asCGI are a request's headers as WSGI, CGI and PHP programs see them.
func asCGI(h http.Header) map[string][]string {
	seen := map[string][]string{}
	for name, values := range h {
		variable := strings.Map(func(c rune) rune {
			if c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
				return c
			}
			return '_'
		}, strings.ToUpper(name))
		seen[variable] = append(seen[variable], values...)
	}
	return seen
}

func TestNoSpellingOfAHeaderPassesForTheGatewaysOrAnother(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	proper := object{
		"x-forwarded-for": "good", "x-forwarded-proto": "good", "x-forwarded-port": "good", "x-real-ip": "good", "x-request-id": "good",
		"content-type": "good", "content-encoding": "good", "user-agent": "good", "x-api-key": "good", "if-none-match": "good", "accept-language": "good",
	}
	absent := []string{
		"x-forwarded-host", "x-forwarded-anything", "content-length", "content-md5", "transfer-encoding", "keep-alive", "proxy-connection", "x-cff-request-id",
		"x-cff-func-name", "x-stream-response", "x-apig-source-ip", "x-bootstrap-request-context",
	}
	event := object{}
	for name, value := range proper {
		event[name] = value
		for _, fake := range fakes(name) {
			event[fake] = "forged"
		}
	}
	for _, name := range absent {
		for _, fake := range fakes(name) {
			event[fake] = []any{"forged", "forged"}
		}
	}
	for range 2 {
		request, _ := r.request(t, call("GET", "/", "", headers(event)))
		for name, values := range asCGI(request.Header) {
			if len(values) != 1 || values[0] != "good" && name != "X_CFF_REQUEST_ID" {
				t.Errorf("%s is %q", name, values)
			}
		}
		if n := len(request.Header); n != len(proper)+1 {
			t.Errorf("got %d headers: %v", n, request.Header)
		}
	}
	if n := r.logs.FilterMessageSnippet("was handed to the server without its header").Len(); n != 1 {
		t.Errorf("the log says so %d times", n)
	}
}

func TestAHeaderWithAnUnderscoreIsNotDroppedIfItPassesForNoOther(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	request, _ := r.request(t, call("GET", "/", "", headers(object{
		"api_key": "1", "x.y": "2", "x-forwarded-for": "3", "api-key": nil, "my_cookie": "4", "_": "5", "content": "6", "x_real": "7", "hos_t": "8",
	})))
	for name, want := range map[string]string{"Api_key": "1", "X.y": "2", "X-Forwarded-For": "3", "My_cookie": "4", "_": "5", "Content": "6", "X_real": "7", "Hos_t": "8"} {
		if got := strings.Join(request.Header.Values(name), " "); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if n := r.logs.FilterMessageSnippet("without").Len(); n != 0 {
		t.Errorf("the log has %d warnings", n)
	}
}

func TestNoClientSetsHTTP_PROXYOrTheHeadersThatAreOurs(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"proxy", "x-apig-api-id", "x-apig-source-ip", "x-apig-anything", "x-bootstrap-request-context", "x-bootstrap-x"} {
		r := record(t, nil)
		for _, name := range spellings(header) {
			request, _ := r.request(t, call("GET", "/", "", headers(object{name: "forged", "x-a": "b"})))
			if len(request.Header) != 2 || request.Header.Get("X-A") != "b" {
				t.Errorf("%s: got %v", name, request.Header)
			}
		}
		if n := r.logs.FilterMessageSnippet("without its header").Len(); n != 1 {
			t.Errorf("%s: the log says so %d times", header, n)
		}
	}
}

func TestSeveralCookiesAreNotSeveralLines(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	for _, c := range []struct {
		fields object
		want   string
	}{
		{object{"cookie": []any{"a=1", "b=2"}}, "a=1; b=2"},
		{object{"cookie": []any{"a=1; c=3", "b=2"}}, "a=1; c=3; b=2"},
		{object{"cookie": []any{"a=1;", " ;b=2", "", nil, "c=3; "}}, "a=1; b=2; c=3;"},
		{object{"cookie": []any{"", "a=1"}}, "a=1"},
		{object{"cookie": []any{"a=1"}}, "a=1"},
		{object{"cookie": "a=1;"}, "a=1;"},
		{object{"cookie": []any{"a=1", "b=2"}, "accept": []any{"x", "y"}}, "a=1; b=2"},
	} {
		request, _ := r.request(t, call("GET", "/", "", headers(c.fields)))
		want := strings.TrimSuffix(c.want, ";")
		if c.fields["cookie"] == "a=1;" {
			want = c.want
		}
		if got := request.Header["Cookie"]; len(got) != 1 || got[0] != want {
			t.Errorf("%v: got %q", c.fields, got)
		}
		if got := request.Header["Accept"]; c.fields["accept"] != nil && len(got) != 2 {
			t.Errorf("%v: got %q", c.fields, got)
		}
	}
	request, _ := r.request(t, `{"httpMethod":"GET","path":"/","requestContext":{},"headers":{"Cookie":"a=1","x-a":"b","cookie":["b=2","\u0063=3"],"COOKIE":"d=4"}}`)
	if got := request.Header["Cookie"]; len(got) != 1 || got[0] != "a=1; b=2; c=3; d=4" {
		t.Errorf("got %q", got)
	}
}

func TestTheRequestContextIsNotLost(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	for context, want := range map[string]map[string]string{
		`{"apiId":"i","requestId":"r","stage":"RELEASE","sourceIp":"203.0.113.7"}`: {
			"X-Apig-Api-Id": "i", "X-Apig-Request-Id": "r", "X-Apig-Source-Ip": "203.0.113.7", "X-Apig-Source-Stage": "RELEASE",
			"X-Bootstrap-Request-Context": `{"apiId":"i","requestId":"r","stage":"RELEASE","sourceIp":"203.0.113.7"}`,
		},
		" {\n\t\"stage\" : \"a \\u0041 b\" ,\r\n \"apiId\":null, \"requestId\": \"\", \"sourceIp\": {}, \"more\": [ 1, true, {\"x y\" : null} ] } ": {
			"X-Apig-Source-Stage":         "a A b",
			"X-Bootstrap-Request-Context": `{"stage":"a \u0041 b","apiId":null,"requestId":"","sourceIp":{},"more":[1,true,{"x y":null}]}`,
		},
		`{"authorizer":{"name":"Zoë \"😀\" \\ \n` + "\x7f" + `"}}`: {
			"X-Bootstrap-Request-Context": `{"authorizer":{"name":"Zo\u00eb \"\ud83d\ude00\" \\ \n\u007f"}}`,
		},
		"{\"a\":\"\xff\xc3\"}":                        {"X-Bootstrap-Request-Context": `{"a":"\ufffd\ufffd"}`},
		`{"stage":"a\r\nX-Evil: 1","apiId":"\u0000"}`: {"X-Bootstrap-Request-Context": `{"stage":"a\r\nX-Evil: 1","apiId":"\u0000"}`},
		`{}`:             {},
		` { } `:          {},
		`{"a":nul}`:      {},
		"{\"a\":\"\n\"}": {},
		`{"a":"` + strings.Repeat("x", 5000) + `"}`:    {},
		`{"a":"` + strings.Repeat("\x7f", 1000) + `"}`: {},
		`{"a":"` + strings.Repeat("x", 4000) + `"}`:    {"X-Bootstrap-Request-Context": `{"a":"` + strings.Repeat("x", 4000) + `"}`},
	} {
		request, _ := r.request(t, `{"httpMethod":"GET","path":"/","headers":{"x-apig-api-id":"forged","x-bootstrap-request-context":"forged"},"requestContext":`+context+`}`)
		for name, value := range want {
			if got := request.Header[name]; len(got) != 1 || got[0] != value {
				t.Errorf("%.100s: %s is %q", context, name, got)
			}
		}
		if len(request.Header) != len(want)+1 {
			t.Errorf("%.100s: got %v", context, request.Header)
		}
		if text := request.Header.Get("X-Bootstrap-Request-Context"); text != "" && utf8.ValidString(context) {
			var one, two any
			if json.Unmarshal([]byte(text), &one) != nil || json.Unmarshal([]byte(context), &two) != nil || fmt.Sprint(one) != fmt.Sprint(two) {
				t.Errorf("%s became %s", context, text)
			}
		}
	}
	if n := r.logs.FilterMessageSnippet("without").Len(); n != 1 {
		t.Errorf("the log has %d warnings", n)
	}
}

func TestTheServerIsToldWhichPrefixItDoesNotSee(t *testing.T) {
	t.Parallel()
	for prefix, rows := range map[string]map[string][2]string{
		"/app":   {"/app/x": {"/x", "/app"}, "/app": {"/", "/app"}, "/apple": {"/apple", ""}, "/app%20x": {"/app%20x", ""}},
		"/Zoë":   {"/Zoë/x": {"/x", "/Zo%C3%AB"}, "/Zo%C3%AB/a%20b": {"/a%20b", "/Zo%C3%AB"}, "/Zoë/100%": {"/100%25", "/Zo%C3%AB"}},
		"/a%20b": {"/a b/c": {"/c", "/a%20b"}, "/a%20b/c": {"/c", "/a%20b"}},
	} {
		r := record(t, func(c *httpproxy.Config) { c.StripPrefix = prefix })
		for path, want := range rows {
			request, _ := r.request(t, call("GET", path, "", headers(object{"x-forwarded-prefix": "/forged", "X_Forwarded_Prefix": "/forged"})))
			if got := request.Header["X-Forwarded-Prefix"]; request.RequestURI != want[0] || strings.Join(got, " | ") != want[1] {
				t.Errorf("%s without %s: got %s, %q", path, prefix, request.RequestURI, got)
			}
		}
	}
}

func TestAPathIsNotEncodedTwice(t *testing.T) {
	t.Parallel()
	for form, rows := range map[string]map[string]string{
		"auto": {
			"/a%20b": "/a%20b", "/%E4%BD%A0": "/%E4%BD%A0", "/%2f%2F": "/%2f%2F", "/a%b": "/a%25b", "/a%20%b%2": "/a%20%25b%252", "/a?b%20": "/a%3Fb%20", "/[%41]#": "/%5B%41%5D%23",
			"/a b%20": "/a%20b%2520", "/你%20": "/%E4%BD%A0%2520", "/|%41": "/%7C%2541", "/\n%41": "/%0A%2541", "/100%": "/100%25", "/a+b": "/a+b", "": "/", "%41": "/%41",
		},
		"encoded": {"/a%20b": "/a%20b", "/a b%20": "/a%20b%20", "/你%2F%zz": "/%E4%BD%A0%2F%25zz", "/a?b": "/a%3Fb"},
		"decoded": {"/a%20b": "/a%2520b", "/a b": "/a%20b", "/%41": "/%2541"},
	} {
		r := record(t, func(c *httpproxy.Config) { c.Path = form })
		for path, want := range rows {
			if request, _ := r.request(t, call("GET", path, "", object{"queryStringParameters": object{"a": "%20"}})); request.RequestURI != want+"?a=%2520" {
				t.Errorf("%s, %s: got %s", form, path, request.RequestURI)
			}
		}
	}
}

func TestAHeadWithoutBoundsIsRefused(t *testing.T) {
	t.Parallel()
	r := record(t, nil)
	list := make([]any, 1_000_000)
	for i := range list {
		list[i] = "b"
	}
	pairs := make([]any, 300_000)
	for i := range pairs {
		pairs[i] = "€€€€"
	}
	for event, text := range map[string]string{
		call("GET", "/", "", headers(object{"a": list})):                                               "more than 20000 header lines",
		call("GET", "/", "", headers(object{"a": list[:20001]})):                                       "more than 20000 header lines",
		call("GET", "/", "", headers(object{"cookie": strings.Repeat("x", 9<<20)})):                    "longer than 8 MB",
		call("GET", "/", "", object{"queryStringParameters": object{"a": pairs}}):                      "longer than 8 MB",
		call("GET", "/", "", object{"queryStringParameters": object{"a": list, "b": list, "c": list}}): "longer than 8 MB",
	} {
		if wire, e := r.recorded(t, event); e == nil || !strings.Contains(e.Message, text) {
			t.Errorf("%.100s: got %.100q, %v", event, wire, e)
		}
	}
	request, _ := r.request(t, call("GET", "/", "", headers(object{"a": list[:19_000], "cookie": list[:30_000]})))
	if len(request.Header["A"]) != 19_000 || len(request.Header["Cookie"]) != 1 {
		t.Errorf("got %d, %d", len(request.Header["A"]), len(request.Header["Cookie"]))
	}
}
