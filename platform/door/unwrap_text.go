package door

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// text is the inside of a JSON string, unescaped as it comes.
type text struct {
	r     *bufio.Reader
	ready []byte // of an escaped character, not read yet
	ended bool
}

func newText(inside *bufio.Reader) io.Reader { return &text{r: inside} }

// Read implements io.Reader. It waits for a byte, and for the rest of an escape.
func (t *text) Read(p []byte) (n int, err error) {
	for n < len(p) && !t.ended {
		if len(t.ready) > 0 {
			copied := copy(p[n:], t.ready)
			t.ready, n = t.ready[copied:], n+copied
			continue
		}
		if n > 0 && t.r.Buffered() == 0 {
			return n, nil
		}
		if _, err := t.r.Peek(1); err != nil {
			return n, noEOF(err)
		}
		plain, _ := t.r.Peek(min(len(p)-n, t.r.Buffered())) // they are buffered
		if i := bytes.IndexAny(plain, `"\`); i >= 0 {
			plain = plain[:i]
		}
		n += copy(p[n:], plain)
		_, _ = t.r.Discard(len(plain)) // as above
		if len(plain) > 0 {
			continue
		}
		if n > 0 { // an escape may have to be waited for
			return n, nil
		}
		if err := t.special(); err != nil {
			return n, err
		}
	}
	if n == 0 && t.ended {
		return 0, io.EOF
	}
	return n, nil
}

// special takes the end of the string or an escape.
func (t *text) special() error {
	c, _ := t.r.ReadByte() // it is buffered
	if c == '"' {
		t.ended = true
		return nil
	}
	c, err := t.r.ReadByte()
	if err != nil {
		return noEOF(err)
	}
	if c == 'u' {
		return t.unicode()
	}
	var s string
	if json.Unmarshal([]byte{'"', '\\', c, '"'}, &s) != nil {
		return errEnvelope
	}
	t.ready = []byte(s)
	return nil
}

// unicode takes the digits after \u, and the second of a surrogate pair. U+FFFD stands for half a pair.
func (t *text) unicode() error {
	c, err := t.digits()
	t.ready = nil
	for err == nil && utf16.IsSurrogate(c) && t.follows(`\u`) {
		_, _ = t.r.Discard(2) // they are buffered
		var second rune
		if second, err = t.digits(); err != nil {
			break
		}
		if whole := utf16.DecodeRune(c, second); whole != utf8.RuneError {
			c = whole
			break
		}
		t.ready = utf8.AppendRune(t.ready, c)
		c = second
	}
	t.ready = utf8.AppendRune(t.ready, c)
	return err
}

// follows reports whether these bytes come next. It waits for no more than it has to.
func (t *text) follows(want string) bool {
	for n := 1; n <= len(want); n++ {
		if next, _ := t.r.Peek(n); string(next) != want[:n] {
			return false
		}
	}
	return true
}

func (t *text) digits() (rune, error) {
	var hex [4]byte
	if _, err := io.ReadFull(t.r, hex[:]); err != nil {
		return 0, noEOF(err)
	}
	n, err := strconv.ParseUint(string(hex[:]), 16, 16)
	if err != nil {
		return 0, errEnvelope
	}
	return rune(n), nil
}
