package httpproxy

import (
	"encoding/base64"
	"errors"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/apig"
	"fgbootstrap/internal/jsonscan"
	"fgbootstrap/internal/offheap"

	"github.com/valyala/fasthttp"
)

// envelop writes the answer as the gateway wants it. Valid UTF-8 goes as text if that fits, anything
// else as base64. A streamed body goes as base64, since nobody knows yet what will come, unless its
// type says that it is UTF-8.
func (a *answer) envelop(r *adapter.Response) error {
	a.text = a.appendHead(a.room(r))
	switch {
	case r.Stream == nil:
	case isUTF8(&a.http.Header):
		return a.streamText(r)
	default:
		return a.encode(r, nil, nil)
	}
	n, err := io.ReadFull(a, a.piece)
	body := a.piece[:n]
	switch {
	case err == nil && isText(&a.http.Header, jsonscan.WholeRunes(body)):
		return a.collect(r)
	case err == nil:
		return a.encode(r, body, nil)
	case err != io.EOF && err != io.ErrUnexpectedEOF: // of ReadFull: less than it asked for
		return err
	default:
		return a.writeWhole(r, body, isText(&a.http.Header, body))
	}
}

// room returns memory in which to prepare text for r: r's own, if it has room.
func (a *answer) room(r *adapter.Response) []byte {
	if room := r.Room(); cap(room) > 0 {
		return room
	}
	if a.own == nil {
		a.own = make([]byte, 0, base64.StdEncoding.EncodedLen(answerBytes)+headBytes)
	}
	return a.own
}

// encode writes the body in base64: piece, of a.piece, and what can still be read, unless
// err says that this is all.
func (a *answer) encode(r *adapter.Response, piece []byte, err error) error {
	var b64 apig.Encoder
	a.text = append(a.text, apig.Base64Body...)
	for {
		a.text = b64.Append(a.text, piece)
		if errors.Is(err, io.EOF) {
			a.text = append(b64.End(a.text), apig.End...)
		}
		if _, err := r.Write(a.text); err != nil {
			size, _ := a.declared()
			return tooLarge(r, err, size)
		}
		if err != nil {
			return eofIsNil(err)
		}
		a.text = a.room(r)
		var n int
		n, err = a.Read(a.piece)
		piece = a.piece[:n]
	}
}

func eofIsNil(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// collect reads a body that looks like text to its end and checks whether it is text.
func (a *answer) collect(r *adapter.Response) error {
	size := min(r.Limit, math.MaxInt-1)
	if declared, ok := a.declared(); ok {
		size = declared
	}
	memory, err := offheap.Map(int(size) + 1) // the byte that is too many must have a place
	if err != nil {
		return err
	}
	defer memory.Free()
	n := copy(memory, a.piece)
	for err == nil && n < len(memory) {
		var more int
		more, err = a.Read(memory[n:])
		n += more
	}
	if !errors.Is(err, io.EOF) {
		if err == nil {
			err = adapter.TooLarge(r.Limit, 0)
		}
		return err
	}
	return a.writeWhole(r, memory[:n], utf8.Valid(memory[:n]))
}

// writeWhole writes a whole body, as text if it is some and fits, else in base64.
func (a *answer) writeWhole(r *adapter.Response, body []byte, text bool) error {
	if text {
		a.text = append(a.text, apig.TextBody...)
		err := a.inPieces(r, body, func(dst, piece []byte) []byte { return jsonscan.AppendText(dst, piece, math.MaxInt) })
		if !isTooLarge(err) || !r.Discard() {
			return err
		}
		a.text = a.appendHead(a.room(r))
	}
	a.text = append(a.text, apig.Base64Body...)
	err := a.inPieces(r, body, jsonscan.AppendBase64)
	return tooLarge(r, err, int64(len(body)))
}

// tooLarge is err, or that an answer with a body of n bytes, 0 if that is not known, is too large
// only in its envelope.
func tooLarge(r *adapter.Response, err error, n int64) error {
	if isTooLarge(err) && r.Discard() {
		return adapter.TooLargeInEnvelope(r.Limit, n)
	}
	return err
}

func isTooLarge(err error) bool {
	var told *adapter.Error
	return errors.As(err, &told) && told.Type == adapter.TypeTooLarge
}

// inPieces writes what appendTo makes of a body, and the end. A piece is a multiple of
// three bytes: that much is base64 without padding.
func (a *answer) inPieces(r *adapter.Response, body []byte, appendTo func(dst, piece []byte) []byte) error {
	for {
		n := min(len(body), answerBytes)
		a.text = appendTo(a.text, body[:n])
		if body = body[n:]; len(body) == 0 {
			_, err := r.Write(append(a.text, apig.End...))
			return err
		}
		if _, err := r.Write(a.text); err != nil {
			return err
		}
		a.text = a.room(r)
	}
}

// streamText writes a body that is UTF-8 by its type as it comes: base64 would hold back the last
// byte or two of each event of a stream until the next event.
func (a *answer) streamText(r *adapter.Response) error {
	out := apig.NewTextStream(r, a.text)
	defer func() { a.mended = out.Mended }()
	n, err := 0, error(nil) // the head goes out before there is a body
	for {
		if _, err := out.Write(a.piece[:n]); err != nil {
			return err
		}
		switch {
		case errors.Is(err, io.EOF):
			return out.Close()
		case err != nil:
			return err
		}
		n, err = a.Read(a.piece)
	}
}

// isText reports whether a body reaches the client byte for byte if it is passed on as text: it
// is UTF-8, and its headers do not say otherwise.
func isText(h *fasthttp.ResponseHeader, body []byte) bool {
	_, may := textType(h)
	return may && utf8.Valid(body)
}

// isUTF8 reports whether a body is UTF-8 by the definition of its type.
func isUTF8(h *fasthttp.ResponseHeader) bool {
	kind, may := textType(h)
	return may && apig.IsUTF8(kind)
}

func textType(h *fasthttp.ResponseHeader) (kind string, may bool) {
	return apig.TextType(h.ContentType(), h.ContentEncoding())
}

// appendHead appends the beginning of an envelope, up to the last header.
// The gateway refuses all of an envelope for a name that HTTP can't carry.
func (a *answer) appendHead(dst []byte) []byte {
	var all []apig.Field
	for name, value := range a.http.Header.All() {
		lower := strings.ToLower(string(name))
		switch {
		case !apig.IsToken(name):
			a.lost = string(name)
		case lower == "content-length" || !apig.OfConnection(lower):
			all = append(all, apig.Field{Name: name, Value: value})
		}
	}
	return apig.Answer{Status: a.http.StatusCode(), Fields: all}.AppendHead(dst)
}
