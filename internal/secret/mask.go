// Package secret is the one place that knows what is secret: which variables are, judging by
// their names, and how their values look elsewhere. It masks text that leaves this program other
// than as a response. Callers tell it the secrets of an invocation.
package secret

import (
	"bytes"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

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

// Sink is where a log goes: zapcore.WriteSyncer, without zap.
type Sink interface {
	io.Writer
	Sync() error
}

// Writer masks what is written through it. It is the last place where a secret can be kept out of
// a log. Each line must be written by a single Write.
type Writer struct {
	Sink // where it goes
	Mask *Mask
}

// Write implements io.Writer.
func (w Writer) Write(line []byte) (int, error) {
	if _, err := w.Sink.Write(w.Mask.Bytes(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

const (
	// keyringSize is how many credentials are remembered: those of the events of
	// ten or so tokens, which last for hours each.
	keyringSize = 64
	// quoteBytes is how much of a text is quoted, scanBytes how much of it is looked at.
	quoteBytes = 200
	scanBytes  = 64 << 10
)

// Keyring masks as Mask does, and also masks the credentials of the last events: a program that
// keeps running may print them at any later time.
type Keyring struct {
	always *Mask

	mu     sync.Mutex
	values []string
	mask   atomic.Pointer[Mask]
}

// NewKeyring makes a Keyring that also masks what always masks.
func NewKeyring(always *Mask) *Keyring {
	k := &Keyring{always: always}
	k.mask.Store(always)
	return k
}

// Add remembers the credentials of an event.
func (k *Keyring) Add(values []string) {
	if len(values) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	known := len(k.values)
	for _, value := range values {
		if !slices.Contains(k.values, value) {
			k.values = append(k.values, value)
		}
	}
	if len(k.values) == known {
		return // as a rule
	}
	k.values = k.values[max(0, len(k.values)-keyringSize):]
	k.mask.Store(k.always.With(k.values...))
}

// Bytes returns line without secrets.
func (k *Keyring) Bytes(line []byte) []byte { return k.mask.Load().Bytes(line) }

// String returns text without secrets.
func (k *Keyring) String(text string) string { return k.mask.Load().String(text) }

// Cut returns where text that continues may be cut; see Mask.
func (k *Keyring) Cut(text []byte) int { return k.mask.Load().Cut(text) }

// Quote returns the beginning of a text for messages. It masks before it cuts: half a secret
// would not be recognized.
func (k *Keyring) Quote(text []byte) string {
	text = k.Bytes(text[:min(len(text), scanBytes)])
	more := ""
	if len(text) > quoteBytes {
		cut := quoteBytes
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text, more = text[:cut], "…"
	}
	return "«" + oneLine(strings.ToValidUTF8(string(text), "\ufffd")) + more + "»"
}

// oneLine escapes control characters as Go does, except for tabs.
func oneLine(text string) string {
	var b strings.Builder
	for _, c := range text {
		if c != '\t' && unicode.IsControl(c) {
			quoted := strconv.QuoteRune(c)
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}
