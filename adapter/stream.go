package adapter

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
)

// streamBytes is the size of one write to the platform: 64 KB took 1.4 times as
// long for 200 MB, smaller ones up to four times.
const streamBytes = 256 << 10

// stream is the committed part of a response: the handler's goroutine writes,
// the sender's reads, and neither runs ahead of the other.
type stream struct {
	wrap bool
	in   *io.PipeWriter
	out  *io.PipeReader
	done chan error // one value: how the sending ended
}

// commit starts the sending; r.mu is held. It waits for the first byte that is
// not blank, which decides about the envelope, unless there is no room left.
func (r *Response) commit() {
	if r.stream != nil {
		return
	}
	start := firstNonBlank(r.held[:r.n])
	if start == r.n && r.n < len(r.held) {
		r.timer = nil // the next write sets it anew
		return
	}
	r.stopTimer()
	wrap := r.Wrap && !startsLikeObject(r.held[:r.n]) && isAPIG(r.event)
	if wrap && wrappedSize(r.total) > r.Limit {
		r.err = TooLarge(r.Limit)
		return
	}
	s := &stream{wrap: wrap, done: make(chan error, 1)}
	s.out, s.in = io.Pipe()
	r.stream = s
	go func() {
		err := r.Stream(r)
		_ = s.out.CloseWithError(err) // wakes whoever still writes
		s.done <- err
	}()
}

func (s *stream) write(p []byte) (int, error) {
	n, err := s.in.Write(p)
	if err != nil {
		err = &Error{
			Type:    TypeInternal,
			Message: "The platform stopped taking the response before it was complete.",
			Cause:   err,
		}
	}
	return n, err
}

// end lets the sender come to its end, the good one if cause is nil, and waits
// for it.
func (s *stream) end(cause error) error {
	_ = s.in.CloseWithError(cause) // never fails
	if err := <-s.done; err != nil {
		return fmt.Errorf("stream the response: %w", err)
	}
	return nil
}

// WriteTo sends a committed response to w as it is produced and returns when
// the handler is done with it. Its error is the handler's failure or w's: then
// the request must break off.
func (r *Response) WriteTo(w io.Writer) (int64, error) {
	c := &countingWriter{w: w}
	err := r.writeTo(c)
	return c.n, err
}

func (r *Response) writeTo(w io.Writer) error {
	// What is held does not change after the commit.
	first, s := r.held[:r.n], r.stream
	if !s.wrap {
		return s.copy(w, first)
	}
	e, err := newEncoder(w, contentType(WholeRunes(first)))
	if err != nil {
		return err
	}
	if err := s.copy(e, first); err != nil {
		return err
	}
	return e.Close()
}

// copy writes what was held and then what comes.
func (s *stream) copy(w io.Writer, first []byte) error {
	if _, err := w.Write(first); err != nil {
		return err
	}
	_, err := io.CopyBuffer(w, s.out, make([]byte, streamBytes))
	return err
}

// encoder is a base64 envelope that is written as its body comes. Every write
// to it is one to the platform, all but the last two bytes, which may have to
// wait for a third.
type encoder struct {
	out  *bufio.Writer
	body io.WriteCloser
}

func newEncoder(w io.Writer, contentType string) (*encoder, error) {
	out := bufio.NewWriterSize(w, 1024+base64.StdEncoding.EncodedLen(streamBytes))
	_, err := out.WriteString(envelopeHead + contentType + envelopeBinary)
	return &encoder{out: out, body: base64.NewEncoder(base64.StdEncoding, out)}, err
}

func (e *encoder) Write(p []byte) (int, error) {
	n, err := e.body.Write(p)
	if err != nil {
		return n, err
	}
	return n, e.out.Flush()
}

func (e *encoder) Close() error {
	if err := e.body.Close(); err != nil {
		return err
	}
	if _, err := e.out.WriteString(envelopeTail); err != nil {
		return err
	}
	return e.out.Flush()
}

// wrappedSize is the most that n bytes take in a base64 envelope.
func wrappedSize(n int64) int64 {
	const longestType = len("application/octet-stream") + len("; charset=utf-8")
	return int64(len(envelopeHead)+longestType+len(envelopeBinary)+len(envelopeTail)) + (n+2)/3*4
}

// startsLikeObject tells whether a result may be an envelope.
func startsLikeObject(result []byte) bool {
	start := firstNonBlank(result)
	return start < len(result) && result[start] == '{'
}

func firstNonBlank(text []byte) int {
	for i, c := range text {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return i
		}
	}
	return len(text)
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
