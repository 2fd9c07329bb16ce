package test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fgbootstrap/internal/testkit"
)

// arrival is a request as it reached a server.
type arrival struct {
	Method, Target, Host string
	Headers              http.Header
	Body                 []byte
}

// mirror is the user's program: a web server that answers with what it was asked.
func mirror() int {
	return code(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			os.Exit(code(err))
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(arrival{r.Method, r.RequestURI, r.Host, r.Header, body})
	})))
}

// samples are the events that the platform sends, by the names of their files.
func samples(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, folder := range []string{filepath.Join("..", "examples", "events"), filepath.Join("testdata", "events")} {
		files, err := filepath.Glob(filepath.Join(folder, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no events in %s: %v", folder, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all[filepath.Base(file)] = string(text)
		}
	}
	return all
}

// gatewayCall is what there is of an APIG event.
type gatewayCall struct {
	Method  string                     `json:"httpMethod"`
	Path    string                     `json:"path"`
	Query   map[string]json.RawMessage `json:"queryStringParameters"`
	Headers map[string]string          `json:"headers"`
	Body    string                     `json:"body"`
	Base64  bool                       `json:"isBase64Encoded"`
}

func TestEventsOfAllTriggersReachTheServer(t *testing.T) {
	t.Parallel()
	const path = "/events/in?from=trigger"
	c := deploy(t, server(aProgram()).with(testkit.Variable, "mirror", "BOOTSTRAP_HTTP_EVENT_PATH", path))
	calls := 0
	for name, event := range samples(t) {
		t.Run(name, func(t *testing.T) {
			result := c.invoke(event)
			if result.Failed {
				t.Fatalf("got %s", result.Payload)
			}
			var call gatewayCall
			if err := json.Unmarshal([]byte(event), &call); err != nil {
				t.Fatal(err)
			}
			var got arrival
			if call.Method == "" {
				remarshal(t, result.Payload, &got)
				if got.Method != "POST" || got.Target != path || string(got.Body) != event || got.Headers.Get("Content-Type") != "application/json" {
					t.Errorf("the server saw %+v\n%s", got, got.Body)
				}
			} else {
				calls++
				var e envelope
				remarshal(t, result.Payload, &e)
				if e.Status != 200 || e.Base64 || e.Headers["Content-Type"] != "application/json" {
					t.Errorf("got %+v", e)
				}
				remarshal(t, []byte(e.Body), &got)
				got.is(t, call)
			}
			if id := got.Headers.Get("X-Cff-Request-Id"); id != result.RequestID {
				t.Errorf("the request id is %q", id)
			}
		})
	}
	if calls < 5 {
		t.Errorf("only %d calls of the gateway", calls)
	}
	// Events need not be JSON, nor anything else.
	for _, event := range []string{"", " \r\n", "text\x00\r\n", string(garbage()), "\ufeff{}", `{"httpMethod":"GET"`, `[{"httpMethod":"GET","path":"/"}]`} {
		var got arrival
		if remarshal(t, []byte(c.answer(event)), &got); string(got.Body) != event || got.Target != path {
			t.Errorf("%.20q: %d bytes became %d, beginning %.20q", event, len(event), len(got.Body), got.Body)
		}
	}
}

func remarshal(t *testing.T, text []byte, to any) {
	t.Helper()
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
}

// is compares a request with the call that it was.
func (got arrival) is(t *testing.T, call gatewayCall) {
	t.Helper()
	target, err := url.ParseRequestURI(got.Target)
	if err != nil || got.Method != call.Method || target.Path != call.Path {
		t.Errorf("it was %s %s, the server saw %s %s", call.Method, call.Path, got.Method, got.Target)
	}
	query := target.Query()
	for key, raw := range call.Query {
		var want []string
		if json.Unmarshal(raw, &want) != nil {
			want = []string{""}
			remarshal(t, raw, &want[0])
		}
		if !slices.Equal(query[key], want) {
			t.Errorf("%s is %q in the query, not %q", key, query[key], want)
		}
		delete(query, key)
	}
	if len(query) > 0 {
		t.Errorf("the query also has %v", query)
	}
	body := []byte(call.Body)
	if call.Base64 {
		if body, err = base64.StdEncoding.DecodeString(call.Body); err != nil {
			t.Fatal(err)
		}
	}
	if string(got.Body) != string(body) {
		t.Errorf("the body is %q, not %q", got.Body, body)
	}
	for name, want := range call.Headers {
		switch got := strings.Join(got.Headers.Values(name), " | "); name {
		case "host": // below
		case "connection", "content-length": // not the client's
		default:
			if got != want {
				t.Errorf("the header %s is %q, not %q", name, got, want)
			}
		}
	}
	if got.Host != call.Headers["host"] {
		t.Errorf("the host is %q", got.Host)
	}
}
