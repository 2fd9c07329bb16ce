package adapter

import (
	"cmp"
	"errors"
	"fmt"
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
	// mostStreamed is the platform's limit for a result in a stream, in bytes.
	mostStreamed = 200 << 20
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
}

// Envelope is the format in which a platform's gateway wants results, see internal/apig. All
// fields are set.
type Envelope struct {
	// Wants reports whether an event wants its result in an envelope.
	Wants func(event []byte) bool
	// Is reports whether a result is an envelope. Begins reports whether it may become one,
	// judging by its beginning; known is false if the beginning is too short to tell.
	Is     func(result []byte) bool
	Begins func(result []byte) (may, known bool)
	// Append appends result in an envelope to dst, in base64 if binary is set, result is not
	// text, or only base64 keeps dst within limit. dst never exceeds twice the limit plus 1 KB;
	// past limit it need not hold all.
	Append func(dst, result []byte, binary bool, limit int) []byte
	// Stream begins an envelope for a result that begins with first. Nearly everything that is
	// written to it goes to w at once. Close ends the envelope but does not close w.
	Stream func(w io.Writer, first []byte) (io.WriteCloser, error)
	// Size is the most bytes that Stream makes of n bytes.
	Size func(n int64) int64
	// Doubts is a sentence about a result, or its beginning, that looks like an envelope but is
	// none, or not a good one. Lacks is one about an event that looks like the gateway's. Both are
	// for the log, hold nothing of what they are about, and are "" for most.
	Doubts func(result []byte) string
	Lacks  func(event []byte) string
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

	mu     sync.Mutex
	event  []byte      // of this invocation, asked whether it is the gateway's
	body   []byte      // held in its envelope, where it got one
	n      int         // bytes in held
	total  int64       // bytes written
	timer  *time.Timer // from the first held byte to the commit
	stream *stream     // not nil once committed
	err    error       // of every further write
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
	r.event, r.body, r.n, r.total, r.stream, r.err, r.doubt = event, nil, 0, 0, nil, nil, ""
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
	r.n, r.total, r.err = 0, 0, nil
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
	if r.stream != nil && r.stream.wrap {
		size = r.Envelope.Size(r.total)
	}
	if r.err == nil && size > r.Limit {
		r.err = TooLarge(r.Limit, 0)
		if r.total <= r.Limit {
			r.err = TooLargeInEnvelope(r.Limit, 0)
		}
	}
	return r.err
}

// TooLarge is the error of a response of more than limit bytes. declared is its length, or 0 if
// that is not known.
func TooLarge(limit, declared int64) *Error {
	if declared > 0 {
		return tooLarge(limit, "The response has %d bytes, more than the %d bytes that may be sent (BOOTSTRAP_MAX_RESPONSE).", declared, limit)
	}
	return tooLarge(limit, "The response is larger than the %d bytes that may be sent (BOOTSTRAP_MAX_RESPONSE).", limit)
}

// TooLargeInEnvelope is the error of a response that only its envelope makes larger than limit. It
// has n bytes itself, or 0 if that is not known.
func TooLargeInEnvelope(limit, n int64) *Error {
	size := ""
	if n > 0 {
		size = fmt.Sprintf(" of %d bytes", n)
	}
	return tooLarge(limit, "The response%s is larger than the %d bytes that may be sent (BOOTSTRAP_MAX_RESPONSE) once it is in the envelope "+
		"that the API gateway wants: there it is base64, which takes a third more, or text in which quotes, line ends and the like are escaped.", size, limit)
}

func tooLarge(limit int64, text string, values ...any) *Error {
	e := &Error{
		Type:    TypeTooLarge,
		Message: fmt.Sprintf(text, values...) + " Write less, or store the result elsewhere and answer with its address.",
	}
	if limit < mostStreamed {
		e.Add(fmt.Sprintf("With the function's Streaming Response switched on and BOOTSTRAP_STREAMING=on it may have up to %d MB.", mostStreamed>>20))
	}
	return e
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

// wantsEnvelope reports whether the result is for the gateway, and notes what is doubtful about that.
func (r *Response) wantsEnvelope() bool {
	wants := r.Envelope.Wants(r.event)
	if wants {
		r.doubt = r.Envelope.Doubts(r.held[:r.n])
	} else {
		r.doubt = r.Envelope.Lacks(r.event)
	}
	return wants
}

// IsEnvelope reports whether result is an envelope and the event wants one.
func (r *Response) IsEnvelope(result []byte) bool {
	return r.Envelope != nil && r.Envelope.Is(result) && r.Envelope.Wants(r.event)
}

// Doubt is a sentence for the log, once the response has ended: about a result that will probably
// not reach the gateway's client as it was meant; "" for most.
func (r *Response) Doubt() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.doubt
}

// envelop wraps what is held if it answers the gateway and is not an envelope. With streaming it
// decides by the first byte, as commit does: the outcome must not depend on how fast the result
// came.
func (r *Response) envelop() error {
	result, streaming := r.held[:r.n], r.Stream != nil
	if r.Envelope == nil {
		return nil
	}
	asItIs := r.Envelope.Is
	if streaming {
		asItIs = func(result []byte) bool {
			may, _ := r.Envelope.Begins(result)
			return may
		}
	}
	if wants := r.wantsEnvelope(); asItIs(result) || !wants {
		return nil
	}
	if r.wrapped == nil {
		// Room for one step over the limit: append must not move to the heap.
		room, err := offheap.Map(2*len(r.held) + 1024)
		if err != nil {
			return err
		}
		r.wrapped = room
	}
	r.body = r.Envelope.Append(r.wrapped[:0], result, streaming, int(r.Limit))
	if int64(len(r.body)) > r.Limit {
		r.err = TooLargeInEnvelope(r.Limit, int64(r.n))
	}
	return r.err
}
