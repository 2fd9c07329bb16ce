// Package resident is the life that a worker and a web server share: a program that is
// started ahead of its events and stays. It owns a start of it from its launch to the last
// line that it printed, and knows how it ended and who may be told so. What is said to it
// is its mode's business, when it is started again internal/supervise's.
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
	// Drain is how long what a program left behind may hold its pipes open after it ended.
	Drain = 100 * time.Millisecond
	// KillPatience is for a process that was killed: one that hangs in the kernel is left
	// behind.
	KillPatience = time.Second
)

// Config is what all starts of a program have in common.
type Config struct {
	Program failure.Program
	// Env is the program's environment as KEY=value.
	Env []string
	// Grace is how long one that is to stop may take.
	Grace  time.Duration
	Mask   *secret.Mask
	Reaper *process.Reaper
	// Log is ours, Output what the program says.
	Log, Output *zap.Logger
}

// Life is one start of the program. It implements supervise.Instance but for Stop.
type Life struct {
	// Process is the program as it was started, which has the pipes.
	Process *process.Process
	// Printed is what it prints beside its answers.
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
	public error // the same, for others than whose event that was
}

// Launch finds and starts the program, with the rest of spec as it is. The error is for
// the caller of a function.
func Launch(c *Config, keys *secret.Keyring, spec process.Spec) (*Life, error) {
	l := &Life{
		conf: c, Printed: output.NewLog(keys, c.Output), StartedAt: time.Now(),
		Up: make(chan struct{}), Over: make(chan struct{}),
		asked: make(chan struct{}), graced: make(chan struct{}),
	}
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

// MarkReady says, once, that it is ready. It is false if that was said before.
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

// NotReady is for an event that has waited to its deadline for the program to be ready,
// which goes on starting. missing is what it waits for, half a sentence, hint what may
// help, or "".
func (l *Life) NotReady(inv *adapter.Invocation, missing, hint string) error {
	return l.conf.Program.NotReady(inv, missing, hint, l.Process, l.StartedAt, l.Printed.Tail())
}
