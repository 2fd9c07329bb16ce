package platform

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

// API is the runtime API's server. Its methods are safe for concurrent use. It does not run the function: whatever
// process polls it, serves it.
type API struct {
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

// NewAPI starts the server. It fails if the address can't be had or a fault is unknown.
func NewAPI(cfg Config) (*API, error) {
	a := &API{
		cfg:     cfg.withDefaults(),
		history: newHistory(),
		calls:   make(map[string]*call),
	}
	a.server = httpserver.New(a.handle)
	a.closing = a.server.Closing()
	if err := a.Inject(cfg.Faults); err != nil {
		return nil, err
	}
	a.touch()
	if err := a.listen(cfg.Faults.refusal()); err != nil {
		return nil, err
	}
	return a, nil
}

// Addr is the value of RUNTIME_API_ADDR: host:port.
func (a *API) Addr() string { return a.addr }

// Inject appends rules to the script of faults. Of listen rules only those in Config.Faults have an effect.
func (a *API) Inject(f Faults) error {
	if err := f.validate(); err != nil {
		return err
	}
	a.faults.add(f)
	return nil
}

// Close ends all connections and waits until nothing of the server runs any more. Events under way end with ErrClosed.
func (a *API) Close() error { return a.server.Close() }

// listen starts to accept, at once or when the time of refusal has passed.
func (a *API) listen(refusal time.Duration) error {
	if refusal == 0 {
		ln, err := net.Listen("tcp4", a.cfg.Addr)
		if err != nil {
			return fmt.Errorf("runtime API: %w", err)
		}
		a.addr = ln.Addr().String()
		a.server.Go(func() { a.server.Serve(ln) })
		return nil
	}
	r, err := reserve(a.cfg.Addr)
	if err != nil {
		return err
	}
	a.addr = r.addr
	a.server.Go(func() { a.listenLater(r, refusal) })
	return nil
}

func (a *API) listenLater(r *reserved, refusal time.Duration) {
	if !retry.Pause(refusal, a.closing) {
		_ = r.Close() // nobody ever used it
		return
	}
	if ln, err := r.listen(); err == nil { // or connections stay refused
		a.server.Serve(ln)
	}
}

func (a *API) handle(ctx *fasthttp.RequestCtx, c *httpserver.Conn) {
	a.touch()
	path := string(ctx.Request.URI().PathOriginal()) // as sent: an id may hold escaped slashes
	kind, id := reportPath(path)
	switch {
	case path == pathPoll && ctx.IsGet():
		a.poll(ctx, c)
	case id != "" && ctx.IsPost():
		a.report(ctx, c, kind, id)
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
func (a *API) touch() { a.active.Store(time.Now().UnixNano()) }

// answer writes a JSON message, as the platform's services do.
func answer(ctx *fasthttp.RequestCtx, status int, msg string) {
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(errorJSON(status, msg))
}

// begin hands out the number of a new instance: polls and events belong to it from here on.
func (a *API) begin() int {
	a.touch()
	return int(a.instance.Add(1))
}

// served reports whether the instance took an event.
func (a *API) served(instance int) bool { return a.taker.Load() == int64(instance) }

// onQueued sets what is called when an event waits for a poller.
func (a *API) onQueued(f func()) { a.queued.Store(&f) }

// exited fails what an instance had in hand. A report that is just being read may still become the outcome.
func (a *API) exited(instance int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.calls {
		if c.instance != instance || c.stage == queued || c.stage == settled {
			continue
		}
		gone := failure(CodeExited, "runtime process is exited")
		if c.reading > 0 {
			c.exit = gone
		} else {
			c.settle(gone)
		}
	}
}

// refuse fails all events that nobody has polled yet.
func (a *API) refuse(why *Result) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.calls {
		if r := *why; c.stage == queued && c.settle(&r) {
			a.queue.remove(c)
		}
	}
}
