package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/valyala/fasthttp"
)

// RawPath is where an event is POSTed as it is.
const RawPath = "/_fg/invoke"

// Door is the front of a platform: an HTTP server where POST /_fg/invoke takes raw events, and any other request is an
// API gateway call.
//
// A raw event's answer is the function's result; a failed invocation is a 500 with the error's JSON and its type in
// X-Cff-Function-Error. ?async=1 makes the invocation type async; the answer still waits for the result.
type Door struct {
	p      *Platform
	server *server
	addr   string
	ctx    context.Context
	cancel context.CancelFunc
}

// maxRequest is the longest body the door reads; the event's own limit is stricter.
const maxRequest = 16 << 20

// OpenDoor listens on addr, host:port.
func OpenDoor(p *Platform, addr string) (*Door, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	d := &Door{p: p, addr: ln.Addr().String()}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.server = newServer(func(ctx *fasthttp.RequestCtx, _ *conn) { d.handle(ctx) })
	d.server.http.MaxRequestBodySize = maxRequest
	d.server.start(ln)
	return d, nil
}

// Addr is where it listens, host:port.
func (d *Door) Addr() string { return d.addr }

// Close ends all calls and returns when none is left.
func (d *Door) Close() error {
	d.cancel()
	return d.server.close()
}

func (d *Door) handle(ctx *fasthttp.RequestCtx) {
	switch path := string(ctx.Request.URI().PathOriginal()); {
	case path == RawPath && ctx.IsPost():
		d.raw(ctx)
	case path == RawPath:
		ctx.Response.Header.Set("Allow", "POST")
		answer(ctx, fasthttp.StatusMethodNotAllowed, "POST the event's bytes here")
	case strings.HasPrefix(path, "/_fg/"):
		answer(ctx, fasthttp.StatusNotFound, "there is nothing here but POST "+RawPath)
	default:
		d.gateway(ctx)
	}
}

func (d *Door) raw(ctx *fasthttp.RequestCtx) {
	async := ctx.QueryArgs().GetBool("async")
	// A copy: a call that Close ends may still be on its way to the function when ctx is used again.
	r, err := d.p.Invoke(d.ctx, Event{Payload: bytes.Clone(ctx.PostBody()), Async: async})
	if err != nil {
		refuse(ctx, err)
		return
	}
	ctx.Response.Header.Set("X-Cff-Request-Id", r.RequestID)
	if r.Failed {
		ctx.SetStatusCode(fasthttp.StatusInternalServerError)
		ctx.Response.Header.Set("X-Cff-Function-Error", errorType(r))
	}
	ctx.SetContentType("application/octet-stream")
	if json.Valid(r.Payload) {
		ctx.SetContentType("application/json")
	}
	ctx.SetBody(r.Payload)
}

// errorType is the function's errorType, or the platform's code.
func errorType(r *Result) string {
	if r.Code != 0 {
		return fmt.Sprintf("FSS.%d", r.Code)
	}
	var e struct {
		Type string `json:"errorType"`
	}
	if json.Unmarshal(r.Payload, &e) == nil && e.Type != "" {
		return e.Type
	}
	return "Function.Error"
}

func (d *Door) gateway(ctx *fasthttp.RequestCtx) {
	id := strings.ReplaceAll(NewID(), "-", "")
	ctx.Response.Header.Set("X-Request-Id", id)
	event, err := APIGEvent(request(ctx), id)
	if err != nil {
		answer(ctx, fasthttp.StatusBadRequest, err.Error())
		return
	}
	r, err := d.p.Invoke(d.ctx, Event{Payload: event})
	if err != nil {
		refuse(ctx, err)
		return
	}
	ctx.Response.Header.Set("X-Cff-Request-Id", r.RequestID)
	envelope, err := Unwrap(r.Payload)
	if err != nil && !r.Failed {
		// The gateway's answer below does not say what is wrong with the result.
		d.p.logs.printf("the result of request '%s' is none for the API gateway: %v", r.RequestID, err)
	}
	if r.Failed || err != nil {
		ctx.SetStatusCode(fasthttp.StatusInternalServerError)
		ctx.SetContentType("application/json")
		ctx.SetBody(notAnEnvelope(resultText(r)))
		return
	}
	write(ctx, envelope)
}

// resultText is what the gateway quotes: the platform's message, or the function's bytes.
func resultText(r *Result) string {
	if r.Code != 0 {
		return r.Message
	}
	return string(r.Payload)
}

// refuse answers for an event that never reached the function.
func refuse(ctx *fasthttp.RequestCtx, err error) {
	status := fasthttp.StatusServiceUnavailable
	if errors.Is(err, ErrEventTooLarge) {
		status = fasthttp.StatusRequestEntityTooLarge
	}
	answer(ctx, status, err.Error())
}

// request copies the request; nothing of it refers to the server's memory but the body, which lives as long as ctx.
func request(ctx *fasthttp.RequestCtx) HTTPRequest {
	r := HTTPRequest{
		Method: string(ctx.Method()),
		Path:   string(ctx.Request.URI().PathOriginal()),
		Query:  string(ctx.Request.URI().QueryString()),
		Host:   string(ctx.Request.Header.Host()),
		Remote: ctx.RemoteIP().String(),
		Body:   ctx.PostBody(),
	}
	for k, v := range ctx.Request.Header.All() {
		r.Header = append(r.Header, Field{string(k), string(v)})
	}
	return r
}

// write sends an envelope's content. Headers that belong to the connection are ours to set.
func write(ctx *fasthttp.RequestCtx, a HTTPAnswer) {
	ctx.SetStatusCode(a.Status)
	for _, f := range a.Header {
		switch strings.ToLower(f.Name) {
		case "connection", "content-length", "keep-alive", "transfer-encoding", "upgrade":
		default:
			ctx.Response.Header.Add(f.Name, f.Value)
		}
	}
	ctx.SetBody(a.Body)
}
