package httpproxy

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/resident"
	"fgbootstrap/internal/retry"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// server is one start of the program. It implements resident.Instance.
type server struct {
	mode      *Handler
	life      *resident.Life
	tenant    *tenant
	pool      *pool
	readiness *readiness
	probe     probe
	story     story
	answers   atomic.Int64  // events that it has dealt with
	stuck     atomic.Bool   // it hangs in the only event that it had
	dead      atomic.Bool   // nothing runs that could read an event; set before its last words are read
	gone      chan struct{} // closed when nothing of it is left
}

// start implements supervise.Supervisor's Start. It waits for the previous server, which may
// still have the port.
func (m *Handler) start() (*server, error) {
	if m.last != nil {
		<-m.last.gone
		m.last = nil
	}
	at, err := choose(m.Port, m.Socket)
	if err != nil {
		return nil, err
	}
	pool := at.newPool()
	pool.beyond.log, pool.beyond.keys = m.Resident.Log, m.keys
	if pool.taken() {
		return nil, at.inUse(m.keys)
	}
	if at.socket != "" {
		if err := removeSocket(at.socket); err != nil {
			return nil, err
		}
	}
	life, err := resident.Launch(&m.Resident, m.keys, process.Spec{Env: at.environment(m.Resident.Env)})
	if err != nil {
		return nil, err
	}
	s := &server{
		mode: m, life: life, pool: pool, gone: make(chan struct{}),
		tenant: &tenant{
			place: at, pool: pool, reaper: m.Resident.Reaper, log: m.Resident.Log,
			leaving: make(chan struct{}), current: life.Process,
		},
		readiness: &readiness{path: m.ReadyPath, place: at, pool: pool, life: life, mode: m},
	}
	s.story.server = s
	m.last = s
	_ = life.Printed.Follow(life.Process.Stderr, life.Process.Stdout) // fails only for descriptors that are none
	go s.readiness.await()
	go s.wait()
	return s, nil
}

// wait waits for the server's end and cleans up.
func (s *server) wait() {
	p := s.tenant.process()
	for <-p.Done(); s.tenant.inBackground(p); <-p.Done() {
		p = s.tenant.process()
	}
	s.dead.Store(true)
	if !s.life.KillRest(p) {
		s.mode.Resident.Log.Error("processes of the server can't be killed")
	}
	s.mode.Resident.Reaper.Sweep() // one that left the group would keep the port
	end := time.Now().Add(resident.Drain)
	_ = s.life.Process.Stdout.SetReadDeadline(end)
	_ = s.life.Process.Stderr.SetReadDeadline(end)
	s.pool.end(resident.Drain)
	s.life.Printed.Wait()
	exit := s.story.exit()
	s.life.MarkEnded(exit, func(end error) error {
		if s.life.Given.Load() > 0 { // what it said last may be about an event
			return failure.WithoutOutput(exit)
		}
		return end
	})
}

// Ready implements supervise.Instance.
func (s *server) Ready() <-chan struct{} { return s.life.Up }

// Ended implements supervise.Instance.
func (s *server) Ended() <-chan struct{} { return s.life.Over }

// Reason implements supervise.Instance.
func (s *server) Reason() error { return s.life.Reason() }

// Missing implements resident.Instance.
func (s *server) Missing() string { return s.readiness.missing() }

// NotReady implements resident.Instance.
func (s *server) NotReady(inv *adapter.Invocation) error {
	return s.life.NotReady(inv, s.readiness.missing(), s.readiness.hint())
}

// Stop implements supervise.Instance.
func (s *server) Stop() {
	grace := s.mode.Resident.Grace
	if s.stuck.Load() {
		grace = min(grace, stuckGrace)
	}
	s.pool.end(0)
	s.tenant.leave()
	s.life.Stop(s.tenant.process(),
		process.Step{Signal: unix.SIGTERM, Wait: grace},
		process.Step{Signal: unix.SIGKILL, Wait: resident.KillPatience},
	)
	close(s.gone)
}

// settlePatience is how long a program that has gone to the background may take
// to listen.
const settlePatience = 5 * time.Second

// tenant is the process that listens: the program as it was started, or the process that it left
// in the background.
type tenant struct {
	place   place
	pool    *pool
	reaper  *process.Reaper
	log     *zap.Logger
	leaving chan struct{} // closed when it is to stop

	mu      sync.Mutex
	current *process.Process
}

// leave ends the adoption of processes.
func (t *tenant) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.leaving)
}

// process returns the program, or the process that it left in the background.
func (t *tenant) process() *process.Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current
}

// lives reports whether the program has not ended.
func (t *tenant) lives() bool {
	select {
	case <-t.process().Done():
		return false
	default:
		return true
	}
}

// inBackground reports whether a program that has exited has left the server in the background,
// as daemons do. If so, t.current is that process from then on.
func (t *tenant) inBackground(p *process.Process) bool {
	if !p.Status().Success() {
		return false
	}
	for end := time.Now().Add(settlePatience); time.Now().Before(end); {
		if t.pool.taken() && t.adopt() {
			return true
		}
		if !t.reaper.Inherits() {
			return false
		}
		if retry.Await(context.Background(), t.leaving, lookEvery) {
			return false
		}
	}
	return false
}

// adopt makes the listening process the program.
func (t *tenant) adopt() bool {
	processes := procfs.Processes()
	for _, l := range procfs.Listeners() {
		if !t.place.is(l) {
			continue
		}
		for _, pid := range l.PIDs {
			child, ok := processes.ChildOf(pid)
			if !ok {
				continue
			}
			if t.become(child) {
				t.log.Warn(fmt.Sprintf("the server has gone to the background as process %d and is kept as long as that runs. "+
					"Better keep it in the foreground: then all its output reaches the log", child))
				return true
			}
		}
	}
	return false
}

// become makes an inherited process the program, unless the program is being stopped: Stop would
// not know about it.
func (t *tenant) become(pid int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.leaving:
		return false
	default:
	}
	p, ok := t.reaper.Adopt(pid)
	if ok {
		t.current = p
	}
	return ok
}
