package codec_test

import (
	"encoding/json"
	"strings"
	"testing"

	"fgbootstrap/modes/worker/codec"
)

var function = map[string]string{"RUNTIME_PROJECT_ID": "project", "RUNTIME_FUNC_NAME": `hello"1`, "RUNTIME_FUNC_VERSION": "latest"}

func TestActionLoopSendsStringsBesideTheValue(t *testing.T) {
	got := written(t, speak(t, "actionloop", function), invocation("{\"name\":\n\"Ada\"}"))
	want := `{"value":{"name":"Ada"},"namespace":"project","action_name":"hello\"1","action_version":"latest",` +
		`"api_host":"","api_key":"","activation_id":"the-id","deadline":"1793600002850"}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A launcher keeps the variable that it makes of a member: the next event must not have this one's.
func TestAnEventWithoutATraceDoesNotHaveTheOneOfTheEventBefore(t *testing.T) {
	c := speak(t, "actionloop", nil)
	for i, want := range []string{"", `"traceparent":"00-a-b-01",`, `"traceparent":"",`} {
		inv := invocation("{}")
		if i == 1 {
			inv.Traceparent = "00-a-b-01"
		}
		got := written(t, c, inv)
		if wanted := `"api_key":"",` + want + `"activation_id":"the-id"`; !strings.Contains(got, wanted) {
			t.Errorf("event %d: got %s, want %s in it", i, got, wanted)
		}
	}
}

func TestActionLoopWaitsForTheAckIfTheEnvironmentSaysSo(t *testing.T) {
	if line, waits := speak(t, "actionloop", nil).Greeting(); line != nil || waits {
		t.Errorf("got %q, %v", line, waits)
	}
	if _, waits := speak(t, "actionloop", map[string]string{"__OW_WAIT_FOR_ACK": "1"}).Greeting(); !waits {
		t.Error("it does not wait")
	}
}

func TestActionLoopResults(t *testing.T) {
	c := speak(t, "actionloop", nil)
	for line, want := range map[string]struct {
		kind    codec.Kind
		ready   bool
		message string
	}{
		"":                                {kind: codec.Nothing},
		`{}`:                              {kind: codec.Answer},
		` [1] `:                           {kind: codec.Answer},
		`{"ok":true}`:                     {kind: codec.Answer, ready: true},
		`{ "ok" : true }`:                 {kind: codec.Answer, ready: true},
		`{"ok":true,"a":1}`:               {kind: codec.Answer},
		`{"ok":false}`:                    {kind: codec.Answer},
		`{"error":"no"}`:                  {kind: codec.Failure, message: "no"},
		`{"error":{"code":7}}`:            {kind: codec.Failure, message: `{"code":7}`},
		`{"error":{"errorMessage":"no"}}`: {kind: codec.Failure, message: "no"},
		`{"error":null}`:                  {kind: codec.Failure, message: "The program answered with an error that says nothing."},
		`{"error":"no","a":1}`:            {kind: codec.Answer},
	} {
		m, why := means(t, c, line)
		if m.Kind != want.kind || m.Ready != want.ready || m.Kind == codec.Answer && string(m.Body) != line || why != "" {
			t.Errorf("%s: got %+v, %s", line, m, why)
		}
		if m.Kind == codec.Failure && (m.Err.Message != want.message || m.Err.Type != "Function.Error") {
			t.Errorf("%s: got %v", line, m.Err)
		}
	}
	for _, line := range []string{"{", "1", `"text"`, "hello", "null", "{}}", "{\"a\":\xff}"} {
		if m, why := means(t, c, line); !strings.Contains(why, "neither a JSON object nor an array") {
			t.Errorf("%q: got %+v, %q", line, m, why)
		}
	}
}

func FuzzActionLoop(f *testing.F) {
	for _, seed := range []string{``, `{}`, `[1,"x"]`, `{"error":{"message":1}}`, `{"ok":true}`, "{\"a\"\n:\"\\u0000\"}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := speak(t, "actionloop", function)
		if c.Carries([]byte(text)) == nil {
			var all map[string]json.RawMessage
			if err := json.Unmarshal([]byte(written(t, c, invocation(text))), &all); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			for name, value := range all {
				if name != "value" && value[0] != '"' {
					t.Errorf("%s is %s", name, value)
				}
			}
			if all["value"][0] != '{' && all["value"][0] != '[' {
				t.Errorf("%q became %s", text, all["value"])
			}
		}
		m, why := means(t, c, text)
		if m.Kind == codec.Answer && !json.Valid(m.Body) || m.Kind == codec.Failure && m.Err.Message == "" || why != "" && m.Kind != codec.Nothing {
			t.Errorf("%q: got %+v, %s", text, m, why)
		}
	})
}
