package codec_test

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"fgbootstrap/adapter"
	"fgbootstrap/modes/worker/codec"
)

func TestJSONRPCCallsInvokeWithEventAndContext(t *testing.T) {
	got := written(t, speak(t, "jsonrpc", nil), invocation("{\n \"a\": 1}\n"))
	want := `{"jsonrpc":"2.0","id":"the-id","method":"invoke","params":{"event":{"a":1},"context":{"requestId":"the-id",` +
		`"deadlineMs":1793600002850,"invokeType":"sync","headers":{"x-cff-invoke-type":"sync","x-cff-request-id":"the-id"}}}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestJSONRPCTellsAnEventsTrace(t *testing.T) {
	inv := invocation("1")
	inv.Traceparent = "00-a-b-01"
	if got := written(t, speak(t, "jsonrpc", nil), inv); !strings.HasSuffix(got, `},"traceparent":"00-a-b-01"}}}`) {
		t.Errorf("got %s", got)
	}
}

func TestJSONRPCHandsCredentialsOverOnlyIfAsked(t *testing.T) {
	p, _ := codec.Get("jsonrpc")
	for _, asked := range []bool{true, false} {
		line := written(t, p.New(codec.Options{Credentials: asked}), invocation("1"))
		if strings.Contains(line, `"x-cff-security-token":"a token"`) != asked {
			t.Errorf("asked %v: got %s", asked, line)
		}
	}
}

func TestJSONRPCGreetsAndWaits(t *testing.T) {
	c := speak(t, "jsonrpc", nil)
	line, waits := c.Greeting()
	if string(line) != `{"jsonrpc":"2.0","id":"initialize","method":"initialize","params":{}}`+"\n" || !waits {
		t.Errorf("got %s", line)
	}
	for _, reply := range []string{`{"id":"initialize","result":null}`, `{"jsonrpc":"2.0","id":"initialize","error":{"code":-32601,"message":"no"}}`} {
		if m, why := means(t, c, reply); !m.Ready {
			t.Errorf("%s: got %+v, %s", reply, m, why)
		}
	}
	if got := string(c.Cancel(`a"b`)); got != `{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"a\"b"}}`+"\n" {
		t.Errorf("got %s", got)
	}
}

func TestJSONRPCMessages(t *testing.T) {
	c := speak(t, "jsonrpc", nil)
	failed := func(id, kind, message string, stack ...string) codec.Message {
		return codec.Message{Kind: codec.Failure, ID: id, Err: &adapter.Error{Type: kind, Message: message, Stack: stack}}
	}
	for line, want := range map[string]codec.Message{
		"": {},
		`{"jsonrpc":"2.0","id":"a","result":{"x": [1, 2]}}`:      {Kind: codec.Answer, ID: "a", Body: []byte(`{"x": [1, 2]}`)},
		`{"result":null,"id":"a"}`:                               {Kind: codec.Answer, ID: "a", Body: []byte(`null`)},
		`{"id":"a","result":"text","error":null}`:                {Kind: codec.Answer, ID: "a", Body: []byte(`"text"`)},
		`{"id":"\u0061\n","result":1}`:                           {Kind: codec.Answer, ID: "a\n", Body: []byte(`1`)},
		`{"id":7,"result":1}`:                                    {Kind: codec.Answer, ID: "7", Body: []byte(`1`)},
		`{"id":"a","error":{"code":-1,"message":"no"}}`:          failed("a", "Function.Error", "no"),
		`{"id":"a","error":{"message":"no","data":"why\nthat"}}`: failed("a", "Function.Error", "no", "why", "that"),
		`{"id":"a","error":{"message":"no","data":[1]}}`:         failed("a", "Function.Error", "no", "[1]"),
		`{"id":"a","error":{"code":1,"message":"no","data":{"errorType":"Shop.Closed","stackTrace":["x","y"]}}}`: failed("a", "Shop.Closed", "no", "x", "y"),
		`{"id":"a","error":"text"}`:                                                 failed("a", "Function.Error", `The program answered with an error: "text"`),
		`{"id":null,"error":{"code":-32700,"message":"no"}}`:                        failed("", "Function.Error", "no"),
		`{"method":"log","params":{"level":"warn","message":"m","id":"a"}}`:         {Kind: codec.Log, ID: "a", Level: "warn", Body: []byte("m")},
		`{"method":"log","params":{"message":{"a":1}}}`:                             {Kind: codec.Log, Body: []byte(`{"a":1}`)},
		`{"method":"chunk","params":{"id":"a","data":"x\ny"}}`:                      {Kind: codec.Fragment, ID: "a", Body: []byte("x\ny")},
		`{"method":"chunk","params":{"id":"a","data":"","encoding":"utf8"}}`:        {Kind: codec.Fragment, ID: "a", Body: []byte("")},
		`{"method":"chunk","params":{"id":"a","data":"\/w==","encoding":"base64"}}`: {Kind: codec.Fragment, ID: "a", Body: []byte("\xff")},
		`{"jsonrpc":"2.0","method":"progress","params":{"percent":7}}`:              {},
		` { "jsonrpc" : "2.0" , "id" : "a" , "result" : { "b" : "}" } } `:           {Kind: codec.Answer, ID: "a", Body: []byte(`{ "b" : "}" }`)},
	} {
		got, why := means(t, c, line)
		if why != "" || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v, %s", line, got, got.Err, why)
		}
	}
}

func TestJSONRPCLinesThatBreakIt(t *testing.T) {
	c := speak(t, "jsonrpc", nil)
	for line, want := range map[string]string{
		"debug: here":                             "no JSON-RPC message",
		`{"id":"a","result":{"x":NaN}}`:           "no JSON-RPC message",
		`{"id":"a","result":1`:                    "no JSON-RPC message",
		`[{"id":"a","result":1}]`:                 "no JSON-RPC message",
		`"text"`:                                  "no JSON-RPC message",
		"Content-Length: 38\r":                    "a message is a line, without headers",
		`{"id":"a","result":1}content-length: 38`: "a message is a line, without headers",
		`{"id":"a","result":"}Content-Length: 3`:  "a message is a line, without headers",
		"Content-Type: text/html":                 "no JSON-RPC message",
		`{}`:                                      "neither a method nor an id",
		`{"id":"a"}`:                              "neither a method nor an id",
		`{"id":"a","error":null}`:                 "neither a method nor an id",
		`{"id":null,"result":1}`:                  "neither a method nor an id",
		`{"id":1,"method":"ask"}`:                 "is a request",
		`{"method":"log"}`:                        "without an object as its params",
		`{"method":"chunk","params":[]}`:          "without an object as its params",
		`{"method":"chunk","params":{"id":"a","data":"?","encoding":"base64"}}`: "not base64",
		`{"method":"chunk","params":{"id":"a","data":"?","encoding":"utf16"}}`:  "neither utf8 nor base64",
	} {
		if got, why := means(t, c, line); !strings.Contains(why, want) {
			t.Errorf("%s: got %+v, %q", line, got, why)
		}
	}
}

func FuzzJSONRPC(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"id":"a","result":{}}`, `{"id":"a","error":{"message":"m","data":{"stackTrace":"x"}}}`,
		`{"method":"chunk","params":{"id":"a","data":"AAA=","encoding":"base64"}}`, `{"method":"log","params":{}}`, "{\n\"a\":[1 , \"\\\"\"]}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := speak(t, "jsonrpc", nil)
		if c.Carries([]byte(text)) == nil {
			var request struct {
				ID     string
				Params struct{ Event json.RawMessage }
			}
			if err := json.Unmarshal([]byte(written(t, c, invocation(text))), &request); err != nil || request.ID != "the-id" {
				t.Fatalf("%q: %v, %+v", text, err, request)
			}
			var got, want any
			if json.Unmarshal(request.Params.Event, &got) != nil || json.Unmarshal([]byte(text), &want) != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%q became %s", text, request.Params.Event)
			}
		}
		m, why := means(t, c, text)
		if m.Kind == codec.Answer && (m.ID == "" || !json.Valid(m.Body)) || m.Kind == codec.Failure && m.Err.Message == "" || why != "" && m.Kind != codec.Nothing {
			t.Errorf("%q: got %+v, %s", text, m, why)
		}
	})
}

// What a program sends in chunks arrives byte for byte.
func FuzzJSONRPCChunk(f *testing.F) {
	f.Add([]byte("\x00\xff"))
	f.Add([]byte("\"\\\n\u2028"))
	f.Fuzz(func(t *testing.T, data []byte) {
		line := `{"jsonrpc":"2.0","method":"chunk","params":{"id":"a","encoding":"base64","data":"` + base64.StdEncoding.EncodeToString(data) + `"}}`
		if m, why := means(t, speak(t, "jsonrpc", nil), line); string(m.Body) != string(data) || m.Kind != codec.Fragment {
			t.Errorf("got %+v, %s", m, why)
		}
	})
}

// A chunk is decoded where it stands in its line.
func TestAChunkOfAnyLengthIsDecoded(t *testing.T) {
	c := speak(t, "jsonrpc", nil)
	for n := range 1000 {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i*7 + n)
		}
		for encoding, text := range map[string]string{"base64": base64.StdEncoding.EncodeToString(data), "utf8": strings.Repeat("x", n)} {
			m, err := c.Read([]byte(`{"jsonrpc":"2.0","method":"chunk","params":{"id":"a","data":"` + text + `","encoding":"` + encoding + `"}}`))
			want := string(data)
			if encoding == "utf8" {
				want = text
			}
			if err != nil || m.ID != "a" || string(m.Body) != want {
				t.Fatalf("%d bytes of %s: got %q, %v", n, encoding, m.Body, err)
			}
		}
	}
}

// Messages are scanned in a way of our own: what the standard library does not take for JSON must not pass.
func TestAMessageThatIsNotJSONIsRefusedWhereverItIsWrong(t *testing.T) {
	c := speak(t, "jsonrpc", nil)
	for _, message := range []string{
		`{"jsonrpc":"2.0","method":"chunk","params":{"id":"a","data":"eA==","encoding":"base64"}}`,
		`{"jsonrpc":"2.0","method":"log","params":{"level":"info","message":"a\tb","more":[1,{"x":null}]}}`,
		`{"jsonrpc":"2.0","id":"a","result":{"x":[1,2.5e3,true,"\u00fc"]},"params":{"y":"z"}}`,
		`{"jsonrpc":"2.0","id":"a","error":{"code":1,"message":"no","data":"x"}}`,
		`{"jsonrpc":"2.0","id":"a","\u0072esult":1,"result":2}`,
	} {
		if _, err := c.Read([]byte(message)); err != nil {
			t.Errorf("%s: %v", message, err)
		}
		for i := range message {
			for _, change := range []byte("\x01\\\"{}[],:x0 ") {
				changed := []byte(message)
				changed[i] = change
				whole := string(changed)
				if _, err := c.Read(changed); err == nil && !json.Valid([]byte(whole)) {
					t.Errorf("%s passes", whole)
				}
			}
		}
	}
}
