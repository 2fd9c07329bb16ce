package secret

import (
	"bytes"
	"strings"
	"testing"
)

func TestSecretsAreMaskedWholeWhereverTheyStand(t *testing.T) {
	m := NewMask("secret-one", "secret-one-and-more", "другой", "", "short").With("line\nbreak", "111111")
	for text, want := range map[string]string{
		"":                                  "",
		"nothing":                           "nothing",
		"secret-one":                        "****",
		"a secret-one-and-more b":           "a **** b", // the longer one first: no "-and-more" is left
		"secret-onesecret-one":              "********",
		"secret-on":                         "secret-on",
		"a short one":                       "a short one",
		"это другой":                        "это ****",
		"line\nbreak":                       "****",
		"1111111":                           "****1",
		`{"token":"secret-one","n":111111}`: `{"token":"****","n":****}`,
	} {
		if got := m.String(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
		if got := string(m.Bytes([]byte(text))); got != want {
			t.Errorf("%q became %q as bytes", text, got)
		}
	}
}

func TestNoMaskMasksNothing(t *testing.T) {
	for _, m := range []*Mask{nil, {}, NewMask(), NewMask("short", "")} {
		if m.String("text") != "text" || string(m.Bytes([]byte("text"))) != "text" || m.Cut([]byte("text")) != 4 {
			t.Errorf("%+v changed something", m)
		}
	}
	if got := (*Mask)(nil).With("secret").String("a secret"); got != "a ****" {
		t.Errorf("got %q", got)
	}
}

func TestWithLeavesItsMaskAlone(t *testing.T) {
	m := NewMask("longer secret")
	m.With("secret one")
	m.With("secret two")
	if got := m.String("secret one, secret two"); got != "secret one, secret two" {
		t.Errorf("got %q", got)
	}
}

func TestATextIsCutBeforeASecretThatMayGoOn(t *testing.T) {
	m := NewMask("secret", "retirement", "abcabc")
	for text, want := range map[string]int{
		"":               0,
		"nothing":        7,
		"a secr":         2,
		"a s":            2,
		"a secret":       2, // "ret" may become "retirement", but then "secret" must not be cut
		"a secret ":      9,
		"a secret secre": 9,
		"xabcabc":        1, // whole, but its second half may be the beginning of another
		"xabcab":         1,
		"secret":         0,
	} {
		if got := m.Cut([]byte(text)); got != want {
			t.Errorf("%q is cut at %d", text, got)
		}
	}
}

// A text that comes in two reads must not show a secret because of where the
// first is cut.
func FuzzCuttingAndMaskingShowsNoSecret(f *testing.F) {
	f.Add("secret", "retired", "a secretired secret", 8)
	f.Add("abcabc", "bcabca", "abcabcabcabc", 6)
	f.Add("aaaaaaaa", "aaaaaab", "aaaaaaaaaaaaab", 9)
	f.Fuzz(func(t *testing.T, one, two, text string, at int) {
		if at < 0 || at > len(text) || strings.ContainsAny(one+two, `*\%+&`) {
			return // a mask may look like a part of such a secret; escapes have a test of their own
		}
		m := NewMask(one, two)
		cut := m.Cut([]byte(text[:at]))
		if cut < 0 || cut > at {
			t.Fatalf("%q is cut at %d", text[:at], cut)
		}
		for _, s := range m.secrets {
			if len(s) < minSecret {
				continue // as a part of a word it is none
			}
			for i := range len(text) {
				if bytes.HasPrefix([]byte(text)[i:], s) && i < cut && i+len(s) > cut {
					t.Fatalf("%q, of which %q was there, is cut at %d, in the middle of %q", text, text[:at], cut, s)
				}
			}
			shown := m.String(text[:cut]) + m.String(text[cut:])
			if strings.Contains(shown, string(s)) {
				t.Fatalf("%q shows %q", shown, s)
			}
		}
	})
}
