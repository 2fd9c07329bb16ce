package api

import (
	"strings"
	"time"

	"fgbootstrap/platform/httpserver"

	"github.com/valyala/fasthttp"
)

// poll answers GET …/invocation/request, which waits until there is an event.
func (l *Listener) poll(ctx *fasthttp.RequestCtx, c *httpserver.Conn) {
	l.server.history.polled(time.Now())
	if rule, ok := l.server.faults.take(DoorPoll, false); ok {
		pollFault(ctx, c, rule)
		return
	}
	call := l.next(c)
	if call == nil { // nobody is there to be answered
		_ = c.Close()
		return
	}
	l.server.writeEvent(ctx, call)
	if rule, ok := l.server.faults.take(DoorPoll, true); ok {
		eventFault(ctx, c, rule)
	}
}

// next waits for an event for this connection; nil if the client hangs up or the server closes.
func (l *Listener) next(c *httpserver.Conn) *call {
	for {
		got := l.park(c)
		if got == nil {
			return nil
		}
		if c.Gone() { // it died after the event was handed over: the next poller shall have it
			l.server.queue.putBack(got)
			return nil
		}
		if l.deliver(got) {
			return got
		}
	}
}

func (l *Listener) park(c *httpserver.Conn) *call {
	ticket := l.server.queue.ticket()
	select {
	case got := <-ticket:
		return got
	default:
	}
	hungUp, stop := c.Watch()
	defer stop()
	select {
	case got := <-ticket:
		return got
	case <-hungUp:
	case <-l.server.closing:
	}
	l.server.queue.leave(ticket)
	return nil
}

// deliver starts the event's time; false if its caller has gone meanwhile.
func (l *Listener) deliver(c *call) bool {
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	if c.stage != queued {
		return false
	}
	c.stage, c.started, c.instance = delivered, time.Now(), l.number()
	l.taker.Store(int64(c.instance))
	close(c.taken)
	return true
}

func (s *Server) writeEvent(ctx *fasthttp.RequestCtx, c *call) {
	ctx.SetContentType("application/json")
	invokeType := map[bool]string{false: "sync", true: "async"}[c.event.Async]
	own := map[string]string{"X-Cff-Request-Id": c.id, "X-CFF-Invoke-Type": invokeType}
	for _, h := range mergeHeaders(s.cfg.Credentials.headers(), s.cfg.Headers, own, c.event.Headers) {
		ctx.Response.Header.Set(h[0], h[1])
	}
	ctx.SetBody(c.event.Payload)
}

// mergeHeaders merges sets of headers, ignoring the case of names. Later sets win; an empty value
// removes a header.
func mergeHeaders(sets ...map[string]string) map[string][2]string {
	merged := make(map[string][2]string)
	for _, set := range sets {
		for name, value := range set {
			if value == "" {
				delete(merged, strings.ToLower(name))
			} else {
				merged[strings.ToLower(name)] = [2]string{name, value}
			}
		}
	}
	return merged
}

func pollFault(ctx *fasthttp.RequestCtx, c *httpserver.Conn, rule Rule) {
	switch rule.Kind {
	case "reset":
		c.Reset()
	case "500":
		answer(ctx, fasthttp.StatusInternalServerError, "a fault rule asked for this")
	case "noid":
		ctx.SetBodyString("{}")
	case "empty":
		ctx.SetStatusCode(fasthttp.StatusNoContent)
	}
}

func eventFault(ctx *fasthttp.RequestCtx, c *httpserver.Conn, rule Rule) {
	if rule.Kind == "bighead" {
		bigHead(&ctx.Response.Header, rule.Size)
	}
	body := len(ctx.Response.Body())
	ctx.Response.Header.SetContentLength(body)
	head := len(ctx.Response.Header.Header())
	switch rule.Kind {
	case "cuthead":
		c.CutAnswer(head / 2)
	case "cut":
		c.CutAnswer(min(head+body/2, head+body-1))
	case "slow":
		c.SlowAnswer(rule.Wait, head+body)
	}
}

// bigHead adds metadata headers of about size bytes in all, none longer than 4 KB.
func bigHead(h *fasthttp.ResponseHeader, size int64) {
	const line = 4 << 10
	for i := 0; size > 0; i++ {
		name := "X-CFF-Extra-" + strings.Repeat("I", i+1)
		n := min(size, line)
		h.Set(name, strings.Repeat("x", int(max(n-int64(len(name)+4), 1))))
		size -= n
	}
}
