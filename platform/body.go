package platform

import (
	"errors"
	"hash"
	"io"

	"github.com/valyala/fasthttp"
)

var errBodyTooLarge = errors.New("body too large")

// body reads a request's body, whole or until it breaks.
type body struct {
	ctx  *fasthttp.RequestCtx
	conn *conn
	hash hash.Hash // of what is kept; nil if nobody asks
	size int64
	cut  int64 // reset the connection after so many bytes; 0 is never
}

// cutAfter plans the cut: after size bytes, or if that is 0 half of the declared length, or 64 KB of a stream.
func (b *body) cutAfter(size int64) {
	b.cut = size
	if length := b.ctx.Request.Header.ContentLength(); size == 0 && length >= 0 {
		b.cut = max(int64(length/2), 1)
	} else if size == 0 {
		b.cut = 64 << 10
	}
}

// copyTo copies the body to dst; nil means that all of it arrived. What exceeds the limit is read to its end, but not
// copied, or the client would still be writing when the answer comes and never read it.
func (b *body) copyTo(dst io.Writer, limit int64) error {
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
			return errSabotaged
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

func (b *body) bufferSize() int {
	if length := b.ctx.Request.Header.ContentLength(); length >= 0 {
		return min(max(length, 512), 256<<10)
	}
	return 256 << 10
}

// verdict tells a body that has ended from one that broke off. The parser below reports io.EOF for both; but a whole
// body never makes it read up to the end of the connection, and a declared length has to be reached.
func (b *body) verdict(err error, over bool) error {
	length := int64(b.ctx.Request.Header.ContentLength())
	switch {
	case !errors.Is(err, io.EOF):
		return err
	case length < 0 && b.conn.ended.Load(), b.size < length:
		return io.ErrUnexpectedEOF
	case over:
		return errBodyTooLarge
	default:
		return nil
	}
}

// describe fills in what arrived.
func (b *body) describe(r *Report, kept []byte, err error) {
	r.Size, r.Complete = b.size, err == nil || errors.Is(err, errBodyTooLarge)
	copy(r.SHA256[:], b.hash.Sum(nil))
	if len(kept) <= keptBody {
		r.Body = kept
	}
}
