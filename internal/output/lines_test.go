package output_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"fgbootstrap/internal/output"
	"fgbootstrap/internal/secret"
)

// copied is what Lines makes of r, the lines copied.
func copied(t *testing.T, r io.Reader, mask *secret.Mask, buf []byte) (lines []string, l *output.Lines) {
	t.Helper()
	l = &output.Lines{Mask: secret.NewKeyring(mask), Emit: func(line []byte) { lines = append(lines, string(line)) }}
	if err := l.Copy(r, buf); err != nil {
		t.Fatal(err)
	}
	return lines, l
}

func TestOutputIsHandedOnLineByLine(t *testing.T) {
	for text, want := range map[string][]string{
		"":                       nil,
		"\n":                     nil,
		"\r\n\r\n":               nil,
		"a":                      {"a"},
		"a\n":                    {"a"},
		"a\nb":                   {"a", "b"},
		"a\r\nb\r\n":             {"a", "b"},
		"a\n\n\nb\n":             {"a", "b"},
		"a\rb\n":                 {"a\rb"},
		"\xff\xfe\n\x00\n":       {"\xff\xfe", "\x00"},
		"  blanks stay  \n\tx\n": {"  blanks stay  ", "\tx"},
	} {
		for name, r := range map[string]io.Reader{
			"at once":      strings.NewReader(text),
			"byte by byte": iotest.OneByteReader(strings.NewReader(text)),
			"with EOF":     iotest.DataErrReader(strings.NewReader(text)),
		} {
			lines, l := copied(t, r, nil, make([]byte, output.LineBytes))
			if !slices.Equal(lines, want) {
				t.Errorf("%q %s gives %q, want %q", text, name, lines, want)
			}
			if l.Seen() != (text != "") {
				t.Errorf("%q %s: seen is %v", text, name, l.Seen())
			}
		}
	}
}

func TestALongLineIsCut(t *testing.T) {
	text := strings.Repeat("x", 2*output.LineBytes) + "yz\nnext\n"
	lines, _ := copied(t, strings.NewReader(text), nil, make([]byte, output.LineBytes))
	if len(lines) != 4 || len(lines[0]) != output.LineBytes || len(lines[1]) != output.LineBytes ||
		lines[2] != "yz" || lines[3] != "next" {
		t.Errorf("%d lines", len(lines))
	}
	// As long as the buffer, then the line end: no empty line follows.
	lines, _ = copied(t, strings.NewReader(text[:output.LineBytes]+"\r\nnext"), nil, make([]byte, output.LineBytes))
	if len(lines) != 2 || lines[1] != "next" {
		t.Errorf("%d lines", len(lines))
	}
}

func TestNoCutTearsACharacter(t *testing.T) {
	text := "x" + strings.Repeat("函", output.LineBytes)
	lines, l := copied(t, strings.NewReader(text), nil, make([]byte, output.LineBytes))
	for _, line := range append(lines, l.Tail()...) {
		if !utf8.ValidString(line) || strings.Contains(line, "\ufffd") {
			t.Errorf("a character was torn in a line of %d bytes", len(line))
		}
	}
	if strings.Join(lines, "") != text {
		t.Error("something was lost")
	}
	// What is no character at all is no reason to stop.
	garbage := strings.Repeat("\x80", 3*output.LineBytes)
	lines, _ = copied(t, strings.NewReader(garbage), nil, make([]byte, output.LineBytes))
	if strings.Join(lines, "") != garbage {
		t.Error("garbage was lost")
	}
}

func TestALineOfFiveMegabytesStallsNobody(t *testing.T) {
	const size = 5 << 20
	in, out := io.Pipe()
	go func() {
		_, err := out.Write(bytes.Repeat([]byte("x"), size)) // returns when all of it is read
		_ = out.CloseWithError(err)
	}()
	got := 0
	l := output.Lines{Mask: secret.NewKeyring(nil), Emit: func(line []byte) { got += len(line) }}
	if err := l.Copy(in, make([]byte, output.LineBytes)); err != nil || got != size {
		t.Errorf("%d bytes came, %v", got, err)
	}
}

func TestTheLastTwentyLinesAreRemembered(t *testing.T) {
	var text strings.Builder
	var all []string
	for i := range 47 {
		fmt.Fprintf(&text, "line %d\n", i)
		all = append(all, fmt.Sprintf("line %d", i))
		_, l := copied(t, strings.NewReader(text.String()), nil, make([]byte, output.LineBytes))
		if want := all[max(0, len(all)-20):]; !slices.Equal(l.Tail(), want) {
			t.Fatalf("after %d lines the tail is %q", i+1, l.Tail())
		}
	}
	var none output.Lines
	if len(none.Tail()) != 0 || none.Seen() {
		t.Error("something is remembered of nothing")
	}
}

func TestRememberedLinesAreShortAndValid(t *testing.T) {
	_, l := copied(t, strings.NewReader(strings.Repeat("a", 400)+"\n"+strings.Repeat("b", 401)+"\nc\xffd\n"), nil,
		make([]byte, output.LineBytes))
	want := []string{strings.Repeat("a", 400), strings.Repeat("b", 400) + "…", "c\ufffdd"}
	if !slices.Equal(l.Tail(), want) {
		t.Errorf("the tail is %q", l.Tail())
	}
}

func TestAReadErrorComesAfterWhatWasRead(t *testing.T) {
	broken := errors.New("broken")
	var lines []string
	l := output.Lines{Mask: secret.NewKeyring(nil), Emit: func(line []byte) { lines = append(lines, string(line)) }}
	err := l.Copy(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), make([]byte, output.LineBytes))
	if !errors.Is(err, broken) || !slices.Equal(lines, []string{"a", "b"}) {
		t.Errorf("%v after %q", err, lines)
	}
}

func TestASecretIsMaskedWhereverItStands(t *testing.T) {
	const token = "s3cr3t-t0ken"
	mask := secret.NewMask(token)
	for before := output.LineBytes - 2*len(token); before <= output.LineBytes+1; before++ {
		text := strings.Repeat("x", before) + token + "after\n" + token
		for name, r := range map[string]io.Reader{
			"at once": strings.NewReader(text),
			"halved":  iotest.HalfReader(strings.NewReader(text)),
		} {
			lines, l := copied(t, r, mask, make([]byte, output.LineBytes))
			if got, want := strings.Join(lines, ""), strings.Repeat("x", before)+"****after****"; got != want {
				t.Fatalf("after %d bytes, read %s: …%s", before, name, got[before-10:])
			}
			if tail := strings.Join(l.Tail(), ""); strings.Contains(tail, "s3cr") || !strings.HasSuffix(tail, "****") {
				t.Fatalf("the tail is %q", tail)
			}
		}
	}
}

// What is quoted in errors is text, as ever.
func TestOnlyALineThatGoesToAJSONLogIsMaskedAsAnObject(t *testing.T) {
	for objects, want := range map[bool]string{true: `{"pin":"****"}`, false: `{"pin":****}`} {
		got := ""
		l := &output.Lines{Mask: secret.NewKeyring(secret.NewMask("19283746")), Objects: objects, Emit: func(line []byte) { got += string(line) }}
		if err := l.Copy(strings.NewReader(`{"pin":19283746}`), make([]byte, output.LineBytes)); err != nil {
			t.Fatal(err)
		}
		if tail := l.Tail(); got != want || !slices.Equal(tail, []string{`{"pin":****}`}) {
			t.Errorf("objects %v: got %s and %q", objects, got, tail)
		}
	}
}

func TestASecretAsLongAsALineStallsNothing(t *testing.T) {
	token := strings.Repeat("k", output.LineBytes+1)
	lines, _ := copied(t, strings.NewReader(token+token), secret.NewMask(token), make([]byte, output.LineBytes))
	if len(lines) == 0 {
		t.Error("nothing came")
	}
}

// FuzzNothingIsLostOrTorn holds Lines to two properties: its lines joined are
// the text without line ends, and no secret in a line of the text is missed,
// wherever the cuts and the borders of reads are.
func FuzzNothingIsLostOrTorn(f *testing.F) {
	const token = "hunter2-xyz"
	f.Add([]byte("one\r\ntwo\n\nthree"), byte(1), byte(32))
	f.Add([]byte(strings.Repeat("x", 60)+token+strings.Repeat("函", 40)), byte(7), byte(64))
	f.Add([]byte("hunter2-hunter2-xyzhunter2-xy\xffz\r"), byte(3), byte(20))
	f.Fuzz(func(t *testing.T, text []byte, chunk, room byte) {
		r := &chunks{text, int(chunk)%40 + 1}
		buf := make([]byte, 2*len(token)+int(room))
		var joined []byte
		l := output.Lines{Mask: secret.NewKeyring(secret.NewMask(token)), Emit: func(line []byte) {
			if len(line) == 0 || bytes.IndexByte(line, '\n') >= 0 {
				t.Errorf("a line %q", line)
			}
			joined = append(joined, line...)
		}}
		if err := l.Copy(r, buf); err != nil {
			t.Fatal(err)
		}
		ends := func(b []byte) []byte {
			return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\n"), nil), []byte("\r"), nil)
		}
		var want []byte
		for _, line := range bytes.Split(text, []byte("\n")) {
			want = append(want, secret.NewMask(token).Bytes(line)...)
		}
		if !bytes.Equal(ends(joined), ends(want)) {
			t.Errorf("%q by %d into %d bytes gives %q, want %q", text, r.size, len(buf), joined, want)
		}
	})
}

// chunks gives a text away a few bytes at a time.
type chunks struct {
	text []byte
	size int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.text) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.text[:min(c.size, len(c.text))])
	c.text = c.text[n:]
	return n, nil
}

func TestTheTellingLineIsTheErrorAndNotWhatIsSaidAboutIt(t *testing.T) {
	t.Parallel()
	for want, lines := range map[string][]string{
		"Error: listen EADDRINUSE: address already in use 0.0.0.0:8131": {
			"Error: listen EADDRINUSE: address already in use 0.0.0.0:8131", "    at Server.setupListenHandle [as _listen2] (node:net:1940:16)",
			"Emitted 'error' event on Server instance at:", "    at emitErrorNT (node:net:1919:8)", "  code: 'EADDRINUSE',", "}", "Node.js v20.19.5",
		},
		"TypeError [ERR_INVALID_ARG_TYPE]: The path must be a string": {"TypeError [ERR_INVALID_ARG_TYPE]: The path must be a string", "npm error A complete log of this run can be found in: x"},
		"ValueError: two":                     {"ValueError: one", "During handling of the above exception, another exception occurred:", "ValueError: two"},
		"npm error Missing script: \"start\"": {"npm error Missing script: \"start\""},
		"panic: boom":                         {"panic: boom", "goroutine 1 [running]:", "main.main()", "exit status 2"},
		"an error somewhere":                  {"an error somewhere", "good bye"},
		"good bye":                            {"hello", "good bye"},
		"":                                    nil,
	} {
		if got := output.BestErrorLine(lines); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
