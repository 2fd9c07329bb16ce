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
	// Log gets our own messages, Output what the program prints. LogObjects is output.Log's Objects.
	Log, Output *zap.Logger
	LogObjects  bool
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

	// File is the program's.
	File string
	// Up is closed when it is ready for events, Over when it has ended and everything that
	// it printed is read.
	Up, Over chan struct{}

	conf *Config
	once sync.Once // for Up
	// asked is closed when Stop begins, and graced when the ladder has been gone down.
	asked, graced chan struct{}

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
		Up: make(chan struct{}), Over: make(chan struct{}),
		asked: make(chan struct{}), graced: make(chan struct{}),
	}
	l.Printed.Objects = c.LogObjects
	path, args, err := c.Program.Command.Find()
	if err != nil {
		return nil, failure.Start(err)
	}
	l.File, spec.Path, spec.Args, spec.Dir = path, path, args, c.Program.Command.Dir
	if l.Process, err = c.Reaper.Start(spec); err != nil {
		return nil, failure.Start(c.Program.Command.Explain(path, err))
	}
	c.Program.OOM.Begin()
	return l, nil
}

// MarkReady marks the program ready. It returns false if it was marked before.
func (l *Life) MarkReady() (news bool) {
	l.once.Do(func() {
		close(l.Up)
		news = true
	})
	return news
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

// MarkEnded says that it has ended: exit is how, if we have not stopped it, and public makes
// of that what others than the one whose event that was may know. Everything that it
// printed has been read.
func (l *Life) MarkEnded(exit *adapter.Error, public func(error) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.how = exit
	if l.blamed != nil {
		l.how = l.blamed
	}
	l.public = public(l.how)
	close(l.Over)
}

// End is how it ended, for an event that it had; valid once Over is closed.
func (l *Life) End() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.how
}

// Reason is how it ended, for anybody; valid once Over is closed.
func (l *Life) Reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.public
}

// Stop ends p, which is Process or what that left in the background, by the ladder. When
// all of it is over it closes the pipes; false: it hangs in the kernel. It is called once.
func (l *Life) Stop(p *process.Process, ladder ...process.Step) bool {
	close(l.asked)
	p.Stop(ladder...)
	close(l.graced)
	if !retry.Await(context.Background(), l.Over, KillPatience) {
		return false
	}
	l.Process.Close()
	return true
}

// KillRest kills what p, which has ended, has left of its group; false: some of it hangs in
// the kernel. If p ended because it was asked to by Stop, the rest has its grace first: p may
// have been a wrapper, and the rest the program.
func (l *Life) KillRest(p *process.Process) (gone bool) {
	select {
	case <-l.asked:
		<-l.graced
	default:
	}
	return p.KillGroup(Drain)
}

// NotReady returns the error of an event that has waited until its deadline for the program,
// which keeps starting. missing says, in half a sentence, what has not come; hint says what may
// help, or is "".
func (l *Life) NotReady(inv *adapter.Invocation, missing, hint string) error {
	return l.conf.Program.NotReady(inv, missing, hint, l.Process, l.StartedAt, l.Printed.Tail())
}
