// Package pipe runs one process per event: the event on stdin, the response on
// stdout, the log on stderr, the metadata in environment variables and in a
// file. It owns nothing between events but a few buffers and, if they are asked for,
// processes that wait for their event. Finding, starting and stopping the program is
// internal/process.
package pipe

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/output"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/secret"

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
	// Grace is between asking a spare to end and killing it.
	Grace time.Duration
	// Credentials hands the platform's keys and tokens to the program.
	Credentials bool
	// Spares is how many programs are started ahead of their events. With any, an event's
	// metadata are in the file alone: a program must not find them at times.
	Spares int
	// Concurrency is how many events there are at once, MemoryMB the memory for all of
	// it, 0 if that is not known, CPUs how many CPUs there are, or what share of one.
	Concurrency, MemoryMB int
	CPUs                  float64
	Mask                  *secret.Mask
	Reaper                *process.Reaper
	// Log is ours, Output what the program says.
	Log, Output *zap.Logger
}

// checkAfter is how long the first event has to show whether the program starts. To look
// before the first poll took a tenth of the time to it.
const checkAfter = 100 * time.Millisecond

// Mode is the adapter.Handler of pipe mode.
type Mode struct {
	Config
	spares  *spares
	checked *time.Timer

	mu    sync.Mutex
	free  []*slot
	path  string // of the program, once it was found
	args  []string
	known bool
}

// New makes the mode and starts the first spare: the first event may be there already.
func New(c Config) *Mode {
	m := &Mode{Config: c}
	m.checked = time.AfterFunc(checkAfter, m.check)
	m.Env = nil
	for _, entry := range c.Env {
		// The first entry of a name wins in most programs: ours must be the only one.
		if name, _, _ := strings.Cut(entry, "="); name != contextFileVariable && !strings.HasPrefix(name, "X_CFF_") && !strings.HasPrefix(name, "X_STREAM_") {
			m.Env = append(m.Env, entry)
		}
	}
	m.spares = newSpares(m)
	if c.Spares > 0 {
		m.spares.startOne()
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
	return &slot{lines: make([]byte, output.LineBytes), context: file}, nil
}

func (m *Mode) give(s *slot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = append(m.free, s)
}

// Invoke implements adapter.Handler.
func (m *Mode) Invoke(ctx context.Context, inv *adapter.Invocation, w *adapter.Response) error {
	if p := m.spares.take(); p != nil {
		r := &run{Mode: m, program: p, inv: inv, response: w}
		if missed, err := r.serve(ctx); !missed {
			return err
		}
	}
	p, err := m.onDemand(inv)
	if err != nil {
		return err
	}
	m.spares.begun(inv)
	r := &run{Mode: m, program: p, inv: inv, response: w}
	return r.finish(ctx)
}

// check says in the log what would keep the program from starting, if no event has had it
// started by then.
func (m *Mode) check() {
	path, _, remembered, err := m.command()
	switch {
	case remembered:
	case err != nil:
		m.Log.Error(err.Error())
	default:
		if finding := m.Program.Command.Check(path); finding != "" {
			m.Log.Warn(finding)
		}
	}
}

// Reported implements adapter.Handler. What programs have left behind is ended when no event
// is in flight.
func (m *Mode) Reported(inFlight int) {
	if inFlight == 0 {
		m.Reaper.Sweep()
	}
	m.spares.reported()
}

// Shutdown implements adapter.Handler.
func (m *Mode) Shutdown(context.Context) error {
	m.checked.Stop()
	m.spares.shutdown()
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
