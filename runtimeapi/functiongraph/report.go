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

// reportPatience is the least time one try of a report gets, even if the
// invocation has expired: the platform may still want it.
const reportPatience = 5 * time.Second

// Respond implements adapter.RuntimeAPI.
func (c *Client) Respond(inv *adapter.Invocation, r *adapter.Response) error {
	body, held := r.Whole()
	if held {
		return c.report(inv, responsePath, "application/octet-stream", body)
	}
	return c.stream(inv, r)
}

// Fail implements adapter.RuntimeAPI.
func (c *Client) Fail(inv *adapter.Invocation, e *adapter.Error) error {
	return c.report(inv, errorPath, "application/json", e.JSON())
}

// report posts an outcome until the platform has taken or refused it, or the
// invocation has expired: but at least twice. The same bytes for the same id
// can do no harm, a second outcome could.
func (c *Client) report(inv *adapter.Invocation, path, contentType string, body []byte) error {
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
		if err == nil || isRefusal(err) {
			return err
		}
		if tries > 1 && time.Now().After(inv.Expires) {
			return fmt.Errorf("given up after %d tries: %w", tries, err)
		}
		c.Log.Debug("report again", zap.String("requestId", inv.ID), zap.Error(err))
		if tries == 1 && isConnection(err) {
			continue // a kept connection has died meanwhile; a fresh one is at hand
		}
		wait.Wait(context.Background())
	}
}

// stream sends a committed response. It can't be sent again, so it does not
// trust a connection that may have died since the poll.
func (c *Client) stream(inv *adapter.Invocation, r *adapter.Response) error {
	c.host.CloseIdleConnections()
	request := fasthttp.AcquireRequest()
	defer fasthttp.ReleaseRequest(request)
	request.Header.SetMethod(fasthttp.MethodPost)
	request.Header.SetContentType("application/octet-stream")
	request.SetRequestURI(c.reportURI(responsePath, inv.ID))
	request.SetBodyStream(body{r}, -1)
	return c.post(request)
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
		return &refusal{status, string(answer.Body()[:min(len(answer.Body()), 200)])}
	}
}

// body lets fasthttp take a committed response by WriteTo, every write a chunk
// that reaches the wire at once.
type body struct{ *adapter.Response }

// SupportsBodyWriteTo implements fasthttp.BodyWriterTo.
func (body) SupportsBodyWriteTo() bool { return true }

// Read is never called, because of WriteTo.
func (body) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// connectionError is a request that had no answer.
type connectionError struct{ error }

func (e *connectionError) Unwrap() error { return e.error }

func isConnection(err error) bool {
	var target *connectionError
	return errors.As(err, &target)
}

// refusal is an answer that says no and will say no again.
type refusal struct {
	status int
	text   string
}

func (e *refusal) Error() string {
	return fmt.Sprintf("the platform refused the report with status %d: %s", e.status, e.text)
}

func isRefusal(err error) bool {
	var target *refusal
	return errors.As(err, &target)
}
