package httpproxy

import (
	"bytes"
	"io"
	"strconv"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/apig"

	"github.com/valyala/fasthttp"
)

// inlineBytes is the most that is written by the goroutine that then reads the answer. A larger
// request is written by another goroutine: a server may answer before it has read everything and
// wait for us to read.
const inlineBytes = 64 << 10

// keepHead is how much memory for the heads of requests is kept, in bytes. An ordinary one takes
// some KB, and a body of up to inlineBytes stands beside it.
const keepHead = 512 << 10

// sender writes the request.
type sender struct {
	request apig.Request
	head    fasthttp.RequestHeader
	out     []byte     // the request's head, and a small body
	size    int        // of the request, if all of it has been written at once
	written bool       // something of the request was
	began   bool       // something of it was, over this connection or one before
	writing chan error // what is written beside; nil if nothing is
}

// writeHead puts the head of the request into s.out; host is for a request that names none.
// Headers are hidden from the library: it would sort and merge cookies, and take the host from a
// path that is a URL.
func (s *sender) writeHead(inv *adapter.Invocation, c *Config, host string) {
	h := &s.head
	h.Reset()
	h.DisableSpecialHeader()
	h.SetNoDefaultContentType(true)
	h.SetMethodBytes(s.request.Method)
	h.SetRequestURIBytes(s.request.Target)
	if s.request.Host != nil {
		host = string(s.request.Host)
	}
	h.Add("Host", host)
	for _, f := range s.request.Fields {
		h.AddBytesKV(f.Name, f.Value)
	}
	for _, f := range inv.Metadata(c.Credentials) {
		h.Add(f.Name, f.Value)
	}
	for _, f := range c.Identity {
		if inv.Header(f.Name) == "" {
			h.Add(f.Name, f.Value)
		}
	}
	if s.request.Body.Size > 0 || s.request.HasBody() {
		h.Add("Content-Length", strconv.Itoa(s.request.Body.Size))
	}
	s.out = h.AppendBytes(s.out[:0])
	s.began = false
}

// memory returns how many bytes of memory are kept for the heads of requests. The library's copy
// of one is about as large as ours.
func (s *sender) memory() int { return s.request.Memory() + 2*cap(s.out) }

// send writes as much of the request as the connection takes at once. Another goroutine writes
// the rest.
func (s *sender) send(c *conn) error {
	s.written, s.writing, s.size = false, nil, 0
	body := &s.request.Body
	head := len(s.out)
	rest := io.WriterTo(body)
	if plain, ok := body.Plain(); ok && head+body.Size <= inlineBytes {
		s.out = append(s.out, plain...)
		rest = nil
	}
	n, err := c.raw.WriteNow(s.out)
	s.written = n > 0
	s.began = s.began || s.written
	left := s.out[n:]
	s.out = s.out[:head] // it may be sent again
	if err != nil || len(left) == 0 && rest == nil {
		s.size = n
		return err
	}
	s.written, s.began = true, true // soon
	done := make(chan error, 1)
	s.writing = done
	go func() {
		_, err := c.raw.Write(left)
		if err == nil && rest != nil {
			_, err = rest.WriteTo(c.raw)
		}
		done <- err
	}()
	return nil
}

// sent reports whether all of the request has been written.
func (s *sender) sent() bool {
	if s.writing == nil {
		return true
	}
	select {
	case err := <-s.writing:
		s.writing = nil
		return err == nil
	default:
		return false
	}
}

// path returns the request's path for messages, without the query, which may hold secrets.
func (s *sender) path() string {
	path, _, _ := bytes.Cut(s.request.Target, []byte("?"))
	if len(path) > 100 {
		return string(path[:100]) + "…"
	}
	return string(path)
}

// String returns the request for messages.
func (s *sender) String() string { return string(s.request.Method) + " " + s.path() }
