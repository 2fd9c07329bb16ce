package httpproxy

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"math"
	"mime"
	"strings"
	"unicode/utf8"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/apig"
	"fgbootstrap/internal/jsonscan"
	"fgbootstrap/internal/offheap"

	"github.com/valyala/fasthttp"
)

// answerBytes is how much of an answer is taken at a time, a multiple of three: that
// much is base64 without padding. It is more than x.in holds, which then copies nothing.
const answerBytes = 96 << 10

// envelop writes the answer as what the gateway wants. What is valid UTF-8 goes as
// text, and anything else as base64; so does every body while it is streamed, since
// nobody knows yet what will come.
func (x *exchange) envelop(w io.Writer) error {
	x.text = appendHead(x.room(w), &x.answer.Header)
	if x.Streaming {
		return x.encode(w, 0, nil)
	}
	n, err := io.ReadFull(x, x.piece)
	switch {
	case err == nil && isText(&x.answer.Header, jsonscan.WholeRunes(x.piece)):
		return x.collect(w)
	case err == nil:
		return x.encode(w, n, nil)
	case err != io.EOF && err != io.ErrUnexpectedEOF: // of ReadFull: less than it asked for
		return err
	case isText(&x.answer.Header, x.piece[:n]):
		return x.writeText(w, x.piece[:n])
	default:
		return x.encode(w, n, io.EOF)
	}
}

// room is where text for w is made ready: in the response itself, if it has room.
func (x *exchange) room(w io.Writer) []byte {
	if r, ok := w.(interface{ Room() []byte }); ok {
		if room := r.Room(); cap(room) > 0 {
			return room
		}
	}
	if x.own == nil {
		x.own = make([]byte, 0, base64.StdEncoding.EncodedLen(answerBytes)+headBytes)
	}
	return x.own
}

// encode writes the body in base64: x.piece[:have], and what can still be read, unless
// err says that this is all.
func (x *exchange) encode(w io.Writer, have int, err error) error {
	x.text = append(x.text, apig.Base64Body...)
	for {
		whole := have
		if err == nil {
			whole -= have % 3 // the rest goes with what comes
		}
		x.text = jsonscan.AppendBase64(x.text, x.piece[:whole])
		if errors.Is(err, io.EOF) {
			x.text = append(x.text, apig.End...)
		}
		if _, err := w.Write(x.text); err != nil {
			return err
		}
		if err != nil {
			return eofIsNil(err)
		}
		x.text = x.room(w)
		have = copy(x.piece, x.piece[whole:have])
		var n int
		n, err = x.Read(x.piece[have:])
		have += n
	}
}

func eofIsNil(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// collect reads a body that looks like text to its end, and sees whether it is.
func (x *exchange) collect(w io.Writer) error {
	size := min(x.MaxResponse, math.MaxInt-1)
	if declared := int64(x.answer.Header.ContentLength()); declared >= 0 {
		size = declared
	}
	memory, err := offheap.Map(int(size) + 1) // the byte that is too many must have a place
	if err != nil {
		return err
	}
	defer memory.Free()
	n := copy(memory, x.piece)
	for err == nil && n < len(memory) {
		var more int
		more, err = x.Read(memory[n:])
		n += more
	}
	if !errors.Is(err, io.EOF) {
		if err == nil {
			err = adapter.TooLarge(x.MaxResponse, 0)
		}
		return err
	}
	if utf8.Valid(memory[:n]) {
		return x.writeText(w, memory[:n])
	}
	x.text = append(x.text, apig.Base64Body...)
	return x.inPieces(w, memory[:n], jsonscan.AppendBase64)
}

func (x *exchange) writeText(w io.Writer, text []byte) error {
	x.text = append(x.text, apig.TextBody...)
	return x.inPieces(w, text, func(dst, piece []byte) []byte { return jsonscan.AppendText(dst, piece, math.MaxInt) })
}

// inPieces writes what appendTo makes of a body, and the end.
func (x *exchange) inPieces(w io.Writer, body []byte, appendTo func(dst, piece []byte) []byte) error {
	for {
		n := min(len(body), answerBytes)
		x.text = appendTo(x.text, body[:n])
		if body = body[n:]; len(body) == 0 {
			_, err := w.Write(append(x.text, apig.End...))
			return err
		}
		if _, err := w.Write(x.text); err != nil {
			return err
		}
		x.text = x.room(w)
	}
}

// isText tells whether a body reaches the client byte for byte if it is handed over as
// text: it is UTF-8, and says nothing else of itself.
func isText(h *fasthttp.ResponseHeader, body []byte) bool {
	if e := h.ContentEncoding(); len(e) > 0 && !bytes.EqualFold(e, []byte("identity")) {
		return false
	}
	_, parameters, _ := mime.ParseMediaType(string(h.ContentType())) // one that is none has no charset
	switch strings.ToLower(parameters["charset"]) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
	default:
		return false
	}
	return utf8.Valid(body)
}

// appendHead appends the beginning of an envelope, up to the last header.
func appendHead(dst []byte, h *fasthttp.ResponseHeader) []byte {
	var all []apig.Field
	for name, value := range h.All() {
		lower := strings.ToLower(string(name))
		if lower == "content-length" || !apig.OfConnection(lower) {
			all = append(all, apig.Field{Name: name, Value: value})
		}
	}
	return apig.AppendHead(dst, h.StatusCode(), all)
}
