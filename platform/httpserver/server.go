// Package httpserver serves the HTTP/1.1 connections of the local platform, on fasthttp.
package httpserver

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// Server accepts connections and ends all of them when it is closed. fasthttp's own Serve keeps a pool of goroutines
// that outlives it, and its Shutdown waits for parked polls.
type Server struct {
	HTTP    fasthttp.Server
	Closing chan struct{}
	Work    sync.WaitGroup // accept loop and connections

	mu       sync.Mutex
	listener net.Listener
	conns    map[*Conn]struct{}
	closed   bool
}

// New makes a server that hands each request to handle.
func New(handle func(*fasthttp.RequestCtx, *Conn)) *Server {
	s := &Server{Closing: make(chan struct{}), conns: make(map[*Conn]struct{})}
	s.HTTP = fasthttp.Server{
		Handler: func(ctx *fasthttp.RequestCtx) {
			if c, ok := ctx.Conn().(*Conn); ok { // serve hands out no other
				c.Plan = WritePlan{}
				handle(ctx, c)
			}
		},
		ReadBufferSize:                64 << 10, // the longest head of a request
		DisablePreParseMultipartForm:  true,
		DisableHeaderNamesNormalizing: true, // names go out as they are written here
		NoDefaultServerHeader:         true,
		NoDefaultContentType:          true,
	}
	return s
}

// Start accepts connections of the listener, which it owns from here on.
func (s *Server) Start(ln net.Listener) { s.Work.Go(func() { s.Accept(ln) }) }

// Accept accepts connections of the listener until it is closed.
func (s *Server) Accept(ln net.Listener) {
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
			Wait(10*time.Millisecond, s.Closing) // out of descriptors for a moment
			continue
		}
		s.Work.Go(func() { s.serve(&Conn{TCPConn: tcp, stop: s.Closing}) })
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
		_ = s.HTTP.ServeConn(c) // how a connection ends is the client's business
	}
}

// Close ends all connections and waits until nothing of the server runs any more.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.Closing)
	for c := range s.conns {
		_ = c.Close()
	}
	ln := s.listener
	s.mu.Unlock()
	var err error
	if ln != nil {
		err = ln.Close()
	}
	s.Work.Wait()
	return err
}
