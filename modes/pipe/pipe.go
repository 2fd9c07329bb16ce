// Package pipe runs one process per event: the event on stdin, the response on
// stdout, the log on stderr, the metadata in environment variables and in a
// file. It owns nothing between events but a few buffers and, if they are asked for,
// processes that wait for their event. Finding, starting and stopping the program is
// internal/process.
package pipe

import (
	"context"
	"strings"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
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
	// IsMetadata tells whether a header, its name in lower case, is the platform's about an
	// invocation: no other may give a program a variable of that name.
	IsMetadata func(name string) bool
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
	spares  *spares[*program] // nil if none are wanted
	finder  finder
	slots   slots
	checked *time.Timer
}

// New makes the mode and starts the first spare: the first event may be there already.
func New(c Config) *Mode {
	m := &Mode{Config: c, finder: finder{command: &c.Program.Command}}
	m.checked = time.AfterFunc(checkAfter, m.check)
	m.Env = nil
	for _, entry := range c.Env {
		// The first entry of a name wins in most programs: ours must be the only one.
		if name, _, _ := strings.Cut(entry, "="); !m.isOurs(name) {
			m.Env = append(m.Env, entry)
		}
	}
	if c.Spares > 0 {
		m.spares = newSpares(policy[*program]{
			Start: m.ahead, Wanted: c.Spares, Concurrency: c.Concurrency, MemoryMB: c.MemoryMB,
			Parallel: c.CPUs > 1, Grace: c.Grace, Log: c.Log,
		})
		m.spares.startOne()
	}
	return m
}

// isOurs tells whether a variable is one that an event's program gets from us.
func (m *Mode) isOurs(name string) bool {
	header := strings.ReplaceAll(strings.ToLower(name), "_", "-")
	return name == contextFileVariable || name == strings.ToUpper(name) && m.IsMetadata(header)
}

// Invoke implements adapter.Handler.
func (m *Mode) Invoke(ctx context.Context, inv *adapter.Invocation, r *adapter.Response) error {
	if m.spares != nil {
		if p, ok := m.spares.take(); ok {
			if missed, err := newRun(m, p, inv, r).serve(ctx); !missed {
				return err
			}
		}
	}
	p, err := m.onDemand(inv)
	if err != nil {
		return err
	}
	if m.spares != nil {
		m.spares.begun(inv.Waited)
	}
	return newRun(m, p, inv, r).finish(ctx)
}

// check says in the log what would keep the program from starting, if no event has had it
// started by then.
func (m *Mode) check() {
	path, _, remembered, err := m.finder.find()
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
	if m.spares != nil {
		m.spares.reported()
	}
}

// Shutdown implements adapter.Handler.
func (m *Mode) Shutdown(context.Context) error {
	m.checked.Stop()
	if m.spares != nil {
		m.spares.shutdown()
	}
	m.Reaper.Sweep()
	return m.slots.close()
}
