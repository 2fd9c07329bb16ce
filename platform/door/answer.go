package door

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"fgbootstrap/platform/gateway"

	"github.com/valyala/fasthttp"
)

// write answers. Headers that belong to the connection are the server's to set, and so is the
// length of a body; if there is no body (HEAD, 304) the function's Content-Length stays.
func write(ctx *fasthttp.RequestCtx, r response) {
	a := r.answer
	head := answerHead(a, ctx.IsHead())
	// The parser keeps what the setters take as their own, Date above all.
	h := &ctx.Response.Header
	h.DisableNormalizing()
	if err := h.Read(bufio.NewReaderSize(bytes.NewReader(head), len(head))); err != nil {
		ctx.SetStatusCode(fasthttp.StatusInternalServerError)
		ctx.SetBodyString(err.Error())
		return
	}
	h.ResetConnectionClose() // the parser saw an answer that ends with its connection
	switch goesOut := hasBody(a.Status) && !ctx.IsHead(); {
	case goesOut && r.stream != nil:
		ctx.Response.SetBodyStream(answerBody{r.stream}, -1)
	case goesOut:
		ctx.Response.SetBodyRaw(a.Body)
	case r.stream != nil:
		_ = r.stream.Close() // never fails
	}
}

func hasBody(status int) bool {
	return status != fasthttp.StatusNoContent && status != fasthttp.StatusNotModified
}

func answerHead(a gateway.Answer, isHead bool) []byte {
	b := fmt.Appendf(nil, "HTTP/1.1 %d\r\n", a.Status)
	drop := a.Header.HopByHop()
	drop["content-length"] = true
	var encodings []string
	for _, f := range a.Header {
		value := strings.Map(visible, f.Value)
		switch name := strings.ToLower(f.Name); {
		case drop[name]:
		case name == "content-encoding": // the library has room for one
			encodings = append(encodings, value)
		default:
			b = fmt.Appendf(b, "%s: %s\r\n", f.Name, value)
		}
	}
	if len(encodings) > 0 {
		b = fmt.Appendf(b, "Content-Encoding: %s\r\n", strings.Join(encodings, ", "))
	}
	if length, ok := declaredLength(a, isHead); ok {
		b = fmt.Appendf(b, "Content-Length: %d\r\n", length)
	}
	if !a.Header.Has("Date") {
		b = append(fasthttp.AppendHTTPDate(append(b, "Date: "...), time.Now()), "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// visible keeps a value on its line. An envelope's values always are; the errorType of an error
// may contain anything.
func visible(c rune) rune {
	if c < ' ' && c != '\t' || c == 0x7f {
		return ' '
	}
	return c
}

// declaredLength returns the Content-Length of an answer without a body: the one that the
// function gives, or for HEAD the length of a body that it gave anyway.
func declaredLength(a gateway.Answer, isHead bool) (uint64, bool) {
	if a.Status == fasthttp.StatusNoContent || !isHead && a.Status != fasthttp.StatusNotModified {
		return 0, false
	}
	if declared, ok := a.Header.Get("Content-Length"); ok {
		if n, err := strconv.ParseUint(declared, 10, 63); err == nil {
			return n, true
		}
	}
	return uint64(len(a.Body)), hasBody(a.Status) && len(a.Body) > 0
}
