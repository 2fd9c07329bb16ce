// Package door is the HTTP server in front of a function: raw events at RawPath, and the API
// gateway anywhere else. Package gateway says what a request means; this package reads requests
// and writes answers byte for byte.
package door

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"

	"fgbootstrap/platform"
	"fgbootstrap/platform/api"
	"fgbootstrap/platform/gateway"
	"fgbootstrap/platform/httpserver"

	"github.com/valyala/fasthttp"
)

// RawPath is where an event is POSTed as it is.
const RawPath = "/_fg/invoke"

// Config says how the API gateway behind a door does what its vendor does not document.
type Config struct {
	// EncodedPaths has the paths of calls reach the function as they were sent, not decoded.
	EncodedPaths bool
}

// Door is the front of a platform: an HTTP server where POST /_fg/invoke takes raw events, and
// any other request is an API gateway call.
//
// A raw event's answer is the function's result; a failed invocation is a 500 with the error's
// JSON and its type in X-Cff-Function-Error. ?async=1 makes the invocation type async; the answer
// still waits for the result.
//
// gateway.NewEvent says what becomes of a call, gateway.Unwrap what becomes of a result. The
// answer is the envelope's except for headers of the connection. The length of a body is counted;
// for HEAD and 304, which have no body, the function's own Content-Length stays. Date and
// X-Request-Id are added if the function gives none; nothing else is added. A client that leaves
// does not end its invocation.
//
// A streamed result reaches the client as it arrives: for a raw event unchanged, for a call as
// the body of the answer, provided that it comes last in the envelope, after isBase64Encoded. If the
// result breaks off, so does the answer.
type Door struct {
	config Config
	p      *platform.Platform
	server *httpserver.Server
	addr   string
	ctx    context.Context
	cancel context.CancelFunc
}

// Open is Config.Open of the zero Config.
func Open(p *platform.Platform, addr string) (*Door, error) { return Config{}.Open(p, addr) }

// Open listens on addr, host:port, and calls the function of p. The error is net.Listen's. Both
// are the caller's to close: p first, so that calls under way get their answers.
func (c Config) Open(p *platform.Platform, addr string) (*Door, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	d := &Door{config: c, p: p, addr: ln.Addr().String()}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.server = httpserver.New(d.handle)
	d.server.HTTP().DisableHeaderNamesNormalizing = false // or it would overlook expect and connection in lower case
	d.server.HTTP().NoDefaultDate = true                  // see write
	d.server.HTTP().HeaderReceived = prepare
	d.server.HTTP().ErrorHandler = unreadable
	d.server.Go(func() { d.server.Serve(ln) })
	return d, nil
}

// Addr returns where it listens, host:port.
func (d *Door) Addr() string { return d.addr }

// Close ends all calls and returns when none is left.
func (d *Door) Close() error {
	d.cancel()
	return d.server.Close()
}

func (d *Door) handle(ctx *fasthttp.RequestCtx, c *httpserver.Conn) {
	r, err := readRequest(ctx, c, d.p.API().PayloadLimit())
	switch {
	case errors.Is(err, api.ErrEventTooLarge):
		write(ctx, refusal(err))
	case err != nil:
		unreadable(ctx, err)
		ctx.SetConnectionClose()
	default:
		write(ctx, d.answer(r))
	}
	if isLast(r) {
		ctx.SetConnectionClose()
	}
}

// unreadable answers what is not a request.
func unreadable(ctx *fasthttp.RequestCtx, err error) {
	var long *fasthttp.ErrSmallBuffer
	if errors.As(err, &long) {
		write(ctx, refused(fasthttp.StatusRequestHeaderFieldsTooLarge, "the head of the request is too long"))
		return
	}
	write(ctx, refused(fasthttp.StatusBadRequest, "the request can't be read: it is incomplete or not HTTP/1.1"))
}

// response is what goes out to a client.
type response struct {
	answer gateway.Answer
	stream io.ReadCloser // the body while it is still arriving, else nil; the writer of the response closes it
}

func (d *Door) answer(r gateway.Request) response {
	switch {
	case r.Path == RawPath && r.Method == fasthttp.MethodPost:
		return d.raw(r)
	case r.Path == RawPath:
		not := refused(fasthttp.StatusMethodNotAllowed, "POST the event's bytes here")
		not.answer.Header.Add("Allow", "POST")
		return not
	case strings.HasPrefix(r.Path, "/_fg/"):
		return refused(fasthttp.StatusNotFound, "there is nothing here but POST "+RawPath)
	case r.Method == fasthttp.MethodConnect:
		return refused(fasthttp.StatusNotImplemented, "CONNECT is for proxies, and this is not a proxy")
	default:
		return d.gateway(r)
	}
}

func (d *Door) raw(r gateway.Request) response {
	query, _ := url.ParseQuery(r.Query) // an unreadable query is not async
	async, _ := strconv.ParseBool(query.Get("async"))
	result, stream, err := d.begin(api.Event{Payload: r.Body, Async: async})
	if err != nil {
		return refusal(err)
	}
	a := gateway.Answer{Status: fasthttp.StatusOK}
	if stream != nil {
		a.Header.Add("X-Cff-Request-Id", stream.id)
		a.Header.Add("Content-Type", "application/octet-stream")
		return response{a, stream}
	}
	a.Header.Add("X-Cff-Request-Id", result.RequestID)
	a.Body = result.Payload
	if result.Failed {
		a.Status = fasthttp.StatusInternalServerError
		a.Header.Add("X-Cff-Function-Error", errorType(result))
	}
	contentType := "application/octet-stream"
	if json.Valid(result.Payload) {
		contentType = "application/json"
	}
	a.Header.Add("Content-Type", contentType)
	return response{answer: a}
}

// errorType returns the function's errorType, or the platform's code.
func errorType(r *api.Result) string {
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

// gateway makes the call. If the function sets a header that the gateway adds, the function's
// stays.
func (d *Door) gateway(r gateway.Request) response {
	id := strings.ReplaceAll(api.NewID(), "-", "")
	out, invocation := d.call(r, id)
	header := &out.answer.Header
	if !header.Has("X-Request-Id") {
		header.Add("X-Request-Id", id)
	}
	if invocation != "" && !header.Has("X-Cff-Request-Id") {
		header.Add("X-Cff-Request-Id", invocation)
	}
	return out
}

// call also returns the invocation's id, if there was one.
func (d *Door) call(r gateway.Request, id string) (response, string) {
	r.EncodedPath = d.config.EncodedPaths
	event, err := gateway.NewEvent(r, id)
	if err != nil {
		return refused(fasthttp.StatusBadRequest, err.Error()), ""
	}
	result, stream, err := d.begin(api.Event{Payload: event})
	if stream != nil {
		answer, body, read := unwrapFlow(stream)
		if body != nil {
			d.warn(stream.id, answer)
			return response{answer, struct {
				io.Reader
				io.Closer
			}{body, stream}}, stream.id
		}
		result, err = stream.held(read)
	}
	if err != nil {
		return refusal(err), ""
	}
	return response{answer: d.unwrap(result)}, result.RequestID
}

// unwrap makes the answer of a result. What is wrong with that only the log says, as at the real
// gateway.
func (d *Door) unwrap(r *api.Result) gateway.Answer {
	if r.Failed && r.Code != 0 {
		return gateway.NoResult(r.Message)
	}
	if r.Failed {
		return gateway.NotAnEnvelope()
	}
	answer, err := gateway.Unwrap(r.Payload)
	if err != nil {
		d.p.Logf("the result of request '%s' is not valid for the API gateway: %v", r.RequestID, err)
		return gateway.NotAnEnvelope()
	}
	d.warn(r.RequestID, answer)
	return answer
}

// insteadOf says what to do instead of a member of the envelope that the gateway ignores.
var insteadOf = map[string]string{
	"multiValueHeaders": "give a header of several values an array in headers",
	"cookies":           `put them into headers as "Set-Cookie", an array if there are several`,
}

func (d *Door) warn(id string, answer gateway.Answer) {
	for _, name := range answer.Ignored {
		d.p.Logf("warning: the result of request '%s' has %s, which the API gateway does not know and ignores: %s", id, name, insteadOf[name])
	}
}

// refusal answers for an event that never reached the function.
func refusal(err error) response {
	if errors.Is(err, api.ErrEventTooLarge) {
		return refused(fasthttp.StatusRequestEntityTooLarge, err.Error())
	}
	return refused(fasthttp.StatusServiceUnavailable, err.Error())
}

func refused(status int, msg string) response {
	return response{answer: gateway.ErrorAnswer(status, status, msg)}
}
