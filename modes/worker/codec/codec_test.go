package codec_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/modes/worker/codec"
)

// speak is a codec of that protocol in an environment.
func speak(t testing.TB, protocol string, env map[string]string) codec.Codec {
	t.Helper()
	p, known := codec.Get(protocol)
	if !known {
		t.Fatalf("there is no protocol %q", protocol)
	}
	return p.New(codec.Options{Getenv: func(name string) string { return env[name] }})
}

func invocation(event string) *adapter.Invocation {
	return &adapter.Invocation{
		ID: "the-id", Type: "sync", Payload: []byte(event), Deadline: time.UnixMilli(1793600002850),
		Headers: []adapter.Header{
			{Name: "x-cff-request-id", Value: "the-id"}, {Name: "x-cff-invoke-type", Value: "sync"},
			{Name: "x-cff-security-token", Value: "a token", Secret: true},
		},
	}
}

// written is the line of an event that the protocol carries, which must be one.
func written(t testing.TB, c codec.Codec, inv *adapter.Invocation) string {
	t.Helper()
	var out bytes.Buffer
	if err := c.WriteEvent(&out, inv); err != nil {
		t.Fatal(err)
	}
	line, rest, ended := strings.Cut(out.String(), "\n")
	if !ended || rest != "" {
		t.Fatalf("%q is not one line", out.String())
	}
	return line
}

// sameJSON wants got to be want without its white space.
func sameJSON(t testing.TB, got, want string) {
	t.Helper()
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(want)); err != nil {
		t.Fatal(err)
	}
	escaped := strings.NewReplacer("\u0085", `\u0085`, "\u2028", `\u2028`, "\u2029", `\u2029`).Replace(compact.String())
	if got != escaped {
		t.Fatalf("got %q, want %q", got, escaped)
	}
}

// means reads a line; the error must be a *codec.Malformed.
func means(t testing.TB, c codec.Codec, line string) (codec.Message, string) {
	t.Helper()
	m, err := c.Read([]byte(line))
	if err == nil {
		return m, ""
	}
	var why *codec.Malformed
	if !errors.As(err, &why) || why.Why == "" {
		t.Fatalf("%q: got error %v", line, err)
	}
	return m, why.Why
}

// broken is a writer that fails after n bytes.
type broken struct{ n int }

func (b *broken) Write(p []byte) (int, error) {
	if b.n -= len(p); b.n < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func TestAWriteThatFailsEndsTheEvent(t *testing.T) {
	for _, p := range codec.All() {
		c := speak(t, p.Name, nil)
		inv := invocation("{\n\"a\": 1}")
		for n := range len(written(t, c, inv)) {
			if err := c.WriteEvent(&broken{n}, inv); !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("%s: after %d bytes: %v", p.Name, n, err)
			}
		}
	}
}

func TestEventsThatCantBeCarriedAreRefused(t *testing.T) {
	for _, row := range []struct {
		protocol, event, want string // "" means it is carried
	}{
		{"lines", "", ""},
		{"lines", "any text", ""},
		{"lines", "any text\r\n", ""},
		{"lines", "\xff\x00", ""},
		{"lines", "{\n}", ""},
		{"lines", "two\nlines", "several lines"},
		{"lines", "{\n", ""}, // one line and its end
		{"lines", "{\n\n", "several lines"},
		{"jsonrpc", "null", ""},
		{"jsonrpc", ` "text" `, ""},
		{"jsonrpc", "", "is empty"},
		{"jsonrpc", "text", "not JSON"},
		{"jsonrpc", `{}}`, "not JSON"},
		{"jsonrpc", `1},"context":{}}}` + "\n" + `{"jsonrpc":"2.0"`, "not JSON"},
		{"actionloop", "[1]", ""},
		{"actionloop", " {} ", ""},
		{"actionloop", "1", "neither a JSON object nor an array"},
		{"actionloop", "", "neither a JSON object nor an array"},
		{"actionloop", "{", "neither a JSON object nor an array"},
	} {
		got := speak(t, row.protocol, nil).Carries([]byte(row.event))
		switch {
		case row.want == "" && got != nil:
			t.Errorf("%s refuses %q: %v", row.protocol, row.event, got)
		case row.want != "" && (got == nil || got.Type != adapter.TypeProtocol || !strings.Contains(got.Message, row.want)):
			t.Errorf("%s: %q: got %v", row.protocol, row.event, got)
		}
	}
}
