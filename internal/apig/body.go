package apig

import (
	"bytes"
	"encoding/base64"
	"io"

	"fgbootstrap/internal/jsonscan"
)

// pieceBytes is how much base64 is decoded at a time, a multiple of four.
const pieceBytes = 32 << 10

// Body is the body of a request. A large one in base64 stays in the event and is decoded while it
// is sent, so that it needs no memory. That means decoding it twice, since nothing of an invalid
// one may be sent.
type Body struct {
	Size int // in bytes, of what it is

	raw    []byte // what it is, or its base64
	base64 bool
	piece  []byte // room for a piece of it
}

// Plain returns the body, or false if it must be decoded.
func (b *Body) Plain() (plain []byte, ok bool) { return b.raw, !b.base64 }

// reset forgets the body before.
func (b *Body) reset() { *b = Body{piece: b.piece} }

// read takes an event's body and isBase64Encoded.
func (b *Body) read(raw, isBase64 []byte) error {
	encoded := string(isBase64) == "true"
	if !encoded && isBase64 != nil && string(isBase64) != "false" && string(isBase64) != "null" {
		return refused("its isBase64Encoded is neither true nor false")
	}
	if raw == nil || string(raw) == "null" {
		return nil
	}
	content, ok := stringOf(raw)
	if raw[0] != '"' || !ok {
		return refused("its body is not a JSON string")
	}
	if !encoded {
		b.raw, b.Size = content, len(content)
		return nil
	}
	b.raw = content
	err := b.measure()
	if err != nil { // base64 may have line ends, seldom as that is
		b.raw = bytes.ReplaceAll(bytes.ReplaceAll(content, []byte("\r"), nil), []byte("\n"), nil)
		err = b.measure()
	}
	if err != nil {
		return refused("its isBase64Encoded is true, but its body is not base64")
	}
	if b.base64 = len(b.raw) > pieceBytes; !b.base64 {
		b.raw = b.piece[:b.Size]
	}
	return nil
}

// measure sets the size of what b.raw is the base64 of.
func (b *Body) measure() error {
	b.Size = 0
	return b.decode(func(piece []byte) error {
		b.Size += len(piece)
		return nil
	})
}

// decode calls take with what b.raw is the base64 of, piece by piece, each in b.piece.
func (b *Body) decode(take func(piece []byte) error) error {
	for rest := b.raw; len(rest) > 0; {
		n := min(len(rest), pieceBytes)
		var err error
		b.piece, err = jsonscan.AppendDecoded(b.piece[:0], rest[:n])
		if err == nil && n < len(rest) && len(b.piece) != n/4*3 {
			err = base64.CorruptInputError(n) // padding, but no end
		}
		if err == nil {
			err = take(b.piece)
		}
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// WriteTo implements io.WriterTo.
func (b *Body) WriteTo(w io.Writer) (written int64, err error) {
	write := func(piece []byte) error {
		n, err := w.Write(piece)
		written += int64(n)
		return err
	}
	if b.base64 {
		err = b.decode(write)
	} else {
		err = write(b.raw)
	}
	return written, err
}
