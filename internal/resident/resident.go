// Package resident is what a worker and a web server have in common: a program that is started
// ahead of its events and keeps running. It owns one start of the program from its launch to the
// last line that it prints, and knows how it ended and who may be told. The mode talks to the
// program; internal/supervise decides when it is restarted.
package resident

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/output"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/retry"
	"fgbootstrap/internal/secret"

	"go.uber.org/zap"
)

const (
	// Drain is how long a process that a program left behind may hold its pipes open after the
	// program ended.
	Drain = 100 * time.Millisecond
	// KillPatience is how long to wait for a killed process to end. One that hangs in the kernel
	// is left behind.
	KillPatience = time.Second
)

// Config is what all starts of a program have in common.
type Config struct {
	Program failure.Program
	// Env is the program's environment as KEY=value.
	Env []string
	// Grace is how long a program that is asked to stop may take.
	Grace  time.Duration
	Mask   *secret.Mask
	Reaper *process.Reaper
	// Log gets our own messages, Output what the program prints.
	Log, Output *zap.Logger
}

// Life is one start of the program. It implements supervise.Instance except for Stop.
type Life struct {
	// Process is the program as it was started. It has the pipes.
	Process *process.Process
	// Printed handles what it prints besides its answers.
	Printed *output.Log
	// StartedAt is when it was launched.
	StartedAt time.Time
	// Given counts the events that it was given.
	Given atomic.Int64

	conf *Config
	file string // the program's
	up   chan struct{}
	over chan struct{}
	once sync.Once // for up

	mu     sync.Mutex
	blamed error // why we stopped it, if that was its fault
	how    error // it ended
	public error // the same, for events other than its own
}

// Launch finds and starts the program. It fills in the Path, Args and Dir of spec. The error is
// for the caller of the function.
func Launch(c *Config, keys *secret.Keyring, spec process.Spec) (*Life, error) {
	l := &Life{
		conf: c, Printed: output.NewLog(keys, c.Output), StartedAt: time.Now(),
		up: make(chan struct{}), over: make(chan struct{}),
	}
	path, args, err := c.Program.Command.Find()
	if err != nil {
		return nil, failure.Start(err)
	}
	l.file, spec.Path, spec.Args, spec.Dir = path, path, args, c.Program.Command.Dir
	if l.Process, err = c.Reaper.Start(spec); err != nil {
		return nil, failure.Start(c.Program.Command.Explain(path, err))
	}
	c.Program.OOM.Begin()
	return l, nil
}

// MarkReady marks the program ready. It returns false if it was marked before.
func (l *Life) MarkReady() (news bool) {
	l.once.Do(func() {
		close(l.up)
		news = true
	})
	return news
}

// Ready is closed when it is ready for events.
func (l *Life) Ready() <-chan struct{} { return l.up }

// Ended is closed when it has ended and everything that it printed is read.
func (l *Life) Ended() <-chan struct{} { return l.over }

// EndedWithin waits for the program's end, up to patience or the end of ctx, and reports whether
// it has ended.
func (l *Life) EndedWithin(ctx context.Context, patience time.Duration) bool {
	return retry.Await(ctx, l.over, patience)
}

// Blame notes why it is about to be stopped; the first reason counts.
func (l *Life) Blame(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.blamed == nil {
		l.blamed = why
	}
}

// Fault is why it was stopped, if that was its fault.
func (l *Life) Fault() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.blamed
}

// Exit returns the error of a program that ended by itself.
func (l *Life) Exit(status process.Status, hint string) *adapter.Error {
	return l.conf.Program.Exit(l.file, status, hint, l.Printed.Tail())
}

// MarkEnded says that it has ended. end is the error for the event that it had, public the one
// for all others. Everything that it printed must have been read.
func (l *Life) MarkEnded(end, public error) {
	l.mu.Lock()
	l.how, l.public = end, public
	l.mu.Unlock()
	close(l.over)
}

// End returns how it ended, for an event that it had; valid once Ended is closed.
func (l *Life) End() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.how
}

// Reason returns how it ended, for any event; valid once Ended is closed.
func (l *Life) Reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.public
}

// Stop ends p, which is Process or the process that it left in the background, by the steps of
// the ladder. When everything has ended it closes the pipes. It returns false if the program
// hangs in the kernel.
func (l *Life) Stop(p *process.Process, ladder ...process.Step) bool {
	p.Stop(ladder...)
	if !l.EndedWithin(context.Background(), KillPatience) {
		return false
	}
	l.Process.Close()
	return true
}

// NotReady returns the error of an event that has waited until its deadline for the program,
// which keeps starting. missing says, in half a sentence, what has not come; hint says what may
// help, or is "".
func (l *Life) NotReady(inv *adapter.Invocation, missing, hint string) error {
	return l.conf.Program.NotReady(inv, missing, hint, l.Process, l.StartedAt, l.Printed.Tail())
}
