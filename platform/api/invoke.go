package api

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Invoke queues the event and waits for its outcome. A failed invocation is a Result with Failed
// set. An error means that there is no outcome: the event is over the limit, the request id is in
// use, the platform is closed, or ctx has ended.
func (s *Server) Invoke(ctx context.Context, ev Event) (*Result, error) {
	c := newCall(ev)
	if err := s.admit(c); err != nil {
		return nil, fmt.Errorf("event %s: %w", c.id, err)
	}
	defer s.forget(c)
	s.queue.put(c)
	if f := s.queued.Load(); f != nil {
		(*f)()
	}
	if err := s.awaitTaken(ctx, c); err != nil {
		return nil, fmt.Errorf("event %s: %w", c.id, err)
	}
	if err := s.awaitDone(ctx, c); err != nil {
		return nil, fmt.Errorf("event %s: %w", c.id, err)
	}
	return c.result, nil
}

func (s *Server) admit(c *call) error {
	limit := s.cfg.MaxPayload
	if c.event.Async {
		limit = min(limit, MaxAsync)
	}
	if size := int64(len(c.event.Payload)); size > limit {
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrEventTooLarge, size, limit)
	}
	select {
	case <-s.closing:
		return ErrClosed
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.calls[c.id]; taken {
		return errors.New("this request id is in use")
	}
	s.calls[c.id] = c
	return nil
}

func (s *Server) forget(c *call) {
	s.queue.remove(c)
	s.mu.Lock()
	delete(s.calls, c.id)
	s.mu.Unlock()
}

// awaitTaken waits for a poller, or gives up after LoadTimeout without a sign of life.
func (s *Server) awaitTaken(ctx context.Context, c *call) error {
	load := time.NewTimer(s.cfg.LoadTimeout)
	defer load.Stop()
	if s.cfg.LoadTimeout <= 0 {
		load.Stop()
	}
	for {
		select {
		case <-c.taken:
			return nil
		case <-c.done:
			return nil
		case <-s.closing:
			return s.abandon(c, ErrClosed)
		case <-ctx.Done():
			return s.abandon(c, ctx.Err())
		case <-load.C:
			if left := s.loadLeft(); left > 0 {
				load.Reset(left)
				continue
			}
			s.expire(c, Failure(CodeLoadTimeout, "load timeout: the bootstrap did not ask for an event for %v", s.cfg.LoadTimeout))
		}
	}
}

// loadLeft returns what is left of LoadTimeout since the last sign of life. An event in hand
// counts as one.
func (s *Server) loadLeft() time.Duration {
	if s.busy() {
		return s.cfg.LoadTimeout
	}
	return time.Until(time.Unix(0, s.active.Load()).Add(s.cfg.LoadTimeout))
}

// busy reports whether any instance has events in hand.
func (s *Server) busy() bool { return s.anyInHand(func(*call) bool { return true }) }

// anyInHand reports whether one of the calls that match is with an instance.
func (s *Server) anyInHand(match func(*call) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.inHand() && match(c) {
			return true
		}
	}
	return false
}

// awaitDone waits for the outcome, until the deadline.
func (s *Server) awaitDone(ctx context.Context, c *call) error {
	deadline := time.NewTimer(time.Until(s.deadline(c)))
	defer deadline.Stop()
	select {
	case <-c.done:
	case <-s.closing:
		return s.abandon(c, ErrClosed)
	case <-ctx.Done():
		return s.abandon(c, ctx.Err())
	case <-deadline.C:
		s.expire(c, Failure(CodeTimeout, "function invocation timed out after %v", s.cfg.Timeout))
	}
	s.endStream(c)
	return nil
}

func (s *Server) deadline(c *call) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.started.Add(s.cfg.Timeout)
}

// expire fails a call that took too long and has its instance killed. If no instance took the
// event, all are killed: each of them could have taken it.
func (s *Server) expire(c *call, r *Result) {
	s.mu.Lock()
	taken, late := !c.started.IsZero(), []int{c.instance}
	won, listeners := c.settle(r), s.listeners
	s.mu.Unlock()
	if !won {
		return
	}
	if !taken {
		late = nil
		for _, l := range listeners {
			late = append(late, l.number())
		}
	}
	for _, instance := range late {
		s.cfg.Expired(instance)
	}
}

// abandon settles a call whose caller does not wait any longer.
func (s *Server) abandon(c *call, why error) error {
	s.mu.Lock()
	c.settle(Failure(CodeInvocation, "%v", why))
	s.mu.Unlock()
	s.endStream(c)
	return why
}

// endStream breaks off a stream that is still arriving, so that the event's writer is not used
// after Invoke.
func (s *Server) endStream(c *call) {
	s.mu.Lock()
	ended, conn := c.ended, c.conn
	s.mu.Unlock()
	if ended == nil {
		return
	}
	if c.result.Failed && conn != nil {
		conn.Reset()
	}
	<-ended
}
