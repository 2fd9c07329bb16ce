package adapter

import (
	"cmp"
	"errors"
	"io"
	"sync"
	"time"

	"fgbootstrap/internal/offheap"
)

const (
	// commitBytes and commitDelay say when a streamed response becomes a
	// request: when there is as much as one write to the socket takes, or when
	// somebody might notice the wait.
	commitBytes = 64 << 10
	commitDelay = 10 * time.Millisecond
	// readBytes is how much ReadFrom asks for at a time, one default pipe.
	readBytes = 64 << 10
)

// ResponseOptions are what all responses of a poller have in common.
type ResponseOptions struct {
	// Limit is how many bytes may go to the platform.
	Limit int64
	// Envelope wraps the results of some events if they are not envelopes already; nil wraps
	// none.
	Envelope *Envelope
	// Stream sends a committed response and returns when it is sent or broken;
	// it runs beside the handler. nil: every response is held to its end.
	Stream func(r *Response) error
	// Timed notes when the program of an event got it; see Started.
	Timed bool
}

// Response is the writer a Handler writes its result to, in all modes. It holds what is written
// until the invocation is over; with streaming it commits at 64 KB or 10 ms after the first byte;
// from then on everything flows to the platform, at the platform's pace. A write that exceeds the
// limit and every write after it fail with FunctionResponseTooLarge.
//
// One goroutine writes; once the Response is committed, another one sends. The poller owns it and
// reuses it for its next invocation.
type Response struct {
	ResponseOptions
	held    offheap.Buffer // what was written before the commit
	piece   offheap.Buffer // on its way into held or, once committed, to the platform; mapped when first needed
	wrapped offheap.Buffer // room for held in its envelope, mapped when first needed
	start   start          // the handler's; where it is Timed

	mu     sync.Mutex
	event  []byte      // of this invocation, asked whether it is the gateway's
	body   []byte      // held in its envelope, where it got one
	n      int         // bytes in held
	total  int64       // bytes written
	timer  *time.Timer // from the first held byte to the commit
	stream *stream     // not nil once committed
	err    error       // of every further write
	head   Head        // given by the handler, or nil
	doubt  string      // whether the envelope is as it was meant
}

// NewResponse reserves the memory of a Response.
func NewResponse(o ResponseOptions) (*Response, error) {
	size := int64(commitBytes)
	if o.Stream == nil {
		size = o.Limit + 1 // the byte that is too many must have a place
	}
	held, err := offheap.Map(int(size))
	if err != nil {
		return nil, err
	}
	return &Response{ResponseOptions: o, held: held}, nil
}

// Reset makes r the response to event and releases most memory of the previous one. It must not
// be called during a write or while r is sent.
func (r *Response) Reset(event []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopTimer()
	r.held.Trim(r.n)
	r.wrapped.Trim(len(r.body))
	r.event, r.body, r.n, r.total, r.stream, r.err, r.head, r.doubt = event, nil, 0, 0, nil, nil, nil, ""
	r.start = start{}
}

// Discard forgets what was written, so that another program may write. It returns false if the
// response is already on its way to the platform.
func (r *Response) Discard() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream != nil {
		return false
	}
	r.stopTimer()
	r.held.Trim(r.n)
	r.n, r.total, r.err, r.head = 0, 0, nil, nil
	return true
}

// Free releases all memory; r must not be used afterwards.
func (r *Response) Free() {
	r.Reset(nil)
	r.held.Free()
	r.piece.Free()
	r.wrapped.Free()
}

// Write appends p. It fails if the response is over the limit or the platform stopped taking it.
// A Response that has failed stays failed.
func (r *Response) Write(p []byte) (int, error) {
	r.mu.Lock()
	if err := r.count(len(p)); err != nil || len(p) == 0 {
		r.mu.Unlock()
		return 0, err
	}
	held := 0
	if r.stream == nil {
		r.held.Expect(r.n, len(p))
		if held = min(len(p), len(r.held)-r.n); held > 0 && &p[0] != &r.held[r.n] {
			copy(r.held[r.n:], p)
		}
		r.n += held
		r.heldMore()
	}
	s, err := r.stream, r.err
	r.mu.Unlock()
	if err != nil || held == len(p) {
		return held, err
	}
	err = s.do(func(platform io.Writer) error { // waits for the platform, so not under the lock
		_, err := platform.Write(p[held:])
		return err
	})
	if err != nil {
		return held, err
	}
	return len(p), nil
}

// ReadFrom writes everything src has. A response that is held to its end is read directly into
// its memory; a committed one is read by the goroutine that sends it.
func (r *Response) ReadFrom(src io.Reader) (read int64, err error) {
	if r.Stream != nil {
		return r.streamFrom(src)
	}
	for err == nil {
		var n int
		r.held.Expect(r.n, readBytes)
		n, err = src.Read(r.held[r.n:min(r.n+readBytes, len(r.held))])
		read += int64(n)
		r.n += n
		if werr := r.count(n); werr != nil {
			return read, werr
		}
	}
	return read, eofIsNil(err)
}

// streamFrom writes everything src has: up to the commit as Write does.
func (r *Response) streamFrom(src io.Reader) (read int64, err error) {
	if r.piece == nil {
		if r.piece, err = offheap.Map(streamBytes); err != nil {
			return 0, err
		}
	}
	for {
		if s := r.committed(); s != nil {
			n, err := r.relay(s, src)
			return read + n, err
		}
		n, err := src.Read(r.piece[:readBytes])
		read += int64(n)
		if _, werr := r.Write(r.piece[:n]); werr != nil || err != nil {
			return read, cmp.Or(werr, eofIsNil(err))
		}
	}
}

func (r *Response) committed() *stream {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stream
}

// relay has the sender read src to its end.
func (r *Response) relay(s *stream, src io.Reader) (read int64, err error) {
	lost := s.do(func(platform io.Writer) error {
		for err == nil {
			var n int
			n, err = src.Read(r.piece)
			read += int64(n)
			r.mu.Lock()
			over := r.count(n)
			r.mu.Unlock()
			if over != nil {
				return over
			}
			if _, lost := platform.Write(r.piece[:n]); lost != nil {
				return lost
			}
		}
		return nil
	})
	if lost != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		return read, cmp.Or(r.err, lost)
	}
	return read, eofIsNil(err)
}

func eofIsNil(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// Room is where the next write may be prepared: what is appended to it, within its capacity, and
// then written is not copied. It has no capacity if the response is not held to its end.
func (r *Response) Room() []byte {
	if r.Stream != nil {
		return nil
	}
	r.held.Expect(r.n, readBytes)
	return r.held[r.n:r.n]
}

// Written is how many bytes the handler wrote.
func (r *Response) Written() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.total
}

// Whole returns the body of a response that was held to its end, in r's memory. It returns false
// for a committed response, which WriteTo sends.
func (r *Response) Whole() (body []byte, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.body != nil {
		return r.body, true
	}
	return r.held[:r.n], r.stream == nil
}

// count adds n bytes and fails if that exceeds the limit.
func (r *Response) count(n int) error {
	r.total += int64(n)
	size := r.total
	if r.stream != nil && r.stream.head != nil {
		size = r.stream.size(r.total)
	}
	if r.err == nil && size > r.Limit {
		r.err = TooLarge(r.Limit, 0)
		if r.total <= r.Limit {
			r.err = TooLargeInEnvelope(r.Limit, 0)
		}
	}
	return r.err
}

// heldMore sees to the commit of what was just held.
func (r *Response) heldMore() {
	switch {
	case r.Stream == nil:
	case r.n == len(r.held):
		r.commit()
	case r.timer == nil:
		var timer *time.Timer
		timer = time.AfterFunc(commitDelay, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			// The invocation may have ended while this waited for the lock.
			if r.timer == timer && r.err == nil {
				r.commit()
			}
		})
		r.timer = timer
	}
}

func (r *Response) stopTimer() {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}

// End ends the response; cause is why the handler failed, or nil. A held response gets the
// envelope it needs. A committed one is sent to its end or, after an error, breaks off, so that
// it can't pass for complete. If the response failed before the handler did, the error is the
// response's: its failure stopped the program, and the handler's error is only a consequence. So is
// the platform's answer if it came before the handler's end.
func (r *Response) End(cause error) error {
	r.mu.Lock()
	r.stopTimer() // nothing is committed from here on
	if r.err == nil {
		r.err = cause
	}
	s, err := r.stream, r.err
	r.mu.Unlock()
	if s == nil {
		if err != nil {
			return err
		}
		return r.envelop()
	}
	answered, sent := s.end(err) // not under the lock, which the sender needs
	if err == nil || answered {
		err = sent
	}
	return err
}
