package api

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"fgbootstrap/internal/retry"
	"fgbootstrap/platform/httpserver"

	"github.com/valyala/fasthttp"
)

// report answers the two POSTs.
func (s *Server) report(ctx *fasthttp.RequestCtx, c *httpserver.Conn, kind Kind, id string) {
	r := Report{RequestID: id, Kind: kind, At: time.Now(), Chunked: ctx.Request.Header.ContentLength() == -1}
	rule, _ := s.faults.take(DoorPost, false)
	if rule.Kind == "stall" {
		retry.Pause(rule.Wait, s.closing)
	}
	call := s.reading(id)
	defer s.readingEnds(call)
	body := httpserver.NewBody(ctx, c)
	if rule.Kind == "cut" {
		body.CutAfter(rule.Size)
	}
	if s.streams(call, r, rule, c) {
		s.stream(call, &r, body)
	} else {
		s.held(call, &r, body, rule)
	}
	s.reply(ctx, c, r, rule)
}

// streams decides whether the body flows to the caller, and if so makes this connection the one
// that carries it.
func (s *Server) streams(call *call, r Report, rule Rule, c *httpserver.Conn) bool {
	if !s.cfg.Streaming || !r.Chunked || r.Kind != KindResponse || call == nil || rejects(rule) != 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if call.stage != delivered {
		return false
	}
	call.stage, call.conn, call.ended = streaming, c, make(chan struct{})
	return true
}

// rejects returns the status with which a fault rejects a report; 0 if it does not.
func rejects(rule Rule) int {
	return map[string]int{
		"500": fasthttp.StatusInternalServerError,
		"404": fasthttp.StatusNotFound,
		"413": fasthttp.StatusRequestEntityTooLarge,
	}[rule.Kind]
}

// held reads the whole body and then decides.
func (s *Server) held(call *call, r *Report, b *httpserver.Body, rule Rule) {
	var buf bytes.Buffer
	if length := int64(b.Length()); length > 0 && length <= s.cfg.MaxPayload {
		buf.Grow(int(length))
	}
	err := receive(r, b, &buf, s.cfg.MaxPayload)
	r.keep(&buf)
	switch {
	case !r.Complete, rule.Kind == "reset":
		s.history.add(*r)
	case rejects(rule) != 0:
		s.turnAway(call, r, rejects(rule), rejection(rule))
	case errors.Is(err, httpserver.ErrBodyTooLarge):
		s.turnAway(call, r, fasthttp.StatusRequestEntityTooLarge, tooLarge(s.cfg.MaxPayload))
	default:
		s.judge(call, r, &Result{Payload: buf.Bytes(), Size: r.Size, Failed: r.Kind == KindError})
	}
}

// receive copies the body to dst and notes in the report what arrived.
func receive(r *Report, b *httpserver.Body, dst io.Writer, limit int64) error {
	digest := sha256.New()
	err := b.CopyTo(io.MultiWriter(digest, dst), limit)
	r.Size, r.Complete = b.Size(), err == nil || errors.Is(err, httpserver.ErrBodyTooLarge)
	digest.Sum(r.SHA256[:0])
	return err
}

// rejection returns the caller's outcome when a fault rejected the report; nil after a 500, which
// asks for a repetition.
func rejection(rule Rule) *Result {
	switch rule.Kind {
	case "404":
		return Failure(CodeInvocation, "the platform has given this invocation up (a fault rule asked for this)")
	case "413":
		return Failure(CodeTooLarge, "response body too large (a fault rule asked for this)")
	default:
		return nil
	}
}

func tooLarge(limit int64) *Result {
	return Failure(CodeTooLarge, "response body is larger than the limit of %d bytes", limit)
}

// turnAway rejects a report. If result is not nil, it also ends the invocation.
func (s *Server) turnAway(call *call, r *Report, status int, result *Result) {
	r.Status = status
	s.history.add(*r)
	if call == nil || result == nil {
		return
	}
	s.mu.Lock()
	call.settle(result)
	s.mu.Unlock()
}

// judge makes the report the outcome, or recognizes a repetition, or finds it too late.
func (s *Server) judge(call *call, r *Report, result *Result) {
	s.awaitStream(call)
	if s.counts(call, r, result) {
		return
	}
	r.Status = fasthttp.StatusNotFound
	if first, ok := s.history.outcome(r.RequestID); ok && first.Kind == r.Kind && first.Size == r.Size && first.SHA256 == r.SHA256 {
		r.Status, r.Repeated = first.Status, true
	}
	s.history.add(*r)
}

// awaitStream lets a stream of the same id come to its end first: an error report overtakes the
// news that the connection before it was cut.
func (s *Server) awaitStream(call *call) {
	if call == nil {
		return
	}
	s.mu.Lock()
	ended := call.ended
	s.mu.Unlock()
	if ended != nil {
		select {
		case <-ended:
		case <-call.done:
		case <-s.closing:
		}
	}
}

// counts makes a complete report the outcome if the call is open for it. The history knows it
// before Invoke returns.
func (s *Server) counts(call *call, r *Report, result *Result) bool {
	if call == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case call.stage == delivered && !result.Streamed:
	case call.stage == streaming && result.Streamed:
	case call.stage == broken && r.Kind == KindError:
	default:
		return false
	}
	r.Status, r.Counted = fasthttp.StatusOK, true
	s.history.add(*r)
	return call.settle(result)
}

// stream passes the body on as it arrives. Cut short, it leaves the id open for the error report.
func (s *Server) stream(call *call, r *Report, b *httpserver.Body) {
	defer close(call.ended)
	var kept bytes.Buffer
	dst := call.event.Stream
	if dst == nil {
		dst = &kept
	}
	err := receive(r, b, dst, s.cfg.MaxStream)
	s.mu.Lock()
	call.conn = nil // nothing arrives any more: the connection is for the answer
	s.mu.Unlock()
	r.keep(&kept)
	switch {
	case errors.Is(err, httpserver.ErrBodyTooLarge):
		s.turnAway(call, r, fasthttp.StatusRequestEntityTooLarge, tooLarge(s.cfg.MaxStream))
	case r.Complete && s.counts(call, r, &Result{Payload: kept.Bytes(), Size: r.Size, Streamed: true}):
	default:
		s.history.add(*r)
		s.mu.Lock()
		call.stage = max(call.stage, broken)
		s.mu.Unlock()
	}
}

// reading finds the call of an id, nil if there is none. Until readingEnds the exit of its
// instance does not become its outcome.
func (s *Server) reading(id string) *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[id]
	if c != nil {
		c.reading++
	}
	return c
}

func (s *Server) readingEnds(c *call) {
	if c == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.reading--; c.reading == 0 && c.exit != nil {
		c.settle(c.exit)
	}
}

// reply answers the report, or breaks the connection where there is no status to give.
func (s *Server) reply(ctx *fasthttp.RequestCtx, c *httpserver.Conn, r Report, rule Rule) {
	if r.Status == 0 || rule.Kind == "lost" {
		c.Reset()
		return
	}
	if rule.Kind == "slow" {
		retry.Pause(rule.Wait, s.closing)
	}
	switch r.Status {
	case fasthttp.StatusOK:
	case fasthttp.StatusNotFound:
		answer(ctx, r.Status, fmt.Sprintf("no invocation %q waits for this report", r.RequestID))
	case fasthttp.StatusRequestEntityTooLarge:
		answer(ctx, r.Status, "response body is larger than the limit")
	default:
		answer(ctx, r.Status, "a fault rule asked for this")
	}
}
