// Package secret is the one place that knows what is secret: which variables are, judging by
// their names, and how their values look elsewhere. It masks text that leaves this program other
// than as a response. Callers tell it the secrets of an invocation.
package secret

import (
	"bytes"
	"sort"
	"strings"

	"fgbootstrap/internal/jsonscan"
)

const (
	maskText = "****"
	// minSecret is the least length of a secret in bytes: masking shorter ones would black out a
	// log. The platform's tokens have hundreds of bytes, a sensible password has at least six.
	minSecret = 6
)

// Mask replaces secret values in text that leaves this program other than as a
// response. The zero value and nil mask nothing. It is safe for concurrent use.
type Mask struct{ secrets [][]byte }

// NewMask masks values; those of fewer than six bytes are left alone.
func NewMask(values ...string) *Mask { return (*Mask)(nil).With(values...) }

// With returns m with more values. It does not change m.
func (m *Mask) With(values ...string) *Mask {
	out := &Mask{}
	if m != nil {
		out.secrets = append(out.secrets, m.secrets...)
	}
	for _, v := range values {
		if len(v) >= minSecret {
			out.secrets = append(out.secrets, []byte(v))
		}
	}
	// The longest first: a secret that holds another one is masked whole.
	sort.SliceStable(out.secrets, func(i, j int) bool { return len(out.secrets[i]) > len(out.secrets[j]) })
	return out
}

// Bytes returns line without secrets; it returns line itself if it has none.
func (m *Mask) Bytes(line []byte) []byte {
	if m == nil {
		return line
	}
	for _, s := range m.secrets {
		if bytes.Contains(line, s) {
			line = bytes.ReplaceAll(line, s, []byte(maskText))
		}
	}
	return line
}

// String does the same for strings.
func (m *Mask) String(text string) string {
	if m == nil {
		return text
	}
	for _, s := range m.secrets {
		text = strings.ReplaceAll(text, string(s), maskText)
	}
	return text
}

// Cut returns where text that continues may be cut without splitting a character or a secret,
// even one that has only begun: len(text) or less. The halves of a split secret would pass Bytes
// unmasked.
func (m *Mask) Cut(text []byte) int {
	text = jsonscan.WholeRunes(text)
	cut := len(text)
	if m == nil {
		return cut
	}
	for _, s := range m.secrets {
		for n := min(len(s)-1, len(text)); n > 0; n-- {
			if bytes.HasSuffix(text, s[:n]) {
				cut = min(cut, len(text)-n)
				break
			}
		}
	}
	// That beginning may be the end of another, whole secret.
	for before := len(text) + 1; cut < before; {
		before = cut
		for _, s := range m.secrets {
			from := max(0, cut-len(s)+1)
			if i := bytes.Index(text[from:min(len(text), cut+len(s)-1)], s); i >= 0 {
				cut = min(cut, from+i)
			}
		}
	}
	return cut
}
