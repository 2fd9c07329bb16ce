package api

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"fgbootstrap/platform/httpserver"
)

// Event is one call of the function.
type Event struct {
	Payload   []byte            // the event's bytes; not to be changed any more
	Async     bool              // invocation type async, not sync; takes 256 KB at most
	Headers   map[string]string // metadata headers of the poll's answer, over the configured ones; "" takes one away
	RequestID string            // default: a fresh UUID

	// Stream receives a streamed response as it arrives. Its Write may block, which holds the
	// function back, and an error of it cuts the stream. It is not used after Invoke has
	// returned; Invoke and Server.Close wait for a Write in progress.
	Stream io.Writer
}

// Result is the one outcome of an event.
type Result struct {
	RequestID string
	Payload   []byte        // the response, or the error's JSON; nil for a response that went to Event.Stream
	Size      int64         // bytes of the response, streamed ones included
	Failed    bool          // the function reported an error, or the platform made one
	Code      int           // the platform's code (Code… constants); 0 if the function answered itself
	Message   string        // the platform's message where Code is set
	Streamed  bool          // the response came as a stream
	Cut       bool          // the stream broke before its end
	Instance  int           // number of the instance that had the event, from 1; 0 if none was started
	Duration  time.Duration // from delivery to outcome
}

// Reason returns the failure in one sentence: the platform's message or the errorMessage of the
// function; "" for a success.
func (r *Result) Reason() string {
	if !r.Failed {
		return ""
	}
	if r.Message != "" {
		return r.Message
	}
	var e struct {
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal(r.Payload, &e) == nil && e.Message != "" {
		return e.Message
	}
	return string(r.Payload)
}

// stage is how far an event has come. It only grows.
type stage int

const (
	queued    stage = iota
	delivered       // a poller has it
	streaming       // a streamed response is arriving
	broken          // the stream was cut: only an error report may follow
	settled         // it has its outcome
)

// call is an event on its way. Server.mu guards its fields, except for those that never change.
type call struct {
	event Event
	id    string

	stage    stage
	instance int
	started  time.Time
	exit     *Result          // its instance is gone; the outcome once the report that is being read has ended
	reading  int              // reports that are being read
	conn     *httpserver.Conn // carries the stream, while it arrives
	taken    chan struct{}    // closed when a poller gets it
	ended    chan struct{}    // closed when the stream has ended, whichever way; made by the stream
	done     chan struct{}    // closed when settled; result is there
	result   *Result
}

func newCall(ev Event) *call {
	c := &call{event: ev, id: ev.RequestID, taken: make(chan struct{}), done: make(chan struct{})}
	if c.id == "" {
		c.id = NewID()
	}
	return c
}

// inHand reports whether an instance has the event. Server.mu is held.
func (c *call) inHand() bool { return c.stage != queued && c.stage != settled }

// settle gives the call its outcome, once. Server.mu is held.
func (c *call) settle(r *Result) bool {
	if c.stage == settled {
		return false
	}
	r.RequestID, r.Instance = c.id, c.instance
	if !c.started.IsZero() {
		r.Duration = time.Since(c.started)
	}
	r.Streamed = r.Streamed || c.stage == streaming || c.stage == broken
	r.Cut = r.Cut || c.stage == broken || (c.stage == streaming && r.Failed)
	c.stage, c.result = settled, r
	close(c.done)
	return true
}

// NewID makes a random UUID, the form of FunctionGraph's request ids.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
