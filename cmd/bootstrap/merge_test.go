package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fgbootstrap/config"

	"go.uber.org/zap"
)

// logged is the line that the log has, in JSON, of one that a program wrote; our time is T.
func logged(t testing.TB, line, id string) string {
	t.Helper()
	var out bytes.Buffer
	_, program := newLoggers(&config.Config{LogFormat: "json"}, nil, &out)
	field := zap.Skip()
	if id != "" {
		field = zap.String("requestId", id)
	}
	program.Info(line, field)
	_ = program.Sync()
	text, ended := strings.CutSuffix(out.String(), "\n")
	if !ended || strings.ContainsAny(text, "\r\n") || !json.Valid([]byte(text)) {
		t.Errorf("%.300q is not one line of JSON", out.String())
	}
	return regexp.MustCompile(`"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`).ReplaceAllString(text, `"time":"T"`)
}

func TestALineThatIsAJSONObjectIsNotWrapped(t *testing.T) {
	const ours = `{"level":"INFO","time":"T","requestId":"id"`
	for line, want := range map[string]string{
		`{"message":"hello","user":{"id": 7, "tags":["a" , "b"]}}`: ours + `,"message":"hello","user":{"id": 7, "tags":["a" , "b"]}}`,
		`{}`:                 ours + `}`,
		"  { \"a\" : 1 } \t": ours + `,"a":1}`,
		`{"msg":"of pino","level":30,"time":1793600000000}`:      `{"level":"INFO","time":1793600000000,"requestId":"id","msg":"of pino"}`,
		`{"time":"2026-11-28T01:02:03+01:00","level":"WARNING"}`: `{"level":"WARN","time":"2026-11-28T01:02:03+01:00","requestId":"id"}`,
		// Numbers are not read and written anew.
		`{"a":1e999,"b":123456789012345678901234567890,"c":-0,"d":1.0,"e":1E+2,"f":{"g":0.10}}`: ours + `,"a":1e999,"b":123456789012345678901234567890,"c":-0,"d":1.0,"e":1E+2,"f":{"g":0.10}}`,
		// The last of several counts, however it is spelled; what is inside is the program's.
		`{"a":1,"b":2,"\u0061":3,"c":{"d":1,"d":2}}`: ours + `,"b":2,"\u0061":3,"c":{"d":1,"d":2}}`,
		// What is ours can't be forged.
		`{"requestId":"another"}`:                              ours + `,"programRequestId":"another"}`,
		`{"request\u0049d":"another","a":1}`:                   ours + `,"programRequestId":"another","a":1}`,
		`{"requestId":"one","requestId":"two"}`:                ours + `,"programRequestId":"two"}`,
		`{"requestId":"another","programRequestId":"its own"}`: ours + `,"programRequestId":"its own"}`,
		`{"requestId":"\u0069d","a":1}`:                        ours + `,"a":1}`,
		`{"requestId":{"a":1}}`:                                ours + `,"programRequestId":{"a":1}}`,
		`{"time":null,"level":["x"],"message":{"a":1}}`:        ours + `,"programTime":null,"programLevel":["x"],"message":{"a":1}}`,
		`{"time":"","level":""}`:                               ours + `,"programTime":"","programLevel":""}`,
		// Another line, and what may look like one.
		"{\"a\":1,\r\"b\":[1,\n2]}\r":                                 ours + `,"a":1,"b":[1,2]}`,
		"{\"a\":\"x\u2028y\u202ez\u0085\x7f\",\"b\":\"é\U0001F600\"}": ours + `,"a":"x\u2028y\u202ez\u0085\u007f","b":"é😀"}`,
		"{\"a\":\"x\xffy\xc3\"}":                                      ours + `,"a":"x` + "\ufffdy\ufffd" + `"}`,
		`{"a":"\u001b[2K\n"}`:                                         ours + `,"a":"\u001b[2K\n"}`,
		`{"":1," ":2}`:                                                ours + `,"":1," ":2}`,
	} {
		if got := logged(t, line, "id"); got != want {
			t.Errorf("%q:\n got %s\nwant %s", line, got, want)
		}
	}
}

func TestWhatIsNoJSONObjectIsWrappedAsItWas(t *testing.T) {
	for _, line := range []string{
		"plain", "", "{", "}", "{}}", "{} {}", `{"a":1} and more`, `more {"a":1}`, `["a"]`, `"a"`, `1`, `null`, `{"a":NaN}`, `{"a":Infinity}`, `{a:1}`, `{'a':1}`,
		`{"a":1,}`, `{"a":01}`, `{"a":"\x"}`, "{\"a\":\"tab\there\"}", "{\"a\":\"x\x1b[2K\"}", "\ufeff{\"a\":1}", `{"a":` + strings.Repeat("[", 20_000) + `}`,
		`{"a":"` + strings.Repeat("x", 60<<10), // the rest of it was cut off
	} {
		quoted, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Level, Message, RequestID string }
		if err := json.Unmarshal([]byte(logged(t, line, "id")), &got); err != nil || got.Message != line || got.Level != "INFO" || got.RequestID != "id" {
			t.Errorf("%.100s: got %.100q, %v", quoted, got, err)
		}
	}
}

func TestALineOfNoEventHasNoRequestIDThatItMadeUp(t *testing.T) {
	for line, want := range map[string]string{
		`{"requestId":"forged","a":1}`: `{"level":"INFO","time":"T","programRequestId":"forged","a":1}`,
		`{"a":1}`:                      `{"level":"INFO","time":"T","a":1}`,
	} {
		if got := logged(t, line, ""); got != want {
			t.Errorf("%s: got %s", line, got)
		}
	}
	if got := logged(t, `{"a":1}`, "an \"id\"\n\xff"); got != `{"level":"INFO","time":"T","requestId":"an \"id\"\n`+"\ufffd"+`","a":1}` {
		t.Errorf("got %s", got)
	}
}

func TestALevelIsTheProgramsInOurSpelling(t *testing.T) {
	for said, want := range map[string]string{
		`{"level":"warn"}`: `"WARN"`, `{"level":"WARNING"}`: `"WARN"`, `{"level":"Warning"}`: `"WARN"`, `{"level":40}`: `"WARN"`, `{"level":"40"}`: `"WARN"`,
		`{"level":"trace"}`: `"TRACE"`, `{"level":10}`: `"TRACE"`, `{"level":"debug"}`: `"DEBUG"`, `{"level":20}`: `"DEBUG"`,
		`{"level":"err"}`: `"ERROR"`, `{"level":50}`: `"ERROR"`, `{"level":"CRITICAL"}`: `"FATAL"`, `{"level":60}`: `"FATAL"`, `{"level":"\u0077arn"}`: `"WARN"`,
		`{"level":35}`: `35`, `{"level":"audit"}`: `"audit"`, `{"level":1e999}`: `1e999`, `{"level":null}`: `"INFO"`, `{"level":true}`: `"INFO"`, `{}`: `"INFO"`,
		`{"severity":"ERROR"}`: `"ERROR"`, `{"levelname":"WARNING"}`: `"WARN"`, `{"lvl":"eror"}`: `"INFO"`, `{"level":"info","severity":"ERROR"}`: `"INFO"`,
	} {
		if got := logged(t, said, ""); !strings.HasPrefix(got, `{"level":`+want+`,"time":"T"`) {
			t.Errorf("%s: got %s", said, got)
		}
	}
	if got := logged(t, `{"severity":"ERROR"}`, ""); !strings.HasSuffix(got, `,"severity":"ERROR"}`) {
		t.Errorf("the program's own member is lost: %s", got)
	}
}

func TestAnObjectOfThousandsOfMembersLosesOnlyWhatIsRepeated(t *testing.T) {
	line := []byte(`{"k0":"first"`)
	for i := range 9000 {
		line = strconv.AppendInt(append(line, `,"k`...), int64(i), 10)
		line = append(line, `":1`...)
	}
	got := logged(t, string(append(line, '}')), "id")
	if strings.Contains(got, "first") || strings.Count(got, `":1`) != 9000 {
		t.Errorf("got %.200s", got)
	}
}

// A text log is read by people, who know what the program wrote.
func TestATextLogHasObjectsAsTheProgramWroteThem(t *testing.T) {
	var out bytes.Buffer
	_, program := newLoggers(&config.Config{}, nil, &out)
	program.Info(`{"level":"error","requestId":"x"}`, zap.String("requestId", "id"))
	_ = program.Sync()
	if !strings.HasSuffix(out.String(), ` id INFO {"level":"error","requestId":"x"}`+"\n") {
		t.Errorf("got %s", &out)
	}
}

func FuzzAMergedLineHoldsWhatTheProgramSaid(f *testing.F) {
	for _, line := range []string{`{"a":1,"level":30,"time":[]}`, "{\"a\":\"\u2028\\u0000\xff\"}", `{"requestId":1,"programRequestId":2}`, `{"a":{"b":[1e3,"\ud800"]}}`} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var said, got map[string]any
		decode := func(text string, into *map[string]any) error {
			d := json.NewDecoder(strings.NewReader(text))
			d.UseNumber()
			return d.Decode(into)
		}
		if !json.Valid([]byte(line)) || decode(line, &said) != nil || said == nil {
			return
		}
		if err := decode(logged(t, line, "the id"), &got); err != nil || got["requestId"] != "the id" || got["level"] == nil || got["time"] == nil {
			t.Fatalf("%q: got %v, %v", line, got, err)
		}
		for _, name := range []string{"requestId", "level", "time", "programRequestId", "programLevel", "programTime"} {
			delete(said, name)
			delete(got, name)
		}
		keys := func(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
		if !slices.Equal(keys(got), keys(said)) {
			t.Errorf("%q: got %v, want %v", line, got, said)
		}
	})
}

func BenchmarkLine(b *testing.B) {
	for name, line := range map[string]string{
		"plain": `request completed in 1.25 ms, status 200, for the user 17 on the host box, with nothing else to say about it all, as usual at night`,
		"pino":  `{"level":30,"time":1793600000000,"pid":17,"hostname":"box","reqId":"a-1","msg":"request completed","responseTime":1.25,"res":{"statusCode":200}}`,
		"slog":  `{"time":"2026-11-28T01:02:03.123456789+01:00","level":"INFO","msg":"request completed","method":"GET","path":"/a/b/c","status":200,"user":{"id":17,"name":"Ada"}}`,
		"utf8":  `{"time":"2026-11-28T01:02:03.123456789+01:00","level":"INFO","msg":"запрос выполнен за одну миллисекунду","requestId":"0123456789abcdef"}`,
	} {
		b.Run(name, func(b *testing.B) {
			_, program := newLoggers(&config.Config{LogFormat: "json"}, nil, io.Discard)
			b.ReportAllocs()
			for b.Loop() {
				program.Info(line, zap.String("requestId", "0123456789abcdef-0123456789abcdef"))
			}
		})
	}
}
