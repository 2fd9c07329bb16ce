package secret

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	// keyringBytes bounds the memory of what is remembered of events: 500 sessions of an agency,
	// each of which lasts for hours, of a token of 1.2 KB and two keys.
	keyringBytes = 1 << 20
	// keyringEach is what a value takes beside its own bytes, measured.
	keyringEach = 256
	// quoteBytes is how much of a text is quoted, scanBytes how much of it is looked at.
	quoteBytes = 200
	scanBytes  = 64 << 10
)

// Keyring masks as Mask does, and also masks the credentials of all events so far: a program that
// keeps running, or a file that it left, may tell them at any later time. Only when there are too
// many for its memory it forgets the older half. It is safe for concurrent use.
type Keyring struct {
	always *Mask

	mu     sync.RWMutex
	known  map[string]bool
	order  []string // as they came
	index  *index   // of them
	all    []*index // with those of always
	memory int      // bytes that all of it takes
}

// NewKeyring makes a Keyring that also masks what always masks.
func NewKeyring(always *Mask) *Keyring {
	return &Keyring{always: always, known: map[string]bool{}, index: &index{}}
}

// Add remembers the credentials of an event.
func (k *Keyring) Add(values []string) {
	if len(values) == 0 || k.knows(values) { // as a rule
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, value := range values {
		if isMaskable(value) && !k.known[value] {
			k.learn(value)
		}
	}
	if k.memory > keyringBytes {
		k.forget()
	}
}

func (k *Keyring) knows(values []string) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, value := range values {
		if isMaskable(value) && !k.known[value] {
			return false
		}
	}
	return true
}

func (k *Keyring) learn(value string) {
	k.known[value] = true
	k.order = append(k.order, value)
	k.index.add(value)
	if len(k.order) == 1 {
		k.all = append(slices.Clip(k.always.indexes()), k.index)
	}
	k.memory += len(value) + keyringEach
}

// forget forgets the older half.
func (k *Keyring) forget() {
	rest := k.order[len(k.order)/2:]
	k.known, k.order, k.index, k.memory = map[string]bool{}, nil, &index{}, 0
	for _, value := range rest {
		k.learn(value)
	}
}

// indexes returns what a text has to be searched for. The caller holds k.mu.
func (k *Keyring) indexes() []*index {
	if len(k.order) == 0 {
		return k.always.indexes()
	}
	return k.all
}

// Bytes returns line without secrets.
func (k *Keyring) Bytes(line []byte) []byte {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return masked(line, k.indexes())
}

// String returns text without secrets.
func (k *Keyring) String(text string) string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return maskedString(text, k.indexes())
}

// Cut returns where text that continues may be cut; see Mask.
func (k *Keyring) Cut(text []byte) int {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return cut(text, k.indexes())
}

// Quote returns the beginning of a text for messages. It masks before it cuts: half a secret
// would not be recognized.
func (k *Keyring) Quote(text []byte) string {
	if len(text) > scanBytes {
		text = text[:k.Cut(text[:scanBytes])]
	}
	text = k.Bytes(text)
	more := ""
	if len(text) > quoteBytes {
		cut := quoteBytes
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text, more = text[:cut], "…"
	}
	return "«" + Printable(strings.ToValidUTF8(string(text), "\ufffd")) + more + "»"
}
