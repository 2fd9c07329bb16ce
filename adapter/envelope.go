package adapter

import (
	"cmp"
	"io"

	"fgbootstrap/internal/offheap"
)

// Envelope is the format in which a platform's gateway wants results, see internal/apig. All
// fields are set.
type Envelope struct {
	// Wants reports whether an event wants its result in an envelope.
	Wants func(event []byte) bool
	// Is reports whether a result is an envelope. Begins reports whether it may become one,
	// judging by its beginning; known is false if the beginning is too short to tell.
	Is     func(result []byte) bool
	Begins func(result []byte) (may, known bool)
	// Bare is the head of a result that has none.
	Bare Head
	// Doubts is a sentence about a result, or its beginning, that looks like an envelope but is
	// none, or not a good one. Lacks is one about an event that looks like the gateway's. Both are
	// for the log, hold nothing of what they are about, and are "" for most.
	Doubts func(result []byte) string
	Lacks  func(event []byte) string
}

// Head is the beginning of an answer for the gateway: all of it but its body. It makes the envelope.
type Head interface {
	// Append appends body in an envelope to dst, in base64 if binary is set, body is not text, or
	// only base64 keeps dst within limit. dst never exceeds twice the limit plus the head; past limit
	// it need not hold all.
	Append(dst, body []byte, binary bool, limit int) []byte
	// Stream begins an envelope for a body that begins with first. Nearly everything that is written
	// to it goes to w at once. Close ends the envelope but does not close w.
	Stream(w io.Writer, first []byte) (io.WriteCloser, error)
	// Size returns a function: the most bytes that Stream makes of n bytes, or the least if that
	// depends on them.
	Size() func(n int64) int64
	// Doubts is a sentence for the log about a body, or its beginning, that will probably not be seen
	// as it was meant; "" for most.
	Doubts(body []byte) string
}

// SetHead gives the response its head, before its first byte: whatever is written is the body, and
// goes out in an envelope. With streaming the head goes out without a body if none comes soon, unless
// it waits for the first byte. Reset and Discard forget it.
func (r *Response) SetHead(h Head, waits bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.head = h
	if !waits {
		r.heldMore()
	}
}

// chooseHead returns the head of what is held, nil if that goes out as it is, and notes what is doubtful about
// it. isEnvelope tells whether what is held is, or may become, an envelope.
func (r *Response) chooseHead(isEnvelope func(result []byte) bool) Head {
	result := r.held[:r.n]
	switch {
	case r.head != nil:
		r.doubt = r.head.Doubts(result)
		return r.head
	case r.Envelope == nil:
		return nil
	case !r.Envelope.Wants(r.event):
		r.doubt = r.Envelope.Lacks(r.event)
		return nil
	}
	r.doubt = r.Envelope.Doubts(result)
	if isEnvelope(result) {
		return nil
	}
	r.doubt = cmp.Or(r.doubt, r.Envelope.Bare.Doubts(result))
	return r.Envelope.Bare
}

// mayBeEnvelope judges by the beginning alone: with streaming the outcome must not depend on how fast the
// result came.
func (r *Response) mayBeEnvelope(result []byte) bool {
	may, _ := r.Envelope.Begins(result)
	return may
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

// envelop wraps what is held if it answers the gateway and is not an envelope.
func (r *Response) envelop() error {
	if r.Envelope == nil && r.head == nil {
		return nil
	}
	streaming := r.Stream != nil
	isEnvelope := r.mayBeEnvelope
	if !streaming && r.Envelope != nil {
		isEnvelope = r.Envelope.Is
	}
	head := r.chooseHead(isEnvelope)
	if head == nil {
		return nil
	}
	if r.wrapped == nil {
		// Room for one step over the limit: append must not move to the heap.
		room, err := offheap.Map(2*len(r.held) + headRoom)
		if err != nil {
			return err
		}
		r.wrapped = room
	}
	r.body = head.Append(r.wrapped[:0], r.held[:r.n], streaming, int(r.Limit))
	if int64(len(r.body)) > r.Limit {
		r.err = TooLargeInEnvelope(r.Limit, int64(r.n))
	}
	return r.err
}

// headRoom is the most bytes that the head of an envelope takes, as a rule: one of 64 KB that is
// escaped.
const headRoom = 128 << 10
