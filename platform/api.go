package platform

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
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
	server   fasthttp.Server
	addr     string
	listener net.Listener
	queue    queue
	faults   script
	history  *history
	active   atomic.Int64 // unix nanoseconds of the last sign of life of an instance
	instance atomic.Int64 // number of the current instance
	taker    atomic.Int64 // number of the last instance that took an event
	queued   atomic.Pointer[func()]

	mu     sync.Mutex
	calls  map[string]*call
	conns  map[*conn]struct{}
	closed bool

	closing chan struct{}
	serving sync.WaitGroup // accept loop and connections
}

// NewAPI starts the server. It fails if the address can't be had or a fault is unknown.
func NewAPI(cfg Config) (*API, error) {
	a := &API{
		cfg:     cfg.withDefaults(),
		history: newHistory(),
		calls:   make(map[string]*call),
		conns:   make(map[*conn]struct{}),
		closing: make(chan struct{}),
	}
	if err := a.Inject(cfg.Faults); err != nil {
		return nil, err
	}
	a.touch()
	a.server = fasthttp.Server{
		Handler:                       a.handle,
		ReadBufferSize:                16 << 10,
		StreamRequestBody:             true, // or a stream would be collected before we see it
		MaxRequestBodySize:            1,    // the body's limit is ours to enforce, with the platform's answer
		DisablePreParseMultipartForm:  true, // a report's Content-Type means nothing
		DisableHeaderNamesNormalizing: true, // X-CFF-Invoke-Type is sent as the platform writes it
		NoDefaultServerHeader:         true,
		NoDefaultContentType:          true,
	}
	return a, a.listen(cfg.Faults.refusal())
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
func (a *API) Close() error {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return nil
	}
	a.closed = true
	close(a.closing)
	for c := range a.conns {
		_ = c.Close()
	}
	ln := a.listener
	a.mu.Unlock()
	var err error
	if ln != nil {
		err = ln.Close()
	}
	a.serving.Wait()
	return err
}

// listen starts to accept, at once or when the time of refusal has passed.
func (a *API) listen(refusal time.Duration) error {
	if refusal == 0 {
		ln, err := net.Listen("tcp4", a.cfg.Addr)
		if err != nil {
			return fmt.Errorf("runtime API: %w", err)
		}
		a.addr = ln.Addr().String()
		a.serving.Go(func() { a.accept(ln) })
		return nil
	}
	r, err := reserve(a.cfg.Addr)
	if err != nil {
		return err
	}
	a.addr = r.addr
	a.serving.Go(func() {
		if !wait(refusal, a.closing) {
			_ = r.Close()
			return
		}
		if ln, err := r.listen(); err == nil {
			a.accept(ln)
		}
	})
	return nil
}

func (a *API) accept(ln net.Listener) {
	a.mu.Lock()
	a.listener = ln
	closed := a.closed
	a.mu.Unlock()
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
			wait(10*time.Millisecond, a.closing) // out of descriptors for a moment
			continue
		}
		a.serving.Go(func() { a.serve(&conn{TCPConn: tcp, stop: a.closing}) })
	}
}

func (a *API) serve(c *conn) {
	defer c.Close()
	a.mu.Lock()
	a.conns[c] = struct{}{}
	closed := a.closed
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(a.conns, c)
		a.mu.Unlock()
	}()
	if !closed {
		_ = a.server.ServeConn(c) // how a connection ended is the client's business; what it reported is in the history
	}
}

func (a *API) handle(ctx *fasthttp.RequestCtx) {
	c, ok := ctx.Conn().(*conn)
	if !ok { // serve hands out no other
		ctx.SetStatusCode(fasthttp.StatusInternalServerError)
		return
	}
	c.plan = writePlan{}
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

// Invoke queues the event and waits for its outcome. A failed invocation is a Result with Failed set; the error is for
// what never got that far: an event over the limit, a request id in use, the platform closed, or ctx at its end.
func (a *API) Invoke(ctx context.Context, ev Event) (*Result, error) {
	c := newCall(ev)
	if err := a.admit(c); err != nil {
		return nil, fmt.Errorf("event %s: %w", c.id, err)
	}
	defer a.forget(c)
	a.queue.put(c)
	if f := a.queued.Load(); f != nil {
		(*f)()
	}
	if err := a.awaitTaken(ctx, c); err != nil {
		return nil, fmt.Errorf("event %s: %w", c.id, err)
	}
	if err := a.awaitDone(ctx, c); err != nil {
		return nil, fmt.Errorf("event %s: %w", c.id, err)
	}
	return c.result, nil
}

func (a *API) admit(c *call) error {
	limit := a.cfg.MaxPayload
	if c.event.Async {
		limit = min(limit, MaxAsync)
	}
	if size := int64(len(c.event.Payload)); size > limit {
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrEventTooLarge, size, limit)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return ErrClosed
	}
	if _, taken := a.calls[c.id]; taken {
		return errors.New("this request id is in use")
	}
	a.calls[c.id] = c
	return nil
}

func (a *API) forget(c *call) {
	a.queue.remove(c)
	a.mu.Lock()
	delete(a.calls, c.id)
	a.mu.Unlock()
}

// awaitTaken waits for a poller, or gives up after LoadTimeout without a sign of life.
func (a *API) awaitTaken(ctx context.Context, c *call) error {
	load := time.NewTimer(a.cfg.LoadTimeout)
	defer load.Stop()
	if a.cfg.LoadTimeout <= 0 {
		load.Stop()
	}
	for {
		select {
		case <-c.taken:
			return nil
		case <-c.done:
			return nil
		case <-a.closing:
			return a.abandon(c, ErrClosed)
		case <-ctx.Done():
			return a.abandon(c, ctx.Err())
		case <-load.C:
			if left := a.loadLeft(); left > 0 {
				load.Reset(left)
				continue
			}
			a.expire(c, failure(CodeLoadTimeout, "load timeout: the bootstrap did not ask for an event for %v", a.cfg.LoadTimeout))
		}
	}
}

// loadLeft is what is left of LoadTimeout since the last sign of life. An event in hand is one.
func (a *API) loadLeft() time.Duration {
	if a.busy() {
		return a.cfg.LoadTimeout
	}
	return time.Until(time.Unix(0, a.active.Load()).Add(a.cfg.LoadTimeout))
}

// busy reports whether an instance has events in hand.
func (a *API) busy() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.calls {
		if c.stage != queued && c.stage != settled {
			return true
		}
	}
	return false
}

// awaitDone waits for the outcome, until the deadline.
func (a *API) awaitDone(ctx context.Context, c *call) error {
	deadline := time.NewTimer(time.Until(a.deadline(c)))
	defer deadline.Stop()
	select {
	case <-c.done:
	case <-a.closing:
		return a.abandon(c, ErrClosed)
	case <-ctx.Done():
		return a.abandon(c, ctx.Err())
	case <-deadline.C:
		a.expire(c, failure(CodeTimeout, "function invocation timed out after %v", a.cfg.Timeout))
	}
	a.endStream(c)
	return nil
}

func (a *API) deadline(c *call) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return c.started.Add(a.cfg.Timeout)
}

// expire gives a call that took too long its failure, and the instance to whoever kills it.
func (a *API) expire(c *call, r *Result) {
	a.mu.Lock()
	instance, won := c.instance, c.settle(r)
	a.mu.Unlock()
	if !won {
		return
	}
	if instance == 0 {
		instance = int(a.instance.Load())
	}
	a.cfg.Expired(instance)
}

// abandon settles a call whose caller does not wait any longer.
func (a *API) abandon(c *call, why error) error {
	a.mu.Lock()
	c.settle(failure(CodeInvocation, "%v", why))
	a.mu.Unlock()
	a.endStream(c)
	return why
}

// endStream breaks off a stream that is still arriving, so that the event's writer is not used after Invoke.
func (a *API) endStream(c *call) {
	a.mu.Lock()
	ended, conn := c.ended, c.conn
	a.mu.Unlock()
	if ended == nil {
		return
	}
	if c.result.Failed {
		conn.reset()
	}
	<-ended
}
