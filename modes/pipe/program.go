package pipe

import (
	"sync"
	"sync/atomic"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/doctor"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/output"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/procfs"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

const (
	// drain is how long a process that a program left behind may hold its stdout or stderr open
	// after the program ended.
	drain = 100 * time.Millisecond
	// defaultPipe is the size of the system's pipes. Larger events and results get
	// process.LargePipe, which took 0.8 of the time for 1 MB events and 0.67 for 6 MB.
	defaultPipe = 64 << 10
	// lastWords is the time to read what is in stderr's pipe after the program had to be stopped.
	lastWords = 10 * time.Millisecond
)

// program is one start of the user's program: for an event, or ahead of it.
type program struct {
	mode    *Handler
	process *process.Process
	slot    *slot
	file    string
	began   time.Time
	stderr  output.Lines
	about   atomic.Pointer[string] // the id of its event
	readers sync.WaitGroup         // of its stderr
	feeding sync.WaitGroup         // who writes the rest of its event
	fed     int                    // bytes of the event that feed has written
	unread  int                    // bytes of it that nobody has read; valid after tidy, for spares
	stopped atomic.Bool            // stop has begun
}

// start starts the program with the context file of s. The program owns s from then on, unless
// start fails.
func (m *Handler) start(s *slot, spec process.Spec) (*program, error) {
	p := &program{mode: m, slot: s, began: time.Now()}
	spec.Dir, spec.Exited = m.Program.Command.Dir, p.letGo
	if err := m.launch(p, &spec); err != nil {
		return nil, failure.Start(err)
	}
	m.Program.OOM.Begin()
	p.stderr.Mask, p.stderr.Objects = m.keys, m.LogObjects
	p.stderr.Emit = func(line []byte) { m.Output.Info(string(line), p.event()) }
	p.stderr.Flush = func() { _ = m.Output.Sync() }
	return p, nil
}

// onDemand starts a program for an event.
func (m *Handler) onDemand(inv *adapter.Invocation, in *input) (*program, error) {
	s, err := m.slots.take()
	if err != nil {
		return nil, failure.Start(err)
	}
	p, err := m.startFor(inv, in, s)
	if err != nil {
		m.slots.give(s)
		return nil, err
	}
	p.belong(inv)
	p.feed(in, p.process.Written)
	p.follow()
	return p, nil
}

func (m *Handler) startFor(inv *adapter.Invocation, in *input, s *slot) (*program, error) {
	if err := s.context.write(m.context(inv, in)); err != nil {
		return nil, err
	}
	env := m.Env
	var metadata []adapter.Header
	if m.Spares == 0 {
		metadata = inv.Metadata(m.Credentials)
		env = m.envOf(in)
	}
	spec := process.Spec{Env: environment(env, metadata, s.context.path), Input: in.plain, KeepStdin: in.decodes()}
	if m.Spares == 0 && inv.Traceparent != "" && !m.traced {
		spec.Env = append(spec.Env, traceVariable+inv.Traceparent)
	}
	if in.size > defaultPipe {
		spec.PipeBytes = process.LargePipe
	}
	return m.start(s, spec)
}

// ahead starts a program for a future event. Until then its context file holds {}: what was in it
// may be another event's context.
func (m *Handler) ahead() (*program, error) {
	s, err := m.slots.take()
	if err != nil {
		return nil, failure.Start(err)
	}
	p, err := m.startAhead(s)
	if err != nil {
		m.slots.give(s)
		return nil, err
	}
	p.follow()
	return p, nil
}

func (m *Handler) startAhead(s *slot) (*program, error) {
	if err := s.context.write([]byte("{}")); err != nil {
		return nil, err
	}
	return m.start(s, process.Spec{Env: environment(m.Env, nil, s.context.path), KeepStdin: true, CountUnread: true})
}

// follow begins to pass on what the program prints to stderr.
func (p *program) follow() {
	p.readers.Go(func() { _ = p.stderr.Follow(p.process.Stderr, p.slot.lines) }) // a deadline ends it
}

// launch starts the program. If its remembered file can't be started, the program may have moved,
// so launch looks for it once more.
func (m *Handler) launch(p *program, spec *process.Spec) error {
	for {
		var remembered bool
		var err error
		if spec.Path, spec.Args, remembered, err = m.finder.find(); err != nil {
			return err
		}
		p.file = spec.Path
		if p.process, err = m.Reaper.Start(*spec); err == nil {
			return nil
		}
		m.finder.forget()
		if !remembered {
			return m.Program.Command.Explain(spec.Path, err)
		}
	}
}

// letGo bounds how long the pipes of a program that has ended are waited for: a
// process that it left behind may hold them. One that is being stopped may have been a
// wrapper: what was in it has its time, and stop ends the wait.
func (p *program) letGo(ended *process.Process) {
	if p.stopped.Load() {
		return
	}
	end := time.Now().Add(drain)
	_ = ended.Stdin.SetWriteDeadline(end) // nil, as a rule, which is no harm
	_ = ended.Stdout.SetReadDeadline(end)
	_ = ended.Stderr.SetReadDeadline(end)
}

// belong ties the program to the event that it gets.
func (p *program) belong(inv *adapter.Invocation) {
	p.mode.keys.Add(inv.Credentials())
	id := inv.ID // the rest of inv is the poller's
	p.about.Store(&id)
}

// feed writes what is not in the pipe yet of its input, of which it has begun bytes, and closes stdin. A
// program need not read it: then the write fails when the program ends, or in tidy.
func (p *program) feed(in *input, begun int) {
	switch {
	case p.process.Stdin == nil: // it has got everything, and ended, at the start
	case begun == in.size:
		_ = p.process.Stdin.Close()
	default:
		p.feeding.Go(func() {
			p.fed = in.write(p.process.Stdin, begun)
			_ = p.process.Stdin.Close()
		})
	}
}

// event returns the log field with the request id; none before the program has an event.
func (p *program) event() zap.Field {
	if id := p.about.Load(); id != nil {
		return zap.String("requestId", *id)
	}
	return zap.Skip()
}

// tidy cleans up after a program that has ended. It waits no longer than patience for processes
// that hang in the kernel and can't be killed. For processes that have left the group and hold a
// pipe it waits as long as letGo or stop allow.
func (p *program) tidy(patience time.Duration) {
	if !p.process.KillGroup(patience) {
		p.mode.Log.Error("processes of this event can't be killed", p.event(), zap.Int("group", p.process.PID))
	}
	_ = p.process.Stdin.SetWriteDeadline(time.Now()) // nil, as a rule
	p.feeding.Wait()                                 // or it would fill up what is counted
	p.unread = p.process.TakeUnread()
	p.readers.Wait()
	p.process.Close()
	p.mode.slots.give(p.slot)
}

// stop ends the program by TERM and KILL, and then the wait for its pipes.
func (p *program) stop(grace, patience time.Duration) {
	p.stopped.Store(true)
	p.process.Stop(process.Step{Signal: unix.SIGTERM, Wait: grace}, process.Step{Signal: unix.SIGKILL, Wait: patience})
	now := time.Now()
	_ = p.process.Stdin.SetWriteDeadline(now)
	_ = p.process.Stdout.SetReadDeadline(now)
	_ = p.process.Stderr.SetReadDeadline(now.Add(lastWords))
}

// Done implements spare.
func (p *program) Done() <-chan struct{} { return p.process.Done() }

// StartedAt implements spare.
func (p *program) StartedAt() time.Time { return p.began }

// Measure implements spare.
func (p *program) Measure() procfs.Sample { return procfs.Measure(p.process.PID) }

// Peak implements spare.
func (p *program) Peak() int64 { return p.process.Peak() }

// Dismiss implements spare. Stdin stays open: closing it would look like an empty event.
func (p *program) Dismiss() {
	p.stop(p.mode.Grace, drain)
	p.tidy(drain)
}

// Epitaph implements spare.
func (p *program) Epitaph() string {
	p.tidy(drain)
	return p.mode.Program.Exit(p.file, p.process.Status(), "", p.stderr.Tail()).Message
}

// finder finds the program's file and arguments. They are remembered until a start fails,
// so that a program repaired on disk runs again.
type finder struct {
	command *doctor.Command

	mu    sync.Mutex
	known bool
	path  string
	args  []string
}

func (f *finder) find() (path string, args []string, remembered bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known {
		return f.path, f.args, true, nil
	}
	f.path, f.args, err = f.command.Find()
	f.known = err == nil
	return f.path, f.args, false, err
}

func (f *finder) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known = false
}
