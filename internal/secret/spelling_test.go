package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"
)

// written are the ways in which programs write a value.
var written = map[string]func(string) string{
	"as it is":           func(s string) string { return s },
	"JSON":               func(s string) string { return inJSON(s, true) },
	"JSON for people":    func(s string) string { return inJSON(s, false) },
	"JSON of PHP":        func(s string) string { return strings.ReplaceAll(inJSON(s, false), "/", `\/`) },
	"JSON of Gson":       func(s string) string { return escaped(`\u%04x`, "=&<>'", inJSON(s, false)) },
	"JSON in capitals":   func(s string) string { return escaped(`\u%04X`, "=&<>'/", inJSON(s, false)) },
	"JSON of code units": codeUnitsOf,
	"JSON in JSON":       func(s string) string { return inJSON(inJSON(s, true), true) },
	"bytes":              func(s string) string { return bytewise(`\x%02x`, s) },
	"a shell":            func(s string) string { return escaped(`\%c`, ` "'\$&;<>()|`, s) },
	"a query":            url.QueryEscape,
	"a query, small":     func(s string) string { return small(url.QueryEscape(s)) },
	"a path":             url.PathEscape,
	"a path, small":      func(s string) string { return small(url.PathEscape(s)) },
	"all of it in a URL": func(s string) string { return bytewise("%%%02X", s) },
	"a URL in JSON":      func(s string) string { return escaped(`\u%04x`, "%/", url.PathEscape(s)) },
	"HTML":               html.EscapeString,
	"HTML by numbers":    func(s string) string { return runewise("&#%d;", s) },
	"HTML by numbers, x": func(s string) string { return runewise("&#x%X;", s) },
	"base64":             func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 of URLs":     func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64, bare":       func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
	"base64 of URLs, bare": func(s string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(s))
	},
	"base64 of echo": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s + "\n")) },
	"base64 in a query": func(s string) string {
		return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s)))
	},
	"base64 of PHP": func(s string) string {
		return strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(s)), "/", `\/`)
	},
	"basic authentication": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("bob:" + s)) },
}

func inJSON(s string, forHTML bool) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(forHTML)
	_ = e.Encode(s)
	return strings.TrimSuffix(strings.TrimPrefix(out.String(), `"`), "\"\n")
}

func escaped(format, which, s string) string {
	var out strings.Builder
	for _, c := range s {
		if strings.ContainsRune(which, c) {
			fmt.Fprintf(&out, format, c)
		} else {
			out.WriteRune(c)
		}
	}
	return out.String()
}

func codeUnitsOf(s string) string {
	var out strings.Builder
	for _, c := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&out, `\u%04x`, c)
	}
	return out.String()
}

func runewise(format, s string) string {
	var out strings.Builder
	for _, c := range s {
		fmt.Fprintf(&out, format, c)
	}
	return out.String()
}

func bytewise(format, s string) string {
	var out strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&out, format, c)
	}
	return out.String()
}

// small writes the digits of escapes in small letters.
func small(s string) string {
	for i := range len(s) - 2 {
		if s[i] == '%' {
			s = s[:i] + strings.ToLower(s[i:i+3]) + s[i+3:]
		}
	}
	return s
}

var values = []string{
	"S3cret", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY=", `p/w=1&a<b>c'd"e\f`, "with blanks and + signs", "пароль-密码", "with \U0001f511 in it",
	"100%25", `\\server\share`, "line\none", "ends with =", `\u0041nd more`,
}

func TestNoSpellingOfASecretIsSeen(t *testing.T) {
	m := NewMask(values...)
	for name, write := range written {
		for _, value := range values {
			for _, around := range []string{"%s", "a %s b", `{"k":"%s"}`, "k=%s&l=%%41", "x: %s;"} {
				text := fmt.Sprintf(around, write(value))
				want := fmt.Sprintf(around, "****")
				// What base64 has beside the value may stay.
				if got := m.String(text); got != want && (!strings.Contains(got, "****") || len(got) > len(want)+6) {
					t.Errorf("%s: %q became %q", name, text, got)
				}
			}
		}
	}
}

func TestNoCutLetsAPartOfASpellingBeSeen(t *testing.T) {
	m := NewMask(values...)
	for name, write := range written {
		for _, value := range values {
			text := "a " + write(value) + " b"
			for at := range len(text) {
				cut := m.Cut([]byte(text[:at]))
				if cut > at {
					t.Fatalf("%q is cut at %d", text[:at], cut)
				}
				// What base64 has beside the value, and its padding, may be cut.
				if cut > 2+3 && cut < len(text)-2-8 && name != "basic authentication" {
					t.Errorf("%s: %q is cut at %d, in its middle", name, text, cut)
				}
			}
		}
	}
}

func TestAShortSecretIsMaskedOnlyWhereItStandsAlone(t *testing.T) {
	m := NewMask("S3c1", "pa$$w", "true", "prod", "12345", "PROD", "True", "on", "1")
	for text, want := range map[string]string{
		"it is S3c1":                       "it is ****",
		`{"a":"S3c1"}`:                     `{"a":"****"}`,
		"S3c1x, xS3c1, S3c1_":              "S3c1x, xS3c1, S3c1_",
		"p=pa$$w;":                         "p=****;",
		"true and prod of 12345 are on: 1": "true and prod of 12345 are on: 1",
		"True PROD":                        "True PROD",
	} {
		if got := m.String(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestWhatLooksLikeEscapesAndIsNoneStaysAsItIs(t *testing.T) {
	m := NewMask("with a blank in it")
	for _, text := range []string{
		`\`, `%`, `&`, `100%`, `a\`, `\u`, `\u12`, `\ud83d`, `\ud83d\u`, `\ud83d\u0041`, `\x`, `\xg0`, `%4`, `%zz`, "&amp", "&;", "&#;", "&#x;", "&#99999999;",
		`C:\new\table`, "a+b", "50 % off & more; \\d+", "&&&&&&&&&&&&&&", `\\\\\\\`, "%%%%%%",
	} {
		if got := m.String(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
		if n := m.Cut([]byte(text)); n > len(text) || n < len(text)-12 {
			t.Errorf("%q is cut at %d", text, n)
		}
	}
}

func TestALongTextIsMaskedInPieces(t *testing.T) {
	const token = `tok/en "1"`
	m := NewMask(token)
	for _, spelled := range []string{token, inJSON(token, true), url.QueryEscape(token)} {
		text := strings.Repeat(spelled+" and on; ", 5*chunkBytes/(len(spelled)+9))
		if got, want := m.String(text), strings.ReplaceAll(text, spelled, "****"); got != want {
			t.Errorf("%q: got %d bytes, want %d", spelled, len(got), len(want))
		}
	}
}

func FuzzSpellings(f *testing.F) {
	f.Add("S3cret/1", `a \u002f%2f&#x2f;`, 5)
	f.Add("a b c d", `%+\&\ud83d\udd11;`, 9)
	f.Fuzz(func(t *testing.T, value, text string, at int) {
		m := NewMask(value, "another one")
		for _, v := range readings([]byte(text), true) {
			for i := range len(v.text) + 1 {
				if n := v.original(i); n < 0 || n > len(text) {
					t.Fatalf("offset %d of %q is %d in %q", i, v.text, n, text)
				}
			}
		}
		m.String(text)
		if at >= 0 && at <= len(text) && m.Cut([]byte(text[:at])) > at {
			t.Fatalf("%q is cut behind its end", text[:at])
		}
	})
}
