package worker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/output"
)

// call is an event in flight in a multiplexed worker. The worker's reader hands
// it what comes, the goroutine that brought the event waits for it.
type call struct {
	sink   sink
	id     string
	visit  *output.Visit
	from   int64         // where its line begins among all that was written to the worker
	pieces bool          // fragments of the response have come
	over   chan struct{} // closed when there is nothing more to wait for
	final  chan struct{} // closed, before over, when the worker has dealt with it or has ended
	err    error         // why it failed, valid once over is closed
	lost   bool          // the worker has ended, valid once final is closed
}

// errWithdrawn is a response that nobody waits for any more.
var errWithdrawn = errors.New("nobody waits for this response")

func newCall(t task, m *Handler) *call {
	c := &call{id: t.inv.ID, over: make(chan struct{}), final: make(chan struct{})}
	if m.Streaming {
		c.sink = newSpool(t.response, &m.rings)
	} else {
		c.sink = &direct{w: t.response}
	}
	return c
}

// fragment takes a piece of the response.
func (c *call) fragment(piece []byte) {
	c.pieces = true
	c.put(piece)
}

func (c *call) put(piece []byte) {
	if _, err := c.sink.Write(piece); err != nil && c.err == nil && !errors.Is(err, errWithdrawn) {
		c.err = err // too large, or the platform is gone: no use in waiting for more
		close(c.over)
	}
}

// answer is the end of it: the response, or nothing if it came in pieces.
func (c *call) answer(result []byte) {
	if !c.pieces {
		_, err := c.sink.Write(result)
		c.finish(err)
		return
	}
	if !bytes.Equal(result, []byte("null")) {
		c.finish(&adapter.Error{
			Type: adapter.TypeProtocol,
			Message: "The program sent its response in chunks and a result too. After chunks the result has to be null: " +
				"what is the response is in the chunks.",
		})
		return
	}
	c.finish(nil)
}

// finish ends it, for err or nil.
func (c *call) finish(err error) {
	refused := c.err != nil
	if !refused {
		c.err = err
	}
	close(c.final)
	if !refused {
		close(c.over)
	}
	c.sink.end()
}

// lose ends it because the worker has ended.
func (c *call) lose() {
	c.lost = true
	c.finish(nil)
}

// sink is where the response goes. Only the reader of the worker writes to it.
type sink interface {
	io.Writer
	// end says that nothing more will be written.
	end()
	// relay hands the response on until over is closed or ctx ends.
	relay(ctx context.Context, over <-chan struct{}) error
	// withdraw returns when nothing refers to the response any more.
	withdraw()
}

// direct is a sink for a response that is held: to write to it takes no time.
type direct struct {
	mu sync.Mutex
	w  io.Writer // nil once withdrawn
}

func (d *direct) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.w == nil {
		return 0, errWithdrawn
	}
	return d.w.Write(p)
}

func (d *direct) end() {}

func (d *direct) relay(ctx context.Context, over <-chan struct{}) error {
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *direct) withdraw() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.w = nil
}
