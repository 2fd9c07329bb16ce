package secret

import (
	"encoding/binary"
	"math/bits"
	"strings"
)

// index finds many values in a text at once: whether any of them may begin at a place is seen by
// a hash of the four bytes there. A text is read once, however many values there are.
type index struct {
	values   []string
	patterns []pattern
	heads    []int32 // by the hash: 1 + the first of the patterns that begin so; 0 is none
	shift    int     // makes the hash an index of heads
	longest  int     // bytes of a pattern
	blank    bool    // a value has a blank
}

// pattern is a value in one of its forms. It is not stored but computed: the credentials of many
// events are kept.
type pattern struct {
	key   uint32 // the first bytes
	value int32
	form  int32
	next  int32 // 1 + the next one with the same hash; 0 is none
}

// keyBytes is how much of a pattern is hashed; none is shorter.
const keyBytes = 4

// leastHeads keeps the hash of a few patterns from hitting by chance.
const leastHeads = 4096

// form is how a value may be written in full: as it is, or in base64 with shift bytes of another
// text before it. Spellings of single characters are not forms; see spellings.
type form struct {
	alphabet string // "" is as it is
	shift    int
}

const (
	base64Std = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

// forms: the password of user:password is shifted in base64, as in a header of basic authentication.
var forms = [...]form{{}, {base64Std, 0}, {base64URL, 0}, {base64Std, 1}, {base64URL, 1}, {base64Std, 2}, {base64URL, 2}}

// skipped is how many characters of base64 depend on what stands before the value, by the shift.
var skipped = [...]int{0, 2, 3}

// length is how many characters depend on the value alone. What follows the value may change
// the character after those.
func (f form) length(value string) int {
	if f.alphabet == "" {
		return len(value)
	}
	return (f.shift+len(value))*8/6 - skipped[f.shift]
}

// char is the character i of a value in this form.
func (f form) char(value string, i int) byte {
	if f.alphabet == "" {
		return value[i]
	}
	bit := (i+skipped[f.shift])*6 - f.shift*8
	two := uint(value[bit/8]) << 8
	if bit/8+1 < len(value) {
		two |= uint(value[bit/8+1])
	}
	return f.alphabet[two>>(10-bit%8)&63]
}

// begins reports whether text begins with the first n characters of a value in this form.
func (f form) begins(value string, text []byte, n int) bool {
	if len(text) < n {
		return false
	}
	if f.alphabet == "" {
		return string(text[:n]) == value[:n]
	}
	for i := range n {
		if f.char(value, i) != text[i] {
			return false
		}
	}
	return true
}

// end is where a value in this form that ends before text[i] is over: base64 may have a character
// more that depends on it, and the padding.
func (f form) end(value string, text []byte, i int) int {
	if f.alphabet == "" {
		return i
	}
	for n := f.length(value) + skipped[f.shift]; n%4 != 0 && i < len(text); n++ {
		if text[i] != '=' && strings.IndexByte(f.alphabet, text[i]) < 0 {
			break
		}
		i++
	}
	return i
}

// add adds a value that isMaskable.
func (x *index) add(value string) {
	x.values = append(x.values, value)
	x.blank = x.blank || strings.Contains(value, " ")
	for i, f := range forms {
		if f.alphabet == base64URL && isStd(value, f) {
			continue // both alphabets write it alike
		}
		x.longest = max(x.longest, f.length(value))
		x.patterns = append(x.patterns, pattern{key: f.key(value), value: int32(len(x.values) - 1), form: int32(i)}) //nolint:gosec // memory ends before
		x.enter(len(x.patterns) - 1)
	}
	if want := max(leastHeads, 2*len(x.patterns)); len(x.heads) < want {
		width := bits.Len(uint(want - 1))
		x.heads, x.shift = make([]int32, 1<<width), 32-width
		for i := range x.patterns {
			x.enter(i)
		}
	}
}

func isStd(value string, url form) bool {
	for i := range url.length(value) {
		if c := url.char(value, i); c == '-' || c == '_' {
			return false
		}
	}
	return true
}

// enter puts a pattern into heads, if there are any.
func (x *index) enter(i int) {
	if len(x.heads) == 0 {
		return
	}
	p := &x.patterns[i]
	head := &x.heads[p.key*multiplier>>x.shift]
	p.next, *head = *head, int32(i+1) //nolint:gosec // memory ends before
}

// multiplier spreads the bits of a key (Fibonacci hashing).
const multiplier = 0x9E3779B1

func key(text []byte) uint32 { return binary.LittleEndian.Uint32(text) }

func (f form) key(value string) uint32 {
	var begin [keyBytes]byte
	for i := range begin {
		begin[i] = f.char(value, i)
	}
	return key(begin[:])
}

// find appends to found where patterns are in v, as offsets in the text itself: at each place the
// longest one that begins there. A pattern that overlaps itself counts only if each is set: of
// 1111111 the first six are 111111.
func (x *index) find(found []span, v *view, each bool) []span {
	last, end := int32(-1), 0
	heads, shift := x.heads, x.shift&31
	for i := range len(v.text) - keyBytes + 1 {
		p := heads[key(v.text[i:])*multiplier>>shift]
		if p == 0 {
			continue
		}
		best, to := x.longestAt(p, v.text, i)
		if to == 0 || best == last && i < end && !each {
			continue
		}
		if to > end {
			last, end = best, to
		}
		found = append(found, span{v.original(i), v.original(to)})
	}
	return found
}

// longestAt returns the longest of the pattern p and those after it that text has at i, and where
// it ends; 0 if it has none of them.
func (x *index) longestAt(p int32, text []byte, i int) (best int32, end int) {
	begin := key(text[i:])
	for ; p != 0; p = x.patterns[p-1].next {
		if x.patterns[p-1].key != begin {
			continue
		}
		value, f := x.values[x.patterns[p-1].value], forms[x.patterns[p-1].form]
		n := f.length(value)
		if !f.begins(value, text[i:], n) || f.alphabet == "" && len(value) < minSecret && !isAlone(text, i, i+n) {
			continue
		}
		if to := f.end(value, text, i+n); to > end {
			best, end = p-1, to
		}
	}
	return best, end
}

// begun is where a pattern begins of which text has only the beginning; len(text) if none does.
func (x *index) begun(text []byte) int {
	for i := max(0, len(text)-x.longest); i < len(text); i++ {
		rest := text[i:]
		if len(rest) < keyBytes {
			if x.begins(rest) {
				return i
			}
			continue
		}
		for p := x.heads[key(rest)*multiplier>>x.shift]; p != 0; p = x.patterns[p-1].next {
			value, f := x.values[x.patterns[p-1].value], forms[x.patterns[p-1].form]
			if f.length(value) > len(rest) && f.begins(value, rest, len(rest)) {
				return i
			}
		}
	}
	return len(text)
}

// begins reports whether a pattern begins with a text that is too short for the hash.
func (x *index) begins(text []byte) bool {
	for _, p := range x.patterns {
		if forms[p.form].begins(x.values[p.value], text, len(text)) {
			return true
		}
	}
	return false
}

// isAlone reports whether the word text[from:to] is no part of a longer one.
func isAlone(text []byte, from, to int) bool {
	return (from == 0 || !isWord(text[from-1])) && (to == len(text) || !isWord(text[to]))
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
