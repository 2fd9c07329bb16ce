// Package api is the server side of FunctionGraph's runtime API: events in by Invoke, out by a bootstrap's poll, and the
// one outcome of each by its report; with faults, so that a bootstrap can be tried on a platform that misbehaves. What is
// not documented by the vendor is decided here so that a bootstrap that is right here is right on the real platform. It
// starts no process: whatever polls, serves.
package api

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"fgbootstrap/internal/retry"
	"fgbootstrap/platform/httpserver"
)

// Limits of FunctionGraph in bytes. The platform tolerates 100 bytes over the 6 MB.
const (
	MaxPayload = 6291456 + 100
	MaxAsync   = 256 << 10
	MaxStream  = 200 << 20
)

const (
	pathPoll   = "/v1/runtime/invocation/request"
	pathReport = "/v1/runtime/invocation/"
)

// ErrEventTooLarge is an event over the platform's limit; it was not queued.
var ErrEventTooLarge = errors.New("event too large")

// ErrClosed is an event that was under way when the platform was closed.
var ErrClosed = errors.New("the platform is closed")

// Credentials are what a function with an agency finds in the headers of its events. Empty ones are left out.
type Credentials struct {
	AccessKey, SecretKey, SecurityToken, AuthToken string
	SecurityAccessKey, SecuritySecretKey           string
}

func (c Credentials) headers() map[string]string {
	return map[string]string{
		"X-CFF-Access-Key":          c.AccessKey,
		"X-CFF-Secret-Key":          c.SecretKey,
		"X-CFF-Security-Token":      c.SecurityToken,
		"X-CFF-Auth-Token":          c.AuthToken,
		"X-CFF-Security-Access-Key": c.SecurityAccessKey,
		"X-CFF-Security-Secret-Key": c.SecuritySecretKey,
	}
}

// Config says how the runtime API behaves. The zero value is the platform's default.
type Config struct {
	Addr        string            // IPv4 host:port; default 127.0.0.1:0, a free port
	Timeout     time.Duration     // from delivery to outcome; default 3s
	LoadTimeout time.Duration     // how long an event waits for a poll while nothing else happens; 0 is for ever
	MaxPayload  int64             // bytes of an event or of a held response; default MaxPayload
	MaxStream   int64             // bytes of a streamed response; default MaxStream
	Streaming   bool              // the function's Streaming Response switch: chunked responses flow
	Credentials Credentials       // sent with each event
	Headers     map[string]string // further metadata headers of each event
	Faults      Faults

	// Expired is called when an event has run into Timeout or LoadTimeout, before Invoke returns: to kill the
	// instance of that number. It may be nil.
	Expired func(instance int)
}

func (c Config) withDefaults() Config {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.Timeout <= 0 {
		c.Timeout = 3 * time.Second
	}
	if c.MaxPayload <= 0 {
		c.MaxPayload = MaxPayload
	}
	if c.MaxStream <= 0 {
		c.MaxStream = MaxStream
	}
	if c.Expired == nil {
		c.Expired = func(int) {}
	}
	return c
}

// Server is the runtime API's server. Its methods are safe for concurrent use. It does not run the function: whatever
// process polls it, serves it.
type Server struct {
	cfg      Config
	server   *httpserver.Server
	addr     string
	queue    queue
	faults   script
	history  *history
	active   atomic.Int64 // unix nanoseconds of the last sign of life of an instance
	instance atomic.Int64 // number of the current instance
	taker    atomic.Int64 // number of the last instance that took an event
	queued   atomic.Pointer[func()]
	closing  <-chan struct{}

	mu    sync.Mutex
	calls map[string]*call
}

// New starts the server. It fails if the address can't be had or a fault is unknown.
func New(cfg Config) (*Server, error) {
	s := &Server{
		cfg:     cfg.withDefaults(),
		history: newHistory(),
		calls:   make(map[string]*call),
	}
	s.server = httpserver.New(s.handle)
	s.closing = s.server.Closing()
	if err := s.Inject(cfg.Faults); err != nil {
		return nil, err
	}
	s.touch()
	if err := s.listen(cfg.Faults.refusal()); err != nil {
		return nil, err
	}
	return s, nil
}

// Addr is the value of RUNTIME_API_ADDR: host:port.
func (s *Server) Addr() string { return s.addr }

// Inject appends rules to the script of faults. Of listen rules only those in Config.Faults have an effect.
func (s *Server) Inject(f Faults) error {
	if err := f.validate(); err != nil {
		return err
	}
	s.faults.add(f)
	return nil
}

// Close ends all connections and waits until nothing of the server runs any more. Events under way end with ErrClosed.
func (s *Server) Close() error { return s.server.Close() }

// listen starts to accept, at once or when the time of refusal has passed.
func (s *Server) listen(refusal time.Duration) error {
	if refusal == 0 {
		ln, err := net.Listen("tcp4", s.cfg.Addr)
		if err != nil {
			return fmt.Errorf("runtime API: %w", err)
		}
		s.addr = ln.Addr().String()
		s.server.Go(func() { s.server.Serve(ln) })
		return nil
	}
	r, err := reserve(s.cfg.Addr)
	if err != nil {
		return err
	}
	s.addr = r.addr
	s.server.Go(func() { s.listenLater(r, refusal) })
	return nil
}

func (s *Server) listenLater(r *reserved, refusal time.Duration) {
	if !retry.Pause(refusal, s.closing) {
		_ = r.Close() // nobody ever used it
		return
	}
	if ln, err := r.listen(); err == nil { // or connections stay refused
		s.server.Serve(ln)
	}
}

func (s *Server) handle(ctx *fasthttp.RequestCtx, c *httpserver.Conn) {
	s.touch()
	path := string(ctx.Request.URI().PathOriginal()) // as sent: an id may hold escaped slashes
	kind, id := reportPath(path)
	switch {
	case path == pathPoll && ctx.IsGet():
		s.poll(ctx, c)
	case id != "" && ctx.IsPost():
		s.report(ctx, c, kind, id)
	default:
		answer(ctx, fasthttp.StatusNotFound, fmt.Sprintf("the runtime API has no %s %s", ctx.Method(), path))
		ctx.SetConnectionClose() // an unread body may follow
	}
}

// reportPath takes …/response/ID and …/error/ID apart; the id is empty if it is neither.
func reportPath(path string) (Kind, string) {
	rest, ok := strings.CutPrefix(path, pathReport)
	kind, escaped, _ := strings.Cut(rest, "/")
	id, err := url.PathUnescape(escaped)
	if !ok || err != nil || (Kind(kind) != KindResponse && Kind(kind) != KindError) {
		return "", ""
	}
	return Kind(kind), id
}

// touch notes a sign of life.
func (s *Server) touch() { s.active.Store(time.Now().UnixNano()) }

// Closing is closed when Close begins.
func (s *Server) Closing() <-chan struct{} { return s.closing }

// PayloadLimit is how many bytes an event may have; an async one may be limited to less, see MaxAsync.
func (s *Server) PayloadLimit() int64 { return s.cfg.MaxPayload }

// Waits reports whether an event waits for a poller.
func (s *Server) Waits() bool { return s.queue.waits() }

// answer writes a JSON message, as the platform's services do.
func answer(ctx *fasthttp.RequestCtx, status int, msg string) {
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(errorJSON(status, msg))
}

// Begin hands out the number of a new instance: polls and events belong to it from here on.
func (s *Server) Begin() int {
	s.touch()
	return int(s.instance.Add(1))
}

// Served reports whether the instance took an event.
func (s *Server) Served(instance int) bool { return s.taker.Load() == int64(instance) }

// OnQueued sets what is called when an event waits for a poller.
func (s *Server) OnQueued(f func()) { s.queued.Store(&f) }

// Exited fails what an instance had in hand. A report that is just being read may still become the outcome.
func (s *Server) Exited(instance int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.instance != instance || c.stage == queued || c.stage == settled {
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

// Refuse fails all events that nobody has polled yet.
func (s *Server) Refuse(why *Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if r := *why; c.stage == queued && c.settle(&r) {
			s.queue.remove(c)
		}
	}
}
