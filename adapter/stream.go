package adapter

import (
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
	s := &stream{done: make(chan error, 1)}
	s.wrap = r.Wrap && (start == r.n || r.held[start] != '{') && isAPIG(r.event)
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
	// What is held does not change after the commit.
	first, s := r.held[:r.n], r.stream
	body, tail := io.Writer(c), io.WriteCloser(nil)
	if s.wrap {
		if _, err := io.WriteString(c, envelopeHead+contentType(first)+envelopeBinary); err != nil {
			return c.n, err
		}
		tail = base64.NewEncoder(base64.StdEncoding, c)
		body = tail
	}
	if _, err := body.Write(first); err != nil {
		return c.n, err
	}
	buf := make([]byte, streamBytes)
	for {
		n, err := s.out.Read(buf)
		if n > 0 {
			if _, werr := body.Write(buf[:n]); werr != nil {
				return c.n, werr
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return c.n, err
		}
	}
	if tail == nil {
		return c.n, nil
	}
	if err := tail.Close(); err != nil {
		return c.n, err
	}
	_, err := io.WriteString(c, envelopeTail)
	return c.n, err
}

// wrappedSize is the most that n bytes take in a base64 envelope.
func wrappedSize(n int64) int64 {
	const longestType = len("application/octet-stream") + len("; charset=utf-8")
	return int64(len(envelopeHead)+longestType+len(envelopeBinary)+len(envelopeTail)) + (n+2)/3*4
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
