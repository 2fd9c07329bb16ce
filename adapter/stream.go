package adapter

import (
	"errors"
	"io"
)

// streamBytes is the size of one write to the platform: 64 KB took 1.4 times as
// long for 200 MB, smaller ones up to four times.
const streamBytes = 256 << 10

// stream is the committed part of a response. Only the sender's goroutine writes to the platform,
// and only while the handler's goroutine waits for it: so a result goes from the program to the
// platform without being handed over.
type stream struct {
	head   Head                                // of the envelope; nil: it goes out as it is
	size   func(n int64) int64                 // head's
	work   chan func(platform io.Writer) error // closed at the response's end
	worked chan struct{}                       // one for each that did not fail
	failed error                               // the response's; valid once work is closed
	ended  chan struct{}                       // closed when nothing is sent any more
	err    error                               // how the sending ended; valid once ended is closed
}

// commit starts the sending; r.mu is held. Unless held is full, it first waits for a byte that is
// not blank, which decides about the envelope.
func (r *Response) commit() {
	if r.stream != nil {
		return
	}
	if r.Envelope != nil && r.head == nil {
		if _, known := r.Envelope.Begins(r.held[:r.n]); !known && r.n < len(r.held) {
			r.timer = nil // the next write sets it anew
			return
		}
	}
	head := r.chooseHead(r.mayBeEnvelope)
	r.stopTimer()
	var size func(n int64) int64
	if head != nil {
		if size = head.Size(); size(r.total) > r.Limit {
			r.err = TooLargeInEnvelope(r.Limit, 0)
			return
		}
	}
	s := &stream{head: head, size: size, work: make(chan func(io.Writer) error), worked: make(chan struct{}), ended: make(chan struct{})}
	r.stream = s
	go func() {
		defer close(s.ended)
		s.err = guard(func() error { return r.Stream(r) })
	}()
}

// do lets the sender do work. It fails if the sending has ended.
func (s *stream) do(work func(platform io.Writer) error) error {
	select {
	case s.work <- work:
	case <-s.ended:
		return s.stopped()
	}
	select {
	case <-s.worked:
		return nil
	case <-s.ended:
		return s.stopped()
	}
}

// stopped is the error of a write after the sending has ended. What the platform said is in it.
func (s *stream) stopped() error {
	if said := (*Error)(nil); errors.As(s.err, &said) {
		return said
	}
	return &Error{
		Type:    TypeInternal,
		Message: "The platform stopped taking the response before it was complete.",
		Cause:   s.err,
	}
}

// end lets the sender finish, successfully if cause is nil, and waits for it. answered says that
// the platform had ended the sending itself, by an answer, before that.
func (s *stream) end(cause error) (answered bool, err error) {
	select {
	case <-s.ended:
		answered = errors.As(s.err, new(*Error))
	default:
	}
	s.failed = cause
	close(s.work)
	<-s.ended
	switch {
	case s.err == nil:
		return false, nil
	case isFinal(s.err):
		return true, s.err
	default:
		return answered, s.stopped()
	}
}

// WriteTo sends a committed response to w as it is produced and returns when the handler is done.
// The error is the handler's or w's; after one the request must break off.
func (r *Response) WriteTo(w io.Writer) (int64, error) {
	c := &countingWriter{w: w}
	err := r.writeTo(c)
	return c.n, err
}

func (r *Response) writeTo(w io.Writer) error {
	// What is held does not change after the commit.
	first, s := r.held[:r.n], r.stream
	if s.head == nil {
		return s.serve(w, first)
	}
	e, err := s.head.Stream(&limitedWriter{w: w, left: r.Limit, limit: r.Limit}, first)
	if err != nil {
		return err
	}
	if err := s.serve(e, first); err != nil {
		return err
	}
	return e.Close()
}

// serve writes what was held and then does the work as it comes.
func (s *stream) serve(w io.Writer, first []byte) error {
	if _, err := w.Write(first); err != nil {
		return err
	}
	for work := range s.work {
		if err := work(w); err != nil {
			return err
		}
		s.worked <- struct{}{}
	}
	return s.failed
}

// limitedWriter fails with FunctionResponseTooLarge over the limit: what text takes in an envelope
// is known only when it is written.
type limitedWriter struct {
	w           io.Writer
	left, limit int64
}

func (l *limitedWriter) Write(p []byte) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, TooLargeInEnvelope(l.limit, 0)
	}
	return l.w.Write(p)
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
