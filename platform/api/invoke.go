package api

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Invoke queues the event and waits for its outcome. A failed invocation is a Result with Failed set; the error is for
// what never got that far: an event over the limit, a request id in use, the platform closed, or ctx at its end.
func (a *Server) Invoke(ctx context.Context, ev Event) (*Result, error) {
	c := newCall(ev)
	if err := a.admit(c); err != nil {
		return nil, fmt.Errorf("event %s: %w", c.id, err)
	}
	defer a.forget(c)
	a.queue.put(c)
	if f := a.queued.Load(); f != nil {
		(*f)()
	}
	if err := a.awaitTaken(ctx, c); err != nil {
		return nil, fmt.Errorf("event %s: %w", c.id, err)
	}
	if err := a.awaitDone(ctx, c); err != nil {
		return nil, fmt.Errorf("event %s: %w", c.id, err)
	}
	return c.result, nil
}

func (a *Server) admit(c *call) error {
	limit := a.cfg.MaxPayload
	if c.event.Async {
		limit = min(limit, MaxAsync)
	}
	if size := int64(len(c.event.Payload)); size > limit {
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrEventTooLarge, size, limit)
	}
	select {
	case <-a.closing:
		return ErrClosed
	default:
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, taken := a.calls[c.id]; taken {
		return errors.New("this request id is in use")
	}
	a.calls[c.id] = c
	return nil
}

func (a *Server) forget(c *call) {
	a.queue.remove(c)
	a.mu.Lock()
	delete(a.calls, c.id)
	a.mu.Unlock()
}

// awaitTaken waits for a poller, or gives up after LoadTimeout without a sign of life.
func (a *Server) awaitTaken(ctx context.Context, c *call) error {
	load := time.NewTimer(a.cfg.LoadTimeout)
	defer load.Stop()
	if a.cfg.LoadTimeout <= 0 {
		load.Stop()
	}
	for {
		select {
		case <-c.taken:
			return nil
		case <-c.done:
			return nil
		case <-a.closing:
			return a.abandon(c, ErrClosed)
		case <-ctx.Done():
			return a.abandon(c, ctx.Err())
		case <-load.C:
			if left := a.loadLeft(); left > 0 {
				load.Reset(left)
				continue
			}
			a.expire(c, Failure(CodeLoadTimeout, "load timeout: the bootstrap did not ask for an event for %v", a.cfg.LoadTimeout))
		}
	}
}

// loadLeft is what is left of LoadTimeout since the last sign of life. An event in hand is one.
func (a *Server) loadLeft() time.Duration {
	if a.Busy() {
		return a.cfg.LoadTimeout
	}
	return time.Until(time.Unix(0, a.active.Load()).Add(a.cfg.LoadTimeout))
}

// Busy reports whether an instance has events in hand.
func (a *Server) Busy() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.calls {
		if c.stage != queued && c.stage != settled {
			return true
		}
	}
	return false
}

// awaitDone waits for the outcome, until the deadline.
func (a *Server) awaitDone(ctx context.Context, c *call) error {
	deadline := time.NewTimer(time.Until(a.deadline(c)))
	defer deadline.Stop()
	select {
	case <-c.done:
	case <-a.closing:
		return a.abandon(c, ErrClosed)
	case <-ctx.Done():
		return a.abandon(c, ctx.Err())
	case <-deadline.C:
		a.expire(c, Failure(CodeTimeout, "function invocation timed out after %v", a.cfg.Timeout))
	}
	a.endStream(c)
	return nil
}

func (a *Server) deadline(c *call) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return c.started.Add(a.cfg.Timeout)
}

// expire gives a call that took too long its failure, and the instance to whoever kills it.
func (a *Server) expire(c *call, r *Result) {
	a.mu.Lock()
	instance, won := c.instance, c.settle(r)
	a.mu.Unlock()
	if !won {
		return
	}
	if instance == 0 {
		instance = int(a.instance.Load())
	}
	a.cfg.Expired(instance)
}

// abandon settles a call whose caller does not wait any longer.
func (a *Server) abandon(c *call, why error) error {
	a.mu.Lock()
	c.settle(Failure(CodeInvocation, "%v", why))
	a.mu.Unlock()
	a.endStream(c)
	return why
}

// endStream breaks off a stream that is still arriving, so that the event's writer is not used after Invoke.
func (a *Server) endStream(c *call) {
	a.mu.Lock()
	ended, conn := c.ended, c.conn
	a.mu.Unlock()
	if ended == nil {
		return
	}
	if c.result.Failed && conn != nil {
		conn.Reset()
	}
	<-ended
}
