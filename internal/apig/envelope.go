package apig

import (
	"bytes"
	"io"
	"math"
	"unicode/utf8"

	"fgbootstrap/internal/jsonscan"
)

// The parts of an envelope after its headers. The envelope is written by hand because a body may
// have 6 MB and goes into memory outside the heap.
const (
	TextBody   = `},"isBase64Encoded":false,"body":"` // a JSON string follows
	Base64Body = `},"isBase64Encoded":true,"body":"`  // base64 follows
	End        = `"}`
)

// appendValues appends the value of a header, or an array if others have the same name.
func appendValues(dst []byte, f Field, others []Field) []byte {
	next := find(others, f.Name)
	if next < 0 {
		return appendString(dst, f.Value)
	}
	dst = appendString(append(dst, '['), f.Value)
	for ; next >= 0; next = find(others, f.Name) {
		dst = appendString(append(dst, ','), others[next].Value)
		others = others[next+1:]
	}
	return append(dst, ']')
}

// appendString appends text as a JSON string. Headers may be in Latin-1, which JSON
// can't hold.
func appendString(dst, text []byte) []byte {
	dst = append(dst, '"')
	if !utf8.Valid(text) {
		var latin []rune
		for _, c := range text {
			latin = append(latin, rune(c))
		}
		text = []byte(string(latin))
	}
	dst = jsonscan.AppendText(dst, text, math.MaxInt)
	return append(dst, '"')
}

// stream is a body in base64.
type stream struct {
	w   io.Writer
	b64 Encoder
	out []byte // what is not written yet; its room is used again
}

func (s *stream) Write(p []byte) (int, error) {
	s.out = s.b64.Append(s.out, p)
	return len(p), s.flush()
}

func (s *stream) Close() error {
	s.out = append(s.b64.End(s.out), End...)
	return s.flush()
}

func (s *stream) flush() error {
	_, err := s.w.Write(s.out)
	s.out = s.out[:0]
	return err
}

// TextStream is a body as text in an envelope, whose bytes go to w as they come, but for a character
// that is not whole. U+FFFD stands for what is no UTF-8.
type TextStream struct {
	Mended bool // something was no UTF-8

	w    io.Writer
	out  []byte
	rest []byte // the beginning of a character, and what comes next
}

// NewTextStream continues an envelope that begins with head, up to its last header; the first Write
// writes that.
func NewTextStream(w io.Writer, head []byte) *TextStream {
	return &TextStream{w: w, out: append(head, TextBody...)}
}

// Write implements io.Writer.
func (s *TextStream) Write(p []byte) (int, error) {
	text := p
	if len(s.rest) > 0 {
		s.rest = append(s.rest, p...)
		text = s.rest
	}
	whole := jsonscan.WholeRunes(text)
	s.out = jsonscan.AppendText(s.out, s.valid(whole), math.MaxInt)
	s.rest = append(s.rest[:0], text[len(whole):]...)
	return len(p), s.flush()
}

// Close ends the envelope.
func (s *TextStream) Close() error {
	s.out = append(jsonscan.AppendText(s.out, s.valid(s.rest), math.MaxInt), End...)
	return s.flush()
}

func (s *TextStream) flush() error {
	_, err := s.w.Write(s.out)
	s.out = s.out[:0]
	return err
}

func (s *TextStream) valid(text []byte) []byte {
	if utf8.Valid(text) {
		return text
	}
	s.Mended = true
	return bytes.ToValidUTF8(text, []byte("\ufffd"))
}

// noBody is the envelope of an answer that has no body, whatever is written to it.
type noBody struct {
	w   io.Writer
	out []byte
}

func (n *noBody) Write(p []byte) (int, error) {
	_, err := n.w.Write(n.out)
	n.out = n.out[:0]
	return len(p), err
}

func (n *noBody) Close() error {
	_, err := n.w.Write(append(n.out, End...))
	return err
}

// Encoder is base64 piece by piece. The zero value is ready.
type Encoder struct {
	rest [3]byte
	n    int // of rest
}

// Append appends the base64 of piece, except for up to two last bytes, which it keeps for the
// next call.
func (e *Encoder) Append(dst, piece []byte) []byte {
	if e.n > 0 {
		taken := copy(e.rest[e.n:], piece)
		e.n += taken
		piece = piece[taken:]
		if e.n < len(e.rest) {
			return dst
		}
		dst = jsonscan.AppendBase64(dst, e.rest[:])
	}
	whole := len(piece) / 3 * 3
	dst = jsonscan.AppendBase64(dst, piece[:whole])
	e.n = copy(e.rest[:], piece[whole:])
	return dst
}

// End appends the rest, with padding.
func (e *Encoder) End(dst []byte) []byte {
	dst = jsonscan.AppendBase64(dst, e.rest[:e.n])
	e.n = 0
	return dst
}
