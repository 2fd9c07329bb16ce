package platform

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// server accepts connections and ends all of them when it is closed. fasthttp's own Serve keeps a pool of goroutines
// that outlives it, and its Shutdown waits for parked polls.
type server struct {
	http    fasthttp.Server
	closing chan struct{}
	work    sync.WaitGroup // accept loop and connections

	mu       sync.Mutex
	listener net.Listener
	conns    map[*conn]struct{}
	closed   bool
}

func newServer(handle func(*fasthttp.RequestCtx, *conn)) *server {
	s := &server{closing: make(chan struct{}), conns: make(map[*conn]struct{})}
	s.http = fasthttp.Server{
		Handler: func(ctx *fasthttp.RequestCtx) {
			if c, ok := ctx.Conn().(*conn); ok { // serve hands out no other
				c.plan = writePlan{}
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

// start accepts connections of the listener, which it owns from here on.
func (s *server) start(ln net.Listener) { s.work.Go(func() { s.accept(ln) }) }

func (s *server) accept(ln net.Listener) {
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
			wait(10*time.Millisecond, s.closing) // out of descriptors for a moment
			continue
		}
		s.work.Go(func() { s.serve(&conn{TCPConn: tcp, stop: s.closing}) })
	}
}

func (s *server) serve(c *conn) {
	defer c.Close()
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

// close ends all connections and waits until nothing of the server runs any more.
func (s *server) close() error {
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
