// Package functiongraph is the client of FunctionGraph's runtime API: one long
// poll for events and two addresses for their outcomes. It follows the vendor's
// page "Custom Runtime"; where that is silent, docs/adr says what was chosen.
// fasthttp's memory does not leave it.
package functiongraph

import (
	"context"
	"errors"
	"net/url"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/retry"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"
)

const (
	pollPath     = "/v1/runtime/invocation/request"
	responsePath = "/v1/runtime/invocation/response/"
	errorPath    = "/v1/runtime/invocation/error/"

	// headerBytes is the limit for an answer's head. With fasthttp's default of 4 KB an event
	// with a token of 6 KB would be lost.
	headerBytes = 64 << 10
	// answerBytes is how much of the body of an answer to a report is read: its status counts, its
	// text is for the log. Without a limit fasthttp would believe any length that is announced.
	answerBytes = 64 << 10
	// longPoll distinguishes a poll that the platform held from one that it refused.
	longPoll = time.Second
)

// Config configures a Client.
type Config struct {
	// Addr is RUNTIME_API_ADDR, host:port.
	Addr string
	// Timeout is RUNTIME_TIMEOUT, from the first byte of an event; Margin is
	// how long before that an invocation has its Deadline.
	Timeout, Margin time.Duration
	Log             *zap.Logger
}

// Client is one poller's adapter.RuntimeAPI, with a connection of its own.
type Client struct {
	Config
	wire   wire
	host   fasthttp.HostClient
	outage outage

	request fasthttp.Request // of the poll
	answer  fasthttp.Response
	event   event
}

// New makes a client; it connects when it first polls, for which it keeps a descriptor.
func New(c Config) *Client {
	client := &Client{Config: c, wire: wire{addr: c.Addr, reserved: reserve(), ctx: context.Background()}, outage: outage{log: c.Log, addr: c.Addr}}
	client.host = fasthttp.HostClient{
		Addr:                     c.Addr,
		Dial:                     client.wire.dial, // not the library's, which may use a proxy
		ReadBufferSize:           headerBytes,
		MaxResponseBodySize:      answerBytes, // not of a poll's answer, which is streamed
		NoDefaultUserAgentHeader: true,
		DisablePathNormalizing:   true, // a request id is data
		// With the default, fasthttp would repeat a poll up to five times and lose events.
		MaxIdemponentCallAttempts: 1,
	}
	client.request.SetRequestURI("http://" + c.Addr + pollPath)
	return client
}

// Next implements adapter.RuntimeAPI. The invocation is valid until the next
// call.
func (c *Client) Next(ctx context.Context) (*adapter.Invocation, error) {
	defer c.wire.until(ctx)()
	var wait retry.Backoff
	for ctx.Err() == nil {
		began, kept := time.Now(), c.host.IdleConnsCount() > 0
		inv, err := c.poll()
		if inv != nil {
			inv.Waited = inv.Received.Sub(began)
			c.outage.over(began)
			return inv, err
		}
		if ctx.Err() != nil {
			break
		}
		if kept && isConnection(err) {
			continue // the kept connection had died: try a fresh one
		}
		held := time.Since(began) > longPoll
		if held && errors.Is(err, errNoEvent) { // an idle platform may well end a long poll
			c.outage.over(began)
		} else {
			c.outage.note(err)
		}
		if held {
			wait.Reset()
			continue // waiting now could delay an event
		}
		wait.Wait(ctx)
	}
	return nil, ctx.Err()
}

// poll asks once. It returns a nil invocation if there was no event.
func (c *Client) poll() (*adapter.Invocation, error) {
	c.event.release()
	c.wire.expect(c.Timeout - c.Margin)
	defer c.wire.over()
	c.answer.StreamBody = true
	err := c.host.Do(&c.request, &c.answer)
	first := c.wire.answered()
	if err != nil {
		if !first.IsZero() {
			err = headError(c.wire.beginning(), err)
		}
		return nil, &connectionError{err}
	}
	defer c.answer.CloseBodyStream() // never fails
	if err := noEvent(&c.answer); err != nil {
		return nil, err
	}
	inv := c.event.begin(&c.answer)
	inv.Received = first
	inv.Expires = first.Add(c.Timeout)
	inv.Deadline = inv.Expires.Add(-c.Margin)
	body, size := c.answer.BodyStream(), c.answer.Header.ContentLength()
	if size == chunked {
		body = chunks{body, &c.wire}
	}
	return inv, c.event.read(body, size)
}

// reportURI is where the outcome of an invocation goes.
func (c *Client) reportURI(path, id string) string {
	return "http://" + c.Addr + path + url.PathEscape(id)
}
