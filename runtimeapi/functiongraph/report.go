package functiongraph

import (
	"context"
	"errors"
	"fmt"
	"io"
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
		if err == nil || errors.Is(err, adapter.ErrRefused) {
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
	request.SetBodyStream(body{r}, -1)
	err := c.post(request)
	if errors.Is(err, adapter.ErrRefused) {
		return fmt.Errorf("%w (is the function's Streaming Response switched on?)", err)
	}
	return err
}

// post sends request once; nil is a 2xx.
func (c *Client) post(request *fasthttp.Request) error {
	answer := fasthttp.AcquireResponse()
	defer fasthttp.ReleaseResponse(answer)
	// The error first: after a broken body the status is a meaningless 200.
	if err := c.host.Do(request, answer); err != nil {
		return &connectionError{err}
	}
	status := answer.StatusCode()
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 500:
		return fmt.Errorf("the platform answered the report with status %d", status)
	default:
		return fmt.Errorf("%w with status %d: %.200s", adapter.ErrRefused, status, answer.Body())
	}
}

// body lets fasthttp send a committed response by WriteTo: every write becomes a chunk and is
// sent at once.
type body struct{ *adapter.Response }

// SupportsBodyWriteTo implements fasthttp.BodyWriterTo.
func (body) SupportsBodyWriteTo() bool { return true }

// Read is never called, because of WriteTo.
func (body) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// connectionError means that a request got no answer.
type connectionError struct{ error }

func (e *connectionError) Unwrap() error { return e.error }

func isConnection(err error) bool {
	var target *connectionError
	return errors.As(err, &target)
}
