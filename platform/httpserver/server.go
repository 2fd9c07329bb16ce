// Package httpserver serves the HTTP/1.1 connections of the local platform, on fasthttp. It
// accepts and ends connections, sees that a client has hung up, breaks or slows down an answer as
// a fault rule asks, and tells a whole body from a broken one. It knows no paths and no events.
package httpserver

import (
	"errors"
	"net"
	"sync"
	"time"

	"fgbootstrap/internal/retry"

	"github.com/valyala/fasthttp"
)

// Server accepts connections and ends all of them when it is closed. fasthttp's own Serve keeps a
// pool of goroutines that outlives it, and its Shutdown waits for parked polls. Its methods are
// safe for concurrent use.
type Server struct {
	http    fasthttp.Server
	closing chan struct{}
	work    sync.WaitGroup // accept loop and connections

	mu       sync.Mutex
	listener net.Listener
	conns    map[*Conn]struct{}
	closed   bool
}

// New makes a server that hands each request to handle, on the goroutine of its connection.
// handle owns the request and the connection until it returns. Names of headers are sent as they
// are written, and a request's body is a stream that Body reads. The server that HTTP returns can
// be configured before Serve.
func New(handle func(*fasthttp.RequestCtx, *Conn)) *Server {
	s := &Server{closing: make(chan struct{}), conns: make(map[*Conn]struct{})}
	s.http = fasthttp.Server{
		Handler: func(ctx *fasthttp.RequestCtx) {
			if c, ok := ctx.Conn().(*Conn); ok { // serve hands out no other
				c.plan = writePlan{}
				handle(ctx, c)
			}
		},
		ReadBufferSize:                64 << 10, // the longest head of a request
		DisablePreParseMultipartForm:  true,
		DisableHeaderNamesNormalizing: true, // names go out as they are written here
		NoDefaultServerHeader:         true,
		NoDefaultContentType:          true,
		StreamRequestBody:             true, // or a stream would be collected before we see it
		MaxRequestBodySize:            1,    // the limit is Body's to enforce, or a body over it would be cut short by a reset
	}
	return s
}

// HTTP returns the library's server, to be configured before Serve. Its Handler must not be
// changed.
func (s *Server) HTTP() *fasthttp.Server { return &s.http }

// Closing is closed when Close begins.
func (s *Server) Closing() <-chan struct{} { return s.closing }

// Go runs f on a goroutine of its own, which Close waits for. f must end once Closing is closed.
func (s *Server) Go(f func()) { s.work.Go(f) }

// Serve accepts connections of the listener until Close. It owns the listener from then on. Call
// it once, through Go.
func (s *Server) Serve(ln net.Listener) {
	s.mu.Lock()
	s.listener = ln
	closed := s.closed
	s.mu.Unlock()
	if closed {
		_ = ln.Close()
	}
	for {
		nc, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		tcp, ok := nc.(*net.TCPConn)
		if err != nil || !ok {
			retry.Pause(10*time.Millisecond, s.closing) // out of descriptors for a moment
			continue
		}
		s.work.Go(func() { s.serve(&Conn{TCPConn: tcp, stop: s.closing}) })
	}
}

func (s *Server) serve(c *Conn) {
	defer func() { _ = c.Close() }()
	s.mu.Lock()
	closed := s.closed
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	if !closed {
		_ = s.http.ServeConn(c) // how a connection ends is the client's business
	}
}

// Close ends the listener and all connections and waits until nothing of the server runs any
// more. Its error is that of closing the listener. A second call returns nil at once.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.closing)
	for c := range s.conns {
		_ = c.Close()
	}
	ln := s.listener
	s.mu.Unlock()
	var err error
	if ln != nil {
		err = ln.Close()
	}
	s.work.Wait()
	return err
}
