// Package secret is the one place that knows what is secret: which variables are by their
// names, how their values look elsewhere, and how text is masked before it leaves this
// program other than as a response. What is secret of an invocation is told to it.
package secret

import (
	"bytes"
	"io"
	"sort"
	"strings"

	"fgbootstrap/internal/jsonscan"
)

const (
	maskText = "****"
	// minSecret keeps a secret of a few characters from blacking out a log: a
	// token of the platform has hundreds, a password worth the name six.
	minSecret = 6
)

// Mask replaces secret values in text that leaves this program other than as a
// response. The zero value and nil mask nothing. It is safe for concurrent use.
type Mask struct{ secrets [][]byte }

// NewMask masks values; those of fewer than six bytes are left alone.
func NewMask(values ...string) *Mask { return (*Mask)(nil).With(values...) }

// With is m with more values. m itself is not changed.
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

// Bytes is line without secrets; it is line itself where there are none.
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

// String is Bytes for strings.
func (m *Mask) String(text string) string {
	if m == nil {
		return text
	}
	for _, s := range m.secrets {
		text = strings.ReplaceAll(text, string(s), maskText)
	}
	return text
}

// Cut is where text that goes on may be cut without tearing a character or a
// secret, whole or only begun: len(text) or less. A torn secret would pass Bytes
// in two halves.
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
	// That beginning may lie in a whole secret, the end of which it is.
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

// Sink is where a log goes: zapcore.WriteSyncer, without zap.
type Sink interface {
	io.Writer
	Sync() error
}

// Writer masks what is written through it: the last place where a secret can be kept out
// of a log. A line has to be written at once.
type Writer struct {
	To   Sink
	Mask *Mask
}

// Write implements io.Writer.
func (w Writer) Write(line []byte) (int, error) {
	if _, err := w.To.Write(w.Mask.Bytes(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// Sync implements Sink.
func (w Writer) Sync() error { return w.To.Sync() }
