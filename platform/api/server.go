// Package api is the server side of FunctionGraph's runtime API: events in by Invoke, out by a
// bootstrap's poll, and the one outcome of each by its report; with faults, so that a bootstrap
// can be tried on a platform that misbehaves. What is not documented by the vendor is decided
// here so that a bootstrap that is right here is right on the real platform. It starts no
// process.
package api

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
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

// ErrEventTooLarge means that an event is over the platform's limit; it was not queued.
var ErrEventTooLarge = errors.New("event too large")

// ErrClosed means that the platform was closed before the event had its outcome.
var ErrClosed = errors.New("the platform is closed")

// Credentials are what a function with an agency finds in the headers of its events. Empty ones
// are left out.
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
	Timeout     time.Duration     // from delivery to outcome; default 3s
	LoadTimeout time.Duration     // how long an event waits for a poll while nothing else happens; 0 means forever
	MaxPayload  int64             // bytes of an event or of a held response; default MaxPayload
	MaxStream   int64             // bytes of a streamed response; default MaxStream
	Streaming   bool              // the function's Streaming Response switch: chunked responses flow
	Credentials Credentials       // sent with each event
	Headers     map[string]string // further metadata headers of each event
	Faults      Faults

	// Expired is called when an event has run into Timeout or LoadTimeout, before Invoke returns:
	// to kill the instance of that number. After LoadTimeout it is called for the current
	// instance of each listener. It may be nil.
	Expired func(instance int)
}

func (c Config) withDefaults() Config {
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

// Server is the runtime API: one queue of events and one table of calls behind all listeners. Its
// methods are safe for concurrent use. It does not run the function: the process that polls a
// listener serves it.
type Server struct {
	cfg     Config
	queue   queue
	faults  script
	history *history
	started atomic.Int64 // instances so far: the number of the newest
	active  atomic.Int64 // unix nanoseconds of the last sign of life of an instance
	queued  atomic.Pointer[func()]
	closing chan struct{}

	mu        sync.Mutex
	calls     map[string]*call
	listeners []*Listener
	closed    bool
}

// New makes a runtime API without an address: Listen gives it one. The error names an unknown fault.
func New(cfg Config) (*Server, error) {
	s := &Server{
		cfg:     cfg.withDefaults(),
		history: newHistory(),
		closing: make(chan struct{}),
		calls:   make(map[string]*call),
	}
	if err := s.Inject(cfg.Faults); err != nil {
		return nil, err
	}
	s.touch()
	return s, nil
}

// Inject appends rules to the script of faults. Listen rules have an effect only in
// Config.Faults.
func (s *Server) Inject(f Faults) error {
	if err := f.validate(); err != nil {
		return err
	}
	s.faults.add(f)
	return nil
}

// Close ends all listeners and connections and waits until nothing of the server runs any more.
// Events under way end with ErrClosed. A second call returns nil at once.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.closing)
	listeners := s.listeners
	s.mu.Unlock()
	var errs []error
	for _, l := range listeners {
		errs = append(errs, l.http.Close())
	}
	return errors.Join(errs...)
}

// touch notes a sign of life.
func (s *Server) touch() { s.active.Store(time.Now().UnixNano()) }

// Closing is closed when Close begins.
func (s *Server) Closing() <-chan struct{} { return s.closing }

// PayloadLimit returns how many bytes an event may have. The limit of an async event may be
// lower, see MaxAsync.
func (s *Server) PayloadLimit() int64 { return s.cfg.MaxPayload }

// Waits reports whether an event waits for a poller.
func (s *Server) Waits() bool { return s.queue.waits() }

// answer writes a JSON message, as the platform's services do.
func answer(ctx *fasthttp.RequestCtx, status int, msg string) {
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(errorJSON(status, msg))
}

// OnQueued sets a function that Invoke calls when it has queued an event. f must not block.
func (s *Server) OnQueued(f func()) { s.queued.Store(&f) }

// Refuse fails all events that nobody has polled yet, each with a copy of why.
func (s *Server) Refuse(why *Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if r := *why; c.stage == queued && c.settle(&r) {
			s.queue.remove(c)
		}
	}
}
