package apig

import (
	"bytes"
	"io"
	"math"
	"strconv"
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

// Field is a header of an answer.
type Field struct{ Name, Value []byte }

// AppendHead appends the beginning of an envelope, up to the last header. Fields with one
// name become an array; it clears their names.
func AppendHead(dst []byte, status int, fields []Field) []byte {
	dst = append(dst, `{"statusCode":`...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, `,"headers":{`...)
	first := true
	for i, f := range fields {
		if f.Name == nil { // written with an earlier one
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = appendString(dst, f.Name)
		dst = append(dst, ':')
		dst = appendValues(dst, f, fields[i+1:])
	}
	return dst
}

// appendValues appends the value of a header. If others have the same name it appends an array of
// all values and takes the others out.
func appendValues(dst []byte, f Field, others []Field) []byte {
	many := false
	start := len(dst)
	dst = appendString(dst, f.Value)
	for i, other := range others {
		if !bytes.EqualFold(other.Name, f.Name) {
			continue
		}
		if !many {
			dst = append(dst, 0)
			copy(dst[start+1:], dst[start:])
			dst[start] = '['
			many = true
		}
		dst = append(dst, ',')
		dst = appendString(dst, other.Value)
		others[i].Name = nil
	}
	if many {
		dst = append(dst, ']')
	}
	return dst
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

// appendOK appends the head of the envelope for a program's bare result.
func appendOK(dst []byte, contentType string) []byte {
	return AppendHead(dst, 200, []Field{{[]byte("Content-Type"), []byte(contentType)}})
}

// Append appends to dst an envelope with result, which has at most limit bytes: as text, or in
// base64 if binary is set, result is not text, or text would grow dst past limit. Text stops then,
// and base64 takes a third more, so the total never exceeds twice the limit plus the envelope itself.
func Append(dst, result []byte, binary bool, limit int) []byte {
	dst = appendOK(dst, ContentType(result))
	if !binary && utf8.Valid(result) {
		text := jsonscan.AppendText(append(dst, TextBody...), result, limit)
		if len(text)+len(End) <= limit {
			return append(text, End...)
		}
	}
	dst = append(dst, Base64Body...)
	dst = jsonscan.AppendBase64(dst, result)
	return append(dst, End...)
}

// Size returns the most bytes that n bytes take in an envelope of Stream.
func Size(n int64) int64 {
	longest := len(appendOK(nil, "application/octet-stream; charset=utf-8"))
	return int64(longest+len(Base64Body)+len(End)) + (n+2)/3*4
}

// Stream begins a base64 envelope for a result that begins with first. What is written to it goes
// to w at once, except for the last two bytes, which may have to wait for a third. Close ends the
// envelope.
func Stream(w io.Writer, first []byte) (io.WriteCloser, error) {
	s := &stream{w: w, out: append(appendOK(nil, ContentType(jsonscan.WholeRunes(first))), Base64Body...)}
	return s, nil
}

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
