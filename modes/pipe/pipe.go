// Package pipe runs one process per event: the event on stdin, the response on stdout, the log on
// stderr, the metadata in environment variables and in a file. Between events it owns only a few
// buffers and, if configured, processes that wait for their event. internal/process starts and
// stops the program, internal/doctor finds it.
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

// Config configures a Handler, which keeps all of it.
type Config struct {
	Program failure.Program
	// Env is the program's environment as KEY=value. Each event's metadata are added to it.
	Env []string
	// Margin is the function's; a program that is still running at the deadline
	// gets TERM, and KILL a quarter of the margin later.
	Margin time.Duration
	// Grace is the time between asking a spare to end and killing it.
	Grace time.Duration
	// IsMetadata reports whether a header, its name in lower case, is the platform's metadata
	// about an invocation. Nothing else may set a program's variable of that name.
	IsMetadata func(name string) bool
	// Credentials hands the platform's keys and tokens to the program.
	Credentials bool
	// Spares is how many programs are started ahead of their events. If it is not 0, an event's
	// metadata are in the file only: a program must not find them in variables only sometimes.
	Spares int
	// Concurrency is how many events run at once. MemoryMB is the memory for all of them; 0 if
	// unknown. CPUs is the number of CPUs, or the share of one.
	Concurrency, MemoryMB int
	CPUs                  float64
	// Requests says how a call of the API gateway is handed to the program; nil: as the event that it is.
	Requests *Requests
	Mask     *secret.Mask
	Reaper   *process.Reaper
	// Log gets our own messages, Output what the program prints. LogObjects is output.Lines' Objects.
	Log, Output *zap.Logger
	LogObjects  bool
}

// checkAfter is how long to wait for the first event to show whether the program starts. Checking
// before the first poll would delay it by a tenth.
const checkAfter = 100 * time.Millisecond

// Handler is the adapter.Handler of pipe mode.
type Handler struct {
	Config
	keys    *secret.Keyring
	spares  *spares[*program] // nil if none are wanted
	finder  finder
	slots   slots
	traced  bool // the function has a variable TRACEPARENT of its own
	checked *time.Timer
	told    told
	// For requests: the environment without what is about one, and the names in the whole of it.
	requestEnv, own []string
}

// New makes the mode and starts the first spare: the first event may be there already.
func New(c Config) *Handler {
	m := &Handler{Config: c, keys: secret.NewKeyring(c.Mask), finder: finder{command: &c.Program.Command}}
	m.checked = time.AfterFunc(checkAfter, m.check)
	m.Env = nil
	for _, entry := range c.Env {
		// The first entry of a name wins in most programs: ours must be the only one.
		if name, _, _ := strings.Cut(entry, "="); !m.isOurs(name) {
			m.Env = append(m.Env, entry)
		}
		m.traced = m.traced || strings.HasPrefix(entry, traceVariable)
	}
	if c.Requests != nil {
		m.prepareRequests()
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

// isOurs reports whether we set this variable for an event's program.
func (m *Handler) isOurs(name string) bool {
	header := strings.ReplaceAll(strings.ToLower(name), "_", "-")
	return name == contextFileVariable || name == strings.ToUpper(name) && m.IsMetadata(header)
}

// Invoke implements adapter.Handler.
func (m *Handler) Invoke(ctx context.Context, inv *adapter.Invocation, r *adapter.Response) error {
	in, err := m.read(inv)
	if err != nil {
		return err
	}
	if m.spares != nil {
		if p, ok := m.spares.take(); ok {
			if missed, err := newRun(m, p, inv, in, r).serve(ctx); !missed {
				return err
			}
			r.Started(0, false)
		}
	}
	p, err := m.onDemand(inv, in)
	if err != nil {
		return err
	}
	r.Started(p.process.PID, true)
	if m.spares != nil {
		m.spares.begun(inv.Waited)
	}
	return newRun(m, p, inv, in, r).finish(ctx)
}

// check logs what would keep the program from starting, unless an event has started it by then.
func (m *Handler) check() {
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

// Reported implements adapter.Handler. When no event is in flight it kills what programs have
// left behind.
func (m *Handler) Reported(inFlight int) {
	if inFlight == 0 {
		m.Reaper.Sweep()
	}
	if m.spares != nil {
		m.spares.reported()
	}
}

// Shutdown implements adapter.Handler.
func (m *Handler) Shutdown(context.Context) error {
	m.checked.Stop()
	if m.spares != nil {
		m.spares.shutdown()
	}
	m.Reaper.Sweep()
	return m.slots.close()
}
