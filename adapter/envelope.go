package adapter

import (
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
