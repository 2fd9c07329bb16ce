package functiongraph

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/retry"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"
)

// reportPatience is the least time for one attempt to report, even if the invocation has expired:
// the platform may still take it.
const reportPatience = 5 * time.Second

// Respond implements adapter.RuntimeAPI.
func (c *Client) Respond(ctx context.Context, inv *adapter.Invocation, r *adapter.Response) error {
	body, held := r.Whole()
	if held {
		return c.report(ctx, inv, responsePath, "application/octet-stream", body)
	}
	return c.stream(ctx, inv, r)
}

// Fail implements adapter.RuntimeAPI.
func (c *Client) Fail(ctx context.Context, inv *adapter.Invocation, e *adapter.Error) error {
	return c.report(ctx, inv, errorPath, "application/json", e.JSON())
}

// report posts an outcome until the platform has taken or refused it, the invocation has expired
// or ctx has ended, but at least twice. Sending the same bytes for the same id again is harmless;
// a second outcome would not be.
func (c *Client) report(ctx context.Context, inv *adapter.Invocation, path, contentType string, body []byte) error {
	request := fasthttp.AcquireRequest()
	defer fasthttp.ReleaseRequest(request)
	request.Header.SetMethod(fasthttp.MethodPost)
	request.Header.SetContentType(contentType)
	request.SetRequestURI(c.reportURI(path, inv.ID))
	request.SetBodyRaw(body)

	var wait retry.Backoff
	for tries := 1; ; tries++ {
		request.SetTimeout(max(time.Until(inv.Expires), reportPatience))
		err := c.post(request)
		if err == nil || errors.Is(err, adapter.ErrRefused) || errors.Is(err, adapter.ErrUnconfirmed) {
			return err
		}
		c.Log.Debug("reporting again", zap.String("requestId", inv.ID), zap.Error(err))
		if tries == 1 && isConnection(err) {
			continue // a kept connection has died meanwhile; the next attempt opens a fresh one
		}
		if !pause(ctx, inv.Expires, &wait) && tries > 1 {
			return fmt.Errorf("gave up after %d tries: %w", tries, err)
		}
	}
}

// pause waits until the next attempt is due. It returns false if there is no time left for one.
func pause(ctx context.Context, end time.Time, wait *retry.Backoff) bool {
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	return wait.Wait(ctx) && time.Now().Before(end) // after a stall both have come
}

// stream sends a committed response. That can't be repeated, so stream does not use a connection
// that may have died since the poll. If the platform stops reading, stream waits until ctx ends.
func (c *Client) stream(ctx context.Context, inv *adapter.Invocation, r *adapter.Response) error {
	defer c.wire.until(ctx)()
	c.host.CloseIdleConnections()
	request := fasthttp.AcquireRequest()
	defer fasthttp.ReleaseRequest(request)
	request.Header.SetMethod(fasthttp.MethodPost)
	request.Header.SetContentType("application/octet-stream")
	request.SetRequestURI(c.reportURI(responsePath, inv.ID))
	request.SetBodyStream(body{r, &c.wire}, -1)
	err := c.post(request)
	var busy *serverError
	switch {
	case errors.Is(err, adapter.ErrRefused):
		return fmt.Errorf("%w (is the function's Streaming Response switched on?)", err)
	case errors.As(err, &busy):
		return busy.ofStream()
	case isConnection(err) && c.wire.upload.ended():
		// It may have the response. If we reported an error now, there could be two outcomes.
		return fmt.Errorf("%w: all of it was sent, and then the connection ended without an answer (%w)", adapter.ErrUnconfirmed, err)
	}
	return err
}

// ofStream is the error for the caller whose stream the platform did not take.
func (e *serverError) ofStream() *adapter.Error {
	when := ""
	if e.early {
		when = " before it was complete"
	}
	return &adapter.Error{
		Type:    adapter.TypeInternal,
		Message: fmt.Sprintf("The platform answered the streamed response with status %d%s.", e.status, when),
		Cause:   e,
	}
}

// post sends request once; nil is a 2xx.
func (c *Client) post(request *fasthttp.Request) error {
	answer := fasthttp.AcquireResponse()
	defer fasthttp.ReleaseResponse(answer)
	c.wire.upload = upload{whole: -1}
	// The error first: after a broken body the status is a meaningless 200.
	err := c.host.Do(request, answer)
	if early := c.wire.upload.early; err != nil && early != nil {
		return early.verdict()
	}
	if err != nil && !errors.Is(err, fasthttp.ErrBodyTooLarge) {
		return &connectionError{err}
	}
	return (&reply{status: answer.StatusCode(), text: answer.Body()}).verdict()
}

// connectionError means that a request got no answer.
type connectionError struct{ error }

func (e *connectionError) Unwrap() error { return e.error }

func isConnection(err error) bool {
	var target *connectionError
	return errors.As(err, &target)
}
