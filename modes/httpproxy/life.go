package httpproxy

import (
	"sync/atomic"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/resident"

	"golang.org/x/sys/unix"
)

// server is one start of the program. It implements resident.Instance.
type server struct {
	mode      *Mode
	life      *resident.Life
	tenant    *tenant
	pool      *pool
	readiness *readiness
	probe     probe
	story     story
	answers   atomic.Int64  // events that it has dealt with
	gone      chan struct{} // closed when nothing of it is left
}

// start implements supervise.Supervisor's Start. It waits for the previous server, which may
// still have the port.
func (m *Mode) start() (*server, error) {
	if m.last != nil {
		<-m.last.gone
		m.last = nil
	}
	at, err := choose(m.Port, m.Socket)
	if err != nil {
		return nil, err
	}
	pool := at.newPool()
	if pool.taken() {
		return nil, at.inUse(m.keys)
	}
	if err := at.clear(); err != nil {
		return nil, err
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
	if !p.KillGroup(resident.Drain) {
		s.mode.Resident.Log.Error("processes of the server can't be killed")
	}
	s.mode.Resident.Reaper.Sweep() // one that left the group would keep the port
	end := time.Now().Add(resident.Drain)
	_ = s.life.Process.Stdout.SetReadDeadline(end)
	_ = s.life.Process.Stderr.SetReadDeadline(end)
	s.pool.end(resident.Drain)
	s.life.Printed.Wait()
	exit := s.story.exit()
	public := exit
	if s.life.Given.Load() > 0 { // what it said last may be about an event
		public = failure.WithoutOutput(exit)
	}
	s.life.MarkEnded(exit, public)
}

// Ready implements supervise.Instance.
func (s *server) Ready() <-chan struct{} { return s.life.Ready() }

// Ended implements supervise.Instance.
func (s *server) Ended() <-chan struct{} { return s.life.Ended() }

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
	s.pool.end(0)
	s.tenant.leave()
	s.life.Stop(s.tenant.process(),
		process.Step{Signal: unix.SIGTERM, Wait: s.mode.Resident.Grace},
		process.Step{Signal: unix.SIGKILL, Wait: resident.KillPatience},
	)
	close(s.gone)
}
