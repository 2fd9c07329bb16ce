package codec_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"fgbootstrap/modes/worker/codec"
)

func TestLinesCarriesALineAsItIs(t *testing.T) {
	c := speak(t, "lines", nil)
	for event, want := range map[string]string{
		"":                                   "",
		"text":                               "text",
		"text\n":                             "text",
		"text\r\n":                           "text",
		"text\r":                             "text\r",
		`{ "a" : 1 }`:                        `{ "a" : 1 }`, // it is on one line
		"{ \"a\" :\n 1 }":                    `{"a":1}`,
		"{\r\"a\"\r:\t\" \\\" \\\\\"\r}":     `{"a":" \" \\"}`,
		"[1,\n2]\n":                          "[1,2]",
		"x\ry":                               "x\ry",
		"no JSON \u2028":                     "no JSON \u2028",
		`["a` + "\u0085\u2028\u2029" + `b"]`: `["a\u0085\u2028\u2029b"]`,
		"[\"é\u2028\",\r\"\u20ac\u00a0\"]":   `["é\u2028","€` + "\u00a0" + `"]`,
	} {
		if got := written(t, c, invocation(event)); got != want {
			t.Errorf("%q: got %q, want %q", event, got, want)
		}
	}
}

func TestLinesTakesAnyLineForTheAnswerButABlankOne(t *testing.T) {
	c := speak(t, "lines", nil)
	if m, why := means(t, c, ""); m.Kind != codec.Nothing || why != "" {
		t.Errorf("got %+v", m)
	}
	for _, line := range []string{" ", "text", "\xff", `{"error":"x"}`} {
		if m, why := means(t, c, line); m.Kind != codec.Answer || string(m.Body) != line || why != "" {
			t.Errorf("%q: got %+v", line, m)
		}
	}
}

func FuzzLines(f *testing.F) {
	for _, seed := range []string{"", "text", "{\n}", "a\nb", "\"\\\"\n", "[\"\\\\\", \"\n", "\r", "1\r\n2", "[\"\u2028\"]", "[\r\"\u0085\u2029\"]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := speak(t, "lines", nil)
		if c.Carries([]byte(text)) == nil {
			line := written(t, c, invocation(text))
			switch {
			case json.Valid([]byte(text)) && strings.ContainsAny(text, "\r\n\u0085\u2028\u2029"):
				var compact bytes.Buffer
				if err := json.Compact(&compact, []byte(line)); err != nil {
					t.Fatal(err)
				}
				sameJSON(t, compact.String(), text)
				if strings.ContainsAny(line, "\r\n\u0085\u2028\u2029") {
					t.Errorf("%q became %q, which somebody takes for several lines", text, line)
				}
			case line != strings.TrimSuffix(text, "\n") && line != strings.TrimSuffix(text, "\r\n"):
				t.Errorf("%q became %q", text, line)
			}
		}
		if m, _ := means(t, c, text); m.Kind == codec.Answer && string(m.Body) != text {
			t.Errorf("%q is %q", text, m.Body)
		}
	})
}
