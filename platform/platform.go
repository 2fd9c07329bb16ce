// Package platform is FunctionGraph on one machine, as far as a custom runtime can see it: it
// runs a function's instance behind the runtime API of package api, and keeps its log. Package
// door has the front doors.
//
// What is not documented by the vendor is decided here so that a bootstrap that is right on this
// platform is right on the real one. It does not scale out, retry asynchronous events, or confine
// the function: a function runs with the rights of the user who starts it. Running a function
// needs Linux; the rest builds anywhere.
package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"fgbootstrap/platform/api"
)

// Options are the platform's side of a function.
type Options struct {
	API   api.Config    // limits, credentials, faults; its Timeout is the function's
	Log   io.Writer     // gets the program's output and the platform's lines; nil drops them
	Grace time.Duration // from SIGTERM to SIGKILL at Close; default 3s
}

// loadTimeout is how long a function that runs may leave an event unfetched before its instance
// is given up.
const loadTimeout = 30 * time.Second

// Platform runs one function.
type Platform struct {
	fn   Function
	api  *api.Server
	sup  *supervisor
	logs *journal
}

// New opens the runtime API for the function. Its instance starts with the first event, as on the
// real platform. The error says what is wrong with the function or the faults.
func New(fn Function, opt Options) (*Platform, error) {
	fn, err := fn.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("function: %w", err)
	}
	if opt.Grace == 0 {
		opt.Grace = 3 * time.Second
	}
	p := &Platform{fn: fn, logs: newJournal(opt.Log)}
	if p.api, err = api.New(p.config(opt.API)); err != nil {
		return nil, err
	}
	listener, err := p.api.Listen("127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, p.api.Close())
	}
	p.sup = newSupervisor(fn, p.api, listener, p.logs, opt.Grace)
	return p, nil
}

// config completes the runtime API's Config for this function.
func (p *Platform) config(cfg api.Config) api.Config {
	if cfg.LoadTimeout == 0 {
		cfg.LoadTimeout = loadTimeout
	}
	cfg.Timeout = p.fn.Timeout
	expired := cfg.Expired
	cfg.Expired = func(instance int) {
		p.sup.kill(instance)
		if expired != nil {
			expired(instance)
		}
	}
	return cfg
}

// API returns the runtime API behind the platform, for its Polls, Reports and faults. The
// platform owns it.
func (p *Platform) API() *api.Server { return p.api }

// Addr returns where the instance finds the runtime API, host:port.
func (p *Platform) Addr() string { return p.sup.listener.Addr() }

// Function returns the function with its defaults filled in.
func (p *Platform) Function() Function { return p.fn }

// Invoke runs the function once, see api.Server.Invoke. When it returns a timeout, nothing of the
// instance runs any more.
func (p *Platform) Invoke(ctx context.Context, ev api.Event) (*api.Result, error) {
	if ev.RequestID == "" {
		ev.RequestID = api.NewID()
	}
	p.logs.start(ev.RequestID, p.fn.Version)
	r, err := p.api.Invoke(ctx, ev)
	if err == nil {
		p.logs.finish(r, p.fn, p.sup.memory())
	}
	return r, err
}

// Logf writes a line of the platform's to the function's log, with the time before it.
func (p *Platform) Logf(format string, args ...any) { p.logs.printf(format, args...) }

// Close stops the instance (SIGTERM, the grace, then SIGKILL for all of it) and the API.
func (p *Platform) Close() error {
	p.sup.close()
	return p.api.Close()
}
