// Package secret is the one place that knows what is secret: which variables are, judging by
// their names and by where the platform put them, and how their values look elsewhere. It masks
// text that leaves this program other than as a response. Callers tell it the secrets of an
// invocation.
package secret

import (
	"cmp"
	"slices"
	"sync"

	"fgbootstrap/internal/jsonscan"
)

const (
	maskText = "****"
	// chunkBytes bounds the memory that the spellings of a long text take at a time.
	chunkBytes = 256 << 10
)

// Mask replaces secret values in text that leaves this program other than as a response, in every
// common spelling (see spellings). The zero value and nil mask nothing. It is safe for concurrent
// use.
type Mask struct {
	secrets [][]byte

	once sync.Once // for all: most masks with an event's credentials never see a text
	all  []*index
}

// NewMask masks values. Those of fewer than four bytes are left alone; those of four and five are
// masked only where they stand alone, and only if they are no plain word or number.
func NewMask(values ...string) *Mask { return (*Mask)(nil).With(values...) }

// With returns m with more values. It does not change m.
func (m *Mask) With(values ...string) *Mask {
	out := &Mask{}
	if m != nil {
		out.secrets = append(out.secrets, m.secrets...)
	}
	for _, v := range values {
		if isMaskable(v) {
			out.secrets = append(out.secrets, []byte(v))
		}
	}
	return out
}

// indexes returns what a text has to be searched for.
func (m *Mask) indexes() []*index {
	if m == nil || len(m.secrets) == 0 {
		return nil
	}
	m.once.Do(func() {
		x := &index{}
		for _, s := range m.secrets {
			x.add(string(s))
		}
		m.all = []*index{x}
	})
	return m.all
}

// Bytes returns line without secrets; it returns line itself if it has none.
func (m *Mask) Bytes(line []byte) []byte { return masked(line, m.indexes()) }

// String does the same for strings.
func (m *Mask) String(text string) string { return maskedString(text, m.indexes()) }

// Cut returns where text that continues may be cut without splitting a character or a secret,
// even one that has only begun: len(text) or less. The halves of a split secret would pass Bytes
// unmasked.
func (m *Mask) Cut(text []byte) int { return cut(text, m.indexes()) }

func maskedString(text string, all []*index) string {
	if len(all) == 0 {
		return text
	}
	if out, found := replace([]byte(text), all); found {
		return string(out)
	}
	return text
}

func masked(text []byte, all []*index) []byte {
	if len(all) == 0 {
		return text
	}
	out, _ := replace(text, all)
	return out
}

// replace returns text without the secrets of all indexes and true, or text itself and false.
func replace(text []byte, all []*index) (_ []byte, any bool) {
	if len(text) <= chunkBytes {
		return replaceInChunk(text, all)
	}
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		n := len(text)
		if n > chunkBytes {
			n = cut(text[:chunkBytes], all)
		}
		if n == 0 { // such a secret is as long as the chunk
			n = chunkBytes
		}
		chunk, found := replaceInChunk(text[:n], all)
		out, any = append(out, chunk...), any || found
		text = text[n:]
	}
	return out, any
}

func replaceInChunk(text []byte, all []*index) (_ []byte, any bool) {
	found := occurrences(text, all)
	if len(found) == 0 {
		return text, false
	}
	out := make([]byte, 0, len(text))
	end := 0
	for _, s := range found {
		if s.from >= end { // else the two overlap and are masked as one
			out = append(append(out, text[end:s.from]...), maskText...)
		}
		end = max(end, s.to)
	}
	return append(out, text[end:]...), true
}

func cut(text []byte, all []*index) int {
	text = jsonscan.WholeRunes(text)
	end := len(text)
	if len(all) == 0 {
		return end
	}
	var found []span
	for _, v := range readings(text, hasBlank(all)) {
		end = min(end, v.original(v.open))
		for _, x := range all {
			end = min(end, v.original(x.begun(v.text[:v.open])))
			found = x.find(found, v, true)
		}
	}
	// That beginning may be the end of another, whole secret.
	for before := end + 1; end < before; {
		before = end
		for _, s := range found {
			if s.from < end && end < s.to {
				end = s.from
			}
		}
	}
	return end
}

// hasBlank reports whether a secret has a blank in it.
func hasBlank(all []*index) bool {
	for _, x := range all {
		if x.blank {
			return true
		}
	}
	return false
}

// span is a part of a text.
type span struct{ from, to int }

// occurrences returns where secrets are in text, in order.
func occurrences(text []byte, all []*index) (found []span) {
	for _, v := range readings(text, hasBlank(all)) {
		for _, x := range all {
			found = x.find(found, v, false)
		}
	}
	slices.SortFunc(found, func(a, b span) int { return cmp.Or(a.from-b.from, b.to-a.to) })
	return found
}
