package httpproxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/apig"

	"github.com/valyala/fasthttp"
)

const (
	// headBytes is the most that the head of an answer may have.
	headBytes = 64 << 10
	// inlineBytes is what is written by the goroutine that then reads the answer. More
	// is written by another: a server may answer before it has read everything, and
	// wait for us to read.
	inlineBytes = 64 << 10
	// mostInterim is how many answers of 1xx may come before the answer.
	mostInterim = 20
)

// exchange is a request and its answer. It is used again and again, by one goroutine.
type exchange struct {
	*Mode
	inv      *adapter.Invocation
	call     bool // of the gateway
	request  apig.Request
	head     fasthttp.RequestHeader
	out      []byte        // the request's head, and a small body
	in       *bufio.Reader // of the answer
	answer   fasthttp.Response
	answered bool   // the server has dealt with the event
	text     []byte // what goes to the platform next
	own      []byte // room for it where w has none
	piece    []byte // of the answer's body

	conn    *conn
	release func() bool // of conn, from ctx
	written bool        // something of the request was
	whole   bool        // the answer has been read to its end
	writing chan error  // what is written beside; nil if nothing is
}

func newExchange() *exchange {
	return &exchange{in: bufio.NewReaderSize(nil, headBytes), piece: make([]byte, answerBytes)}
}

// reset forgets the event.
func (x *exchange) reset() {
	x.Mode, x.inv = nil, nil
	x.request.Reset()
	x.answer.Reset()
	x.in.Reset(nil)
	x.text = nil
}

// begin makes the request of an event. Its error is that there can't be one.
func (x *exchange) begin(m *Mode, inv *adapter.Invocation) error {
	x.Mode, x.inv, x.answered = m, inv, false
	event, call := apig.Read(inv.Payload)
	if x.call = call; call {
		if err := x.request.Read(event, apig.Reading{Prefix: m.StripPrefix, IsOurs: m.IsMetadata}); err != nil {
			return &adapter.Error{
				Type:    adapter.TypeProtocol,
				Message: "The event can't be handed to the server as an HTTP request: " + err.Error() + ".",
			}
		}
	} else {
		x.request.Post(m.EventPath, inv.Payload)
	}
	return nil
}

// writeHead puts the head of the request into x.out; host is for one that names none.
// The library is not to know any header: it would sort and merge cookies, and let a path
// that is a URL name the host.
func (x *exchange) writeHead(host string) {
	h := &x.head
	h.Reset()
	h.DisableSpecialHeader()
	h.SetNoDefaultContentType(true)
	h.SetMethodBytes(x.request.Method)
	h.SetRequestURIBytes(x.request.Target)
	if x.request.Host != nil {
		host = string(x.request.Host)
	}
	h.Add("Host", host)
	for _, f := range x.request.Fields {
		h.AddBytesKV(f.Name, f.Value)
	}
	for _, f := range x.inv.Metadata(x.Credentials) {
		h.Add(f.Name, f.Value)
	}
	for _, f := range x.Identity {
		if x.inv.Header(f.Name) == "" {
			h.Add(f.Name, f.Value)
		}
	}
	if x.request.Body.Size > 0 || x.request.HasBody() {
		h.Add("Content-Length", strconv.Itoa(x.request.Body.Size))
	}
	x.out = h.AppendBytes(x.out[:0])
}

// roundTrip sends the request and reads the head of the answer. It takes one of the
// kept connections at most: that the server has closed it is no failure, as long as
// the request can be repeated.
func (x *exchange) roundTrip(ctx context.Context, p *pool, lives func() bool) error {
	var before error // of a connection into which something was written
	for fresh := false; ; fresh = true {
		c, err := p.get(ctx, fresh)
		if err != nil && before != nil {
			return before // it has been delivered: that may be what was the end of the server
		}
		if err != nil {
			return &undelivered{err}
		}
		x.conn, x.written, x.whole, x.release = c, false, false, context.AfterFunc(ctx, c.cut)
		err = x.send()
		if err == nil || x.written {
			err = x.receive() // also of a request that was not taken whole
		}
		if err == nil {
			return nil
		}
		again := c.reused && len(c.sample) == 0 && ctx.Err() == nil && lives() && (x.request.IsSafe() || !x.written)
		if !again {
			return err
		}
		if x.written {
			before = err
		}
		x.hangUp(p)
	}
}

// undelivered is that there is no connection to the server.
type undelivered struct{ cause error }

func (u *undelivered) Error() string { return "connect to the server: " + u.cause.Error() }

// send writes the request, as much as is taken at once; the rest beside.
func (x *exchange) send() error {
	x.writing = nil
	body := &x.request.Body
	head := len(x.out)
	rest := io.WriterTo(body)
	if plain, ok := body.Plain(); ok && head+body.Size <= inlineBytes {
		x.out = append(x.out, plain...)
		rest = nil
	}
	n, err := x.conn.WriteNow(x.out)
	x.written = n > 0
	left := x.out[n:]
	x.out = x.out[:head] // it may be sent again
	if err != nil || len(left) == 0 && rest == nil {
		return err
	}
	x.written = true // soon
	c, done := x.conn, make(chan error, 1)
	x.writing = done
	go func() {
		_, err := c.Write(left)
		if err == nil && rest != nil {
			_, err = rest.WriteTo(c)
		}
		done <- err
	}()
	return nil
}

var (
	// errSwitched is a server that wants to speak something else.
	errSwitched = errors.New("it switched protocols")
	// errAnnounces is one that sends answers of 1xx without end.
	errAnnounces = errors.New("it goes on announcing an answer")
	// errStatus is an answer with a status that is none.
	errStatus = errors.New("its status is below 100")
)

// receive reads the head of the answer.
func (x *exchange) receive() error {
	x.in.Reset(x.conn)
	a := &x.answer
	a.Reset()
	a.StreamBody = true
	a.Header.SetNoDefaultContentType(true)
	for range mostInterim {
		if err := a.Header.Read(x.in); err != nil {
			return err
		}
		switch status := a.StatusCode(); {
		case status < fasthttp.StatusContinue:
			return errStatus
		case status == fasthttp.StatusSwitchingProtocols:
			return errSwitched
		case status >= 200:
			if x.hasNoBody() {
				x.whole = true
				return nil
			}
			return a.ReadBody(x.in, 0) // it is read by BodyStream
		}
	}
	return errAnnounces
}

// hasNoBody tells whether the answer has none by its nature, whatever it says of its
// length.
func (x *exchange) hasNoBody() bool {
	status := x.answer.StatusCode()
	return string(x.request.Method) == fasthttp.MethodHead || status == fasthttp.StatusNoContent || status == fasthttp.StatusNotModified
}

// Read reads the answer's body. Its error, but for io.EOF, is a *broken.
func (x *exchange) Read(p []byte) (int, error) {
	stream := x.answer.BodyStream()
	if stream == nil {
		return 0, io.EOF
	}
	n, err := stream.Read(p)
	if err == io.EOF && x.answer.Header.ContentLength() == chunked && x.conn.ended {
		err = io.ErrUnexpectedEOF // the library takes it for the last chunk
	}
	x.whole = err == io.EOF
	if err != nil && !x.whole {
		err = &broken{err}
	}
	return n, err
}

// chunked is the ContentLength of such an answer.
const chunked = -1

// broken is an answer whose body breaks off.
type broken struct{ cause error }

func (b *broken) Error() string { return "the answer broke off: " + b.cause.Error() }

// hangUp gives the connection back.
func (x *exchange) hangUp(p *pool) {
	if x.conn == nil {
		return
	}
	usable := x.whole && x.release() && x.sent() && x.keeps() && x.in.Buffered() == 0
	if !usable {
		x.release()
		x.conn.cut()
	}
	if x.writing != nil {
		<-x.writing // nothing may refer to the event any more
	}
	_ = x.answer.CloseBodyStream() // never fails
	p.put(x.conn, usable)
	x.conn, x.writing = nil, nil
}

// sent tells whether all of the request has been written.
func (x *exchange) sent() bool {
	if x.writing == nil {
		return true
	}
	select {
	case err := <-x.writing:
		x.writing = nil
		return err == nil
	default:
		return false
	}
}

// keeps tells whether the server goes on with the connection.
func (x *exchange) keeps() bool {
	h := &x.answer.Header
	if length := h.ContentLength(); x.hasNoBody() && (length > 0 || length == chunked) {
		return false // some send the body all the same, and it would be the next answer
	}
	ends := h.ConnectionClose() || h.ContentLength() < chunked && !x.hasNoBody()
	return !ends && !hasToken(h.Peek(fasthttp.HeaderConnection), "close")
}

// hasToken tells whether a header that is a list has this token.
func hasToken(list []byte, token string) bool {
	for item := range bytes.SplitSeq(list, []byte(",")) {
		if bytes.EqualFold(bytes.TrimSpace(item), []byte(token)) {
			return true
		}
	}
	return false
}
