package door

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fgbootstrap/platform/api"
	"fgbootstrap/platform/gateway"
	"fgbootstrap/platform/httpserver"

	"github.com/valyala/fasthttp"
)

// readRequest copies the request; nothing of it refers to the server's memory. A body over the
// limit is read to its end and is an api.ErrEventTooLarge.
//
// It takes everything as it was sent and not as the library presents it: the library merges and
// unquotes cookies and drops empty and repeated values of some headers.
func readRequest(ctx *fasthttp.RequestCtx, c *httpserver.Conn, limit int64) (gateway.Request, error) {
	path, query, host := splitTarget(string(ctx.Request.Header.Peek(targetKey)))
	if host == "" {
		host = string(ctx.Request.Header.Host())
	}
	r := gateway.Request{
		Method: string(ctx.Method()), Path: path, Query: query, Host: host,
		Remote: ctx.RemoteIP().String(),
		Header: headerLines(&ctx.Request.Header),
	}
	var buf bytes.Buffer
	b := httpserver.NewBody(ctx, c)
	err := b.CopyTo(&buf, limit)
	r.Body = buf.Bytes()
	switch raw := ctx.Request.Header.RawHeaders(); {
	case errors.Is(err, httpserver.ErrBodyTooLarge):
		err = fmt.Errorf("%w: a body of %d bytes, the limit is %d", api.ErrEventTooLarge, b.Size(), limit)
	case err == nil && len(raw) > 0 && len(r.Header) == 0:
		err = errors.New("the head ends in a bare line feed")
	}
	return r, err
}

// splitTarget takes a request's target apart; authority is empty unless it has the form for
// proxies, http://host/path.
func splitTarget(target string) (path, query, authority string) {
	path, query, _ = strings.Cut(target, "?")
	if scheme, rest, ok := strings.Cut(path, "://"); ok && !strings.Contains(scheme, "/") {
		i := strings.IndexByte(rest+"/", '/')
		authority, path = rest[:i], rest[i:]
		authority = authority[strings.LastIndexByte(authority, '@')+1:]
		if path == "" {
			path = "/"
		}
	}
	return path, query, authority
}

// headerLines can be called only once: the library joins folded lines in place. If the head ends
// in a bare line feed, the library accepts it but no longer has its lines.
func headerLines(h *fasthttp.RequestHeader) gateway.Header {
	var list gateway.Header
	for name, value := range h.AllInOrder() {
		list.Add(string(name), string(value))
	}
	return list
}

// isLast reports whether nothing may follow the request on its connection: the client said so, in
// a form that the library overlooks, or it declared its body's length in two ways, as smugglers
// do.
func isLast(r gateway.Request) bool {
	return slices.Contains(r.Header.ConnectionTokens(), "close") ||
		r.Header.Has("Content-Length") && r.Header.Has("Transfer-Encoding")
}

// targetKey is where prepare keeps the target, among the headers, under a name that no client can send.
const targetKey = ":target"

// prepare sees the head before the library interprets it. The library would take some targets for
// a host (//a://b), cut them at a #, or refuse them. It knows only one spelling of Expect:
// 100-continue, and clients before HTTP/1.1 would not understand the interim answer.
func prepare(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	h.SetBytesV(targetKey, h.RequestURI())
	h.SetRequestURI("/")
	if !h.IsHTTP11() {
		h.Del("Expect")
	} else if strings.EqualFold(string(h.Peek("Expect")), "100-continue") {
		h.Set("Expect", "100-continue")
	}
	return fasthttp.RequestConfig{}
}
