package secret

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

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
