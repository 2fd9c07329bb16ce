package httpserver

import (
	"errors"
	"hash"
	"io"

	"github.com/valyala/fasthttp"
)

// ErrBodyTooLarge is a body over the limit that arrived to its end.
var ErrBodyTooLarge = errors.New("body too large")

// Body reads a request's body, whole or until it breaks.
type Body struct {
	ctx  *fasthttp.RequestCtx
	conn *Conn
	hash hash.Hash // of what is kept; nil if nobody asks
	size int64
	cut  int64 // reset the connection after so many bytes; 0 is never
}

// CutAfter plans the cut: after size bytes, or if that is 0 half of the declared length, or 64 KB of a stream.
func (b *Body) CutAfter(size int64) {
	b.cut = size
	if length := b.ctx.Request.Header.ContentLength(); size == 0 && length >= 0 {
		b.cut = max(int64(length/2), 1)
	} else if size == 0 {
		b.cut = 64 << 10
	}
}

// CopyTo copies the body to dst; nil means that all of it arrived. What exceeds the limit is read to its end, but not
// copied, or the client would still be writing when the answer comes and never read it.
func (b *Body) CopyTo(dst io.Writer, limit int64) error {
	src := b.ctx.RequestBodyStream()
	if src == nil {
		return nil
	}
	buf := make([]byte, b.bufferSize())
	over := false
	for {
		n, err := src.Read(buf)
		b.size += int64(n)
		if b.cut > 0 && b.size >= b.cut {
			return ErrSabotaged
		}
		over = over || b.size > limit
		if !over && n > 0 {
			if b.hash != nil {
				_, _ = b.hash.Write(buf[:n]) // never fails
			}
			if _, werr := dst.Write(buf[:n]); werr != nil {
				return werr
			}
		}
		if err != nil {
			return b.verdict(err, over)
		}
	}
}

func (b *Body) bufferSize() int {
	if length := b.ctx.Request.Header.ContentLength(); length >= 0 {
		return min(max(length, 512), 256<<10)
	}
	return 256 << 10
}

// verdict tells a body that has ended from one that broke off. The parser below reports io.EOF for both; but a whole
// body never makes it read up to the end of the connection, and a declared length has to be reached.
func (b *Body) verdict(err error, over bool) error {
	length := int64(b.ctx.Request.Header.ContentLength())
	switch {
	case !errors.Is(err, io.EOF):
		return err
	case length < 0 && b.conn.ended.Load(), b.size < length:
		return io.ErrUnexpectedEOF
	case over:
		return ErrBodyTooLarge
	default:
		return nil
	}
}

// NewBody is the body of a request that came on that connection.
func NewBody(ctx *fasthttp.RequestCtx, conn *Conn, hash hash.Hash) *Body {
	return &Body{ctx: ctx, conn: conn, hash: hash}
}

// Size is how many bytes arrived.
func (b *Body) Size() int64 { return b.size }

// Length is the declared one.
func (b *Body) Length() int { return b.ctx.Request.Header.ContentLength() }

// Sum is the digest of what is kept.
func (b *Body) Sum() []byte { return b.hash.Sum(nil) }
