// Package pipe runs one process per event: the event on stdin, the response on
// stdout, the log on stderr, the metadata in environment variables and in a
// file. It owns nothing between events but a few buffers. Finding, starting
// and stopping the program is internal/process.
package pipe

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/process"
	"fgbootstrap/modes/failure"

	"go.uber.org/zap"
)

// Config is what a Mode needs; all of it is kept.
type Config struct {
	Program failure.Program
	// Env is the program's environment as KEY=value; each event's metadata are
	// added to it.
	Env []string
	// Margin is the function's; a program that is still running at the deadline
	// gets TERM, and KILL a quarter of the margin later.
	Margin time.Duration
	// Credentials hands the platform's keys and tokens to the program.
	Credentials bool
	Mask        *adapter.Mask
	Reaper      *process.Reaper
	// Log is ours, Output what the program says.
	Log, Output *zap.Logger
}

// Mode is the adapter.Handler of pipe mode.
type Mode struct {
	Config

	mu    sync.Mutex
	free  []*slot
	path  string // of the program, once it was found
	args  []string
	known bool
}

// New makes the mode. It starts nothing, but says in the log what would keep
// the program from starting.
func New(c Config) *Mode {
	m := &Mode{Config: c}
	if path, _, _, err := m.command(); err != nil {
		c.Log.Error(err.Error())
	} else if finding := c.Program.Command.Check(path); finding != "" {
		c.Log.Warn(finding)
	}
	m.Env = nil
	for _, entry := range c.Env {
		// The first entry of a name wins in most programs: ours must be the only one.
		if name, _, _ := strings.Cut(entry, "="); name != contextFileVariable && !strings.HasPrefix(name, "X_CFF_") && !strings.HasPrefix(name, "X_STREAM_") {
			m.Env = append(m.Env, entry)
		}
	}
	return m
}

// slot is what one invocation at a time uses.
type slot struct {
	lines   []byte // for stderr
	context *contextFile
}

func (m *Mode) take() (*slot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.free); n > 0 {
		s := m.free[n-1]
		m.free = m.free[:n-1]
		return s, nil
	}
	file, err := newContextFile()
	if err != nil {
		return nil, err
	}
	return &slot{lines: make([]byte, process.LineBytes), context: file}, nil
}

func (m *Mode) give(s *slot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = append(m.free, s)
}

// Invoke implements adapter.Handler.
func (m *Mode) Invoke(ctx context.Context, inv *adapter.Invocation, w io.Writer) error {
	s, err := m.take()
	if err != nil {
		return err
	}
	defer m.give(s)
	if err := s.context.write(inv.Context(m.Credentials)); err != nil {
		return err
	}
	r := &run{Mode: m, inv: inv, slot: s, response: w}
	if err := r.start(); err != nil {
		return err
	}
	return r.finish(ctx)
}

// Shutdown implements adapter.Handler.
func (m *Mode) Shutdown(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []error
	for _, s := range m.free {
		all = append(all, s.context.close())
	}
	m.free = nil
	return errors.Join(all...)
}

// command is the program's file and arguments. They are remembered until a
// start fails, so that a program repaired on disk runs again.
func (m *Mode) command() (path string, args []string, remembered bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known {
		return m.path, m.args, true, nil
	}
	m.path, m.args, err = m.Program.Command.Find()
	m.known = err == nil
	return m.path, m.args, false, err
}

func (m *Mode) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known = false
}
