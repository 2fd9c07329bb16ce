package httpserver

import (
	"errors"
	"io"

	"github.com/valyala/fasthttp"
)

// ErrBodyTooLarge means that a body over the limit arrived completely.
var ErrBodyTooLarge = errors.New("body too large")

// Body reads a request's body, once: whole, or until it breaks.
type Body struct {
	ctx  *fasthttp.RequestCtx
	conn *Conn
	size int64
	cut  int64 // reset the connection after so many bytes; 0 is never
}

// NewBody returns the body of a request that came on that connection.
func NewBody(ctx *fasthttp.RequestCtx, c *Conn) *Body {
	return &Body{ctx: ctx, conn: c}
}

// Length is the declared length in bytes, -1 for a chunked body, and -2 if nothing is declared.
func (b *Body) Length() int { return b.ctx.Request.Header.ContentLength() }

// Size returns how many bytes have arrived, also of a body over the limit.
func (b *Body) Size() int64 { return b.size }

// CutAfter makes CopyTo end with ErrSabotaged after size bytes. If size is 0, it does so after
// half of the declared length, or after 64 KB of a stream.
func (b *Body) CutAfter(size int64) {
	b.cut = size
	if length := b.Length(); size == 0 && length >= 0 {
		b.cut = max(int64(length/2), 1)
	} else if size == 0 {
		b.cut = 64 << 10
	}
}

// CopyTo copies the body to dst; nil means that all of it arrived. A body of more than limit
// bytes is read to its end but not copied further, and the error is ErrBodyTooLarge: otherwise
// the client would still be writing when the answer comes, and never read it. If the body broke
// off, the error is io.ErrUnexpectedEOF or the connection's error. An error of dst ends the copy.
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
	if length := b.Length(); length >= 0 {
		return min(max(length, 512), 256<<10)
	}
	return 256 << 10
}

// verdict distinguishes a body that has ended from one that broke off. The parser below reports
// io.EOF for both; but a whole body never makes it read up to the end of the connection, and a
// declared length has to be reached.
func (b *Body) verdict(err error, over bool) error {
	length := int64(b.Length())
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
