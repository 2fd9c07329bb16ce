package door

import (
	"errors"
	"io"
	"sync"

	"fgbootstrap/platform/api"
)

// flow is a result that arrives as a stream while the door's client gets it.
type flow struct {
	id     string
	bytes  *io.PipeReader
	over   chan struct{} // closed when the invocation has its outcome
	result *api.Result   // valid once over is closed, as is err
	err    error
}

var errBrokeOff = errors.New("the streamed result broke off")

// begin invokes the function. It returns the result, or a stream as soon as its first byte has
// come.
func (d *Door) begin(ev api.Event) (*api.Result, *flow, error) {
	r, w := io.Pipe()
	f := &flow{id: api.NewID(), bytes: r, over: make(chan struct{})}
	first := &firstWrite{w: w, began: make(chan struct{})}
	ev.RequestID, ev.Stream = f.id, first
	go func() {
		defer close(f.over)
		f.result, f.err = d.p.Invoke(d.ctx, ev)
		if f.err != nil || f.result.Failed {
			_ = w.CloseWithError(errBrokeOff) // never fails, as below
		} else {
			_ = w.Close()
		}
	}()
	go func() { // a client that reads no more must not hold up the platform's end
		select {
		case <-d.p.API().Closing():
			_ = r.CloseWithError(api.ErrClosed)
		case <-f.over:
		}
	}()
	select {
	case <-f.over:
		return f.result, nil, f.err
	case <-first.began:
		return nil, f, nil
	}
}

// firstWrite closes began at the first write.
type firstWrite struct {
	w     io.Writer
	once  sync.Once
	began chan struct{}
}

func (f *firstWrite) Write(p []byte) (int, error) {
	f.once.Do(func() { close(f.began) })
	return f.w.Write(p)
}

// held waits for the end and makes it a result that was not streamed. start is what has been read
// of it already.
func (f *flow) held(start []byte) (*api.Result, error) {
	rest, err := io.ReadAll(f.bytes)
	<-f.over
	if f.err != nil {
		return nil, f.err
	}
	if err == nil {
		f.result.Payload = append(start, rest...)
	}
	return f.result, nil
}

// Read implements io.Reader.
func (f *flow) Read(p []byte) (int, error) { return f.bytes.Read(p) }

// Close lets the invocation go on without the client.
func (f *flow) Close() error {
	go func() { _, _ = io.Copy(io.Discard, f.bytes) }()
	return nil
}

// answerBody is what the server takes a flow's bytes from.
type answerBody struct{ io.ReadCloser }

// SupportsBodyWriteTo implements fasthttp.BodyWriterTo.
func (answerBody) SupportsBodyWriteTo() bool { return true }

// WriteTo implements io.WriterTo: what has arrived goes out at once, in pieces larger than the
// server's own.
func (b answerBody) WriteTo(w io.Writer) (int64, error) {
	return io.CopyBuffer(w, struct{ io.Reader }{b.ReadCloser}, make([]byte, 256<<10))
}
