package api

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"fgbootstrap/internal/retry"
	"fgbootstrap/platform/httpserver"

	"github.com/valyala/fasthttp"
)

// Listener is one address of the runtime API, for the instances that run one after the other with
// that address. A poll belongs to the instance of the listener through which it came. Its methods
// are safe for concurrent use.
type Listener struct {
	server   *Server
	http     *httpserver.Server
	addr     string
	instance atomic.Int64 // number of its current instance; 0 before the first
	taker    atomic.Int64 // number of its last instance that took an event
}

// Listen opens an address, an IPv4 host:port; port 0 takes a free one. Connections are refused
// for as long as Config.Faults says. Close ends the listener. The error says what is wrong with
// the address, or is ErrClosed.
func (s *Server) Listen(addr string) (*Listener, error) {
	l := &Listener{server: s}
	l.http = httpserver.New(l.handle)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if err := l.open(addr, s.cfg.Faults.refusal()); err != nil {
		return nil, err
	}
	s.listeners = append(s.listeners, l)
	return l, nil
}

// open starts to accept, at once or when the time of refusal has passed.
func (l *Listener) open(addr string, refusal time.Duration) error {
	if refusal == 0 {
		ln, err := net.Listen("tcp4", addr)
		if err != nil {
			return fmt.Errorf("runtime API: %w", err)
		}
		l.addr = ln.Addr().String()
		l.http.Go(func() { l.http.Serve(ln) })
		return nil
	}
	r, err := reserve(addr)
	if err != nil {
		return err
	}
	l.addr = r.addr
	l.http.Go(func() { l.openLater(r, refusal) })
	return nil
}

func (l *Listener) openLater(r *reserved, refusal time.Duration) {
	if !retry.Pause(refusal, l.http.Closing()) {
		_ = r.Close() // nobody ever used it
		return
	}
	if ln, err := r.listen(); err == nil { // or connections stay refused
		l.http.Serve(ln)
	}
}

// Addr returns the value of RUNTIME_API_ADDR: host:port.
func (l *Listener) Addr() string { return l.addr }

// Begin makes a new instance the current one and returns its number. Numbers count from 1 across
// all listeners. Polls of this listener belong to the instance from here on, and so do the events
// that they get.
func (l *Listener) Begin() int {
	l.server.touch()
	number := l.server.started.Add(1)
	l.instance.Store(number)
	return int(number)
}

// Served reports whether the current instance took an event.
func (l *Listener) Served() bool { return l.taker.Load() == l.instance.Load() }

// Busy reports whether the current instance has events in hand.
func (l *Listener) Busy() bool {
	number := l.number()
	return l.server.anyInHand(func(c *call) bool { return c.instance == number })
}

// Exited fails the events that the current instance had in hand. A report that is being read may
// still become the outcome.
func (l *Listener) Exited() {
	number := l.number()
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	for _, c := range l.server.calls {
		if c.instance != number || !c.inHand() {
			continue
		}
		gone := Failure(CodeExited, "runtime process is exited")
		if c.reading > 0 {
			c.exit = gone
		} else {
			c.settle(gone)
		}
	}
}

func (l *Listener) number() int { return int(l.instance.Load()) }

func (l *Listener) handle(ctx *fasthttp.RequestCtx, c *httpserver.Conn) {
	l.server.touch()
	path := string(ctx.Request.URI().PathOriginal()) // as sent: an id may hold escaped slashes
	kind, id := reportPath(path)
	switch {
	case path == pathPoll && ctx.IsGet():
		l.poll(ctx, c)
	case id != "" && ctx.IsPost():
		l.server.report(ctx, c, kind, id)
	default:
		answer(ctx, fasthttp.StatusNotFound, fmt.Sprintf("the runtime API has no %s %s", ctx.Method(), path))
		ctx.SetConnectionClose() // an unread body may follow
	}
}

// reportPath splits …/response/ID and …/error/ID; the id is empty if path is neither.
func reportPath(path string) (Kind, string) {
	rest, ok := strings.CutPrefix(path, pathReport)
	kind, escaped, _ := strings.Cut(rest, "/")
	id, err := url.PathUnescape(escaped)
	if !ok || err != nil || (Kind(kind) != KindResponse && Kind(kind) != KindError) {
		return "", ""
	}
	return Kind(kind), id
}
