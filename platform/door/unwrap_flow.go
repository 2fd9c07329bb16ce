package door

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"

	"fgbootstrap/platform/gateway"
)

// unwrapFlow takes an envelope apart while it arrives. That works if everything else comes before
// the body. If not, body is nil, read is what has been read of src, and the envelope must be
// unwrapped as a whole.
func unwrapFlow(src io.Reader) (answer gateway.Answer, body io.Reader, read []byte) {
	var seen bytes.Buffer
	dec := json.NewDecoder(io.TeeReader(src, &seen))
	members, ok := membersBefore(dec, "body")
	if _, told := members["isBase64Encoded"]; !ok || !told { // it may follow the body
		return answer, nil, seen.Bytes()
	}
	head, err := json.Marshal(members)
	if err == nil {
		answer, err = gateway.Unwrap(head)
	}
	if err != nil {
		return answer, nil, seen.Bytes()
	}
	m := &bodyMember{rest: bufio.NewReader(io.MultiReader(dec.Buffered(), src)), decode: newText}
	if string(members["isBase64Encoded"]) == "true" {
		m.decode = newBase64
	}
	return answer, m, nil
}

// membersBefore reads an object up to the key stop. It returns false if it does not reach that
// key.
func membersBefore(dec *json.Decoder, stop string) (map[string]json.RawMessage, bool) {
	members := map[string]json.RawMessage{}
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, false
	}
	for dec.More() {
		token, err := dec.Token()
		key, isString := token.(string)
		if err != nil || !isString {
			return nil, false
		}
		if key == stop {
			return members, true
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return nil, false
		}
		members[key] = value
	}
	return nil, false
}

var errEnvelope = errors.New("envelope: its body is not a string as isBase64Encoded says, or it is not JSON")

// bodyMember reads the value of a member and the end of the object after it.
type bodyMember struct {
	rest    *bufio.Reader // from the colon on
	decode  func(inside *bufio.Reader) io.Reader
	decoded io.Reader // ends with the string
}

func newBase64(inside *bufio.Reader) io.Reader {
	return base64.NewDecoder(base64.StdEncoding, &quoted{r: inside})
}

func (m *bodyMember) Read(p []byte) (int, error) {
	if m.decoded == nil {
		for _, want := range []byte(`:"`) {
			if c, err := m.afterBlanks(); err != nil || c != want {
				return 0, errEnvelope
			}
		}
		m.decoded = m.decode(m.rest)
	}
	n, err := m.decoded.Read(p)
	if err == io.EOF {
		return n, m.end()
	}
	return n, err
}

func (m *bodyMember) afterBlanks() (c byte, err error) {
	for {
		if c, err = m.rest.ReadByte(); err != nil || !bytes.ContainsRune([]byte(" \t\r\n"), rune(c)) {
			return c, err
		}
	}
}

// end reads what follows the member, and returns io.EOF if that is the end of an object.
func (m *bodyMember) end() error {
	rest, err := io.ReadAll(io.LimitReader(m.rest, 64<<10))
	if err != nil {
		return err
	}
	if !json.Valid(append([]byte(`{"body":""`), rest...)) {
		return errEnvelope
	}
	return io.EOF
}

// quoted is the inside of a JSON string of base64, in which nothing but a slash may be escaped.
type quoted struct {
	r     *bufio.Reader
	ended bool
}

func (q *quoted) Read(p []byte) (int, error) {
	if q.ended {
		return 0, io.EOF
	}
	if _, err := q.r.Peek(1); err != nil {
		return 0, noEOF(err)
	}
	there, _ := q.r.Peek(min(len(p), q.r.Buffered())) // they are buffered
	n := len(there)
	if i := bytes.IndexAny(there, `"\`); i >= 0 {
		n = i
	}
	copy(p, there[:n])
	_, _ = q.r.Discard(n) // as above
	if n > 0 || len(p) == 0 {
		return n, nil
	}
	switch c, _ := q.r.ReadByte(); c { // as above
	case '"':
		q.ended = true
		return 0, io.EOF
	default: // a backslash
		if escaped, err := q.r.ReadByte(); err != nil || escaped != '/' {
			return 0, errEnvelope
		}
		p[0] = '/'
		return 1, nil
	}
}

// noEOF makes an error of an end that comes too early.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
