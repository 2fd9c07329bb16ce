package httpproxy

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/output"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/procfs"

	"golang.org/x/sys/unix"
)

const (
	// drain is how long what a server left behind may hold its pipes and connections.
	drain = 100 * time.Millisecond
	// killPatience is for a process that was killed: one that hangs in the kernel is
	// left behind.
	killPatience = time.Second
	// settlePatience is how long a program that has gone to the background may take
	// to listen.
	settlePatience = 5 * time.Second
)

// server is one start of the program. It implements supervise.Instance.
type server struct {
	*Mode
	file    string // the program's
	port    int    // 0 for a unix socket
	pool    *pool
	printed *output.Log
	pipes   *process.Process // the program as it was started, which has the pipes
	started time.Time
	given   atomic.Int64   // events given to it so far
	answers atomic.Int64   // of these, the ones that it has dealt with
	end     *adapter.Error // how it ended; valid once ended is closed

	ready, ended, gone, stopping chan struct{}

	mu    sync.Mutex
	p     *process.Process // the program, or what it left in the background
	probe chan struct{}    // closed when the probe under way is over; nil without one
	hangs bool             // it has failed a probe
	last  string           // what the ready path answered last
}

// start implements supervise.Supervisor's Start. The server before may still have the
// port: it is waited for.
func (m *Mode) start() (*server, error) {
	if m.last != nil {
		<-m.last.gone
		m.last = nil
	}
	s := &server{
		Mode: m, printed: output.NewLog(m.keys, m.Output), started: time.Now(),
		ready: make(chan struct{}), ended: make(chan struct{}), gone: make(chan struct{}), stopping: make(chan struct{}),
	}
	if err := s.settle(); err != nil {
		return nil, err
	}
	if err := s.launch(); err != nil {
		return nil, failure.Start(err)
	}
	m.last = s
	_ = s.printed.Follow(s.p.Stderr, s.p.Stdout) // fails only for descriptors that are none
	go s.await()
	go s.wait()
	return s, nil
}

// settle decides where the server is to listen, and sees that nobody does yet.
func (s *server) settle() error {
	if s.Socket != "" {
		s.pool = newPool("unix", s.Socket)
		if !s.taken() {
			return removeSocket(s.Socket)
		}
		return s.inUse()
	}
	s.port = s.Port
	if s.port == 0 {
		var err error
		if s.port, err = freePort(); err != nil {
			return fmt.Errorf("look for a free port: %w", err)
		}
	}
	port := strconv.Itoa(s.port)
	s.pool = newPool("tcp", "127.0.0.1:"+port, "[::1]:"+port)
	if s.taken() {
		return s.inUse()
	}
	return nil
}

// Linux gives ports from 32768 on to whoever asks for any, and to outgoing connections: one
// of those might be somebody else's when the server listens at last.
const lowestFree, highestFree = 10000, 32767

func freePort() (int, error) {
	for range 20 {
		port := lowestFree + rand.IntN(highestFree-lowestFree+1)
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close() // as the network is called
}

// taken tells whether somebody takes connections where the server is to listen.
func (s *server) taken() bool {
	ctx, cancel := context.WithTimeout(context.Background(), probePatience)
	defer cancel()
	c, err := s.pool.dial(ctx)
	if err == nil {
		_ = c.Close()
	}
	return err == nil || ctx.Err() != nil // whoever is too busy to take one is there, too
}

// removeSocket removes what a server that has ended has left: the next one could not
// listen there.
func removeSocket(path string) error {
	info, err := os.Lstat(path)
	if strings.HasPrefix(path, "@") || err != nil {
		return nil
	}
	if info.Mode().Type() != os.ModeSocket {
		return &adapter.Error{
			Type:    adapter.TypeConfig,
			Message: fmt.Sprintf("BOOTSTRAP_HTTP_SOCKET is %s, which is there already and is no socket: name another path.", path),
		}
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the socket of a server that has ended: %w", err)
	}
	return nil
}

func (s *server) launch() error {
	path, args, err := s.Program.Command.Find()
	if err != nil {
		return err
	}
	s.file = path
	env := s.Env
	if s.port != 0 {
		env = append(slices.DeleteFunc(slices.Clone(env), func(entry string) bool { return strings.HasPrefix(entry, "PORT=") }),
			"PORT="+strconv.Itoa(s.port))
	}
	s.p, err = s.Reaper.Start(process.Spec{Path: path, Args: args, Dir: s.Program.Command.Dir, Env: env})
	if err != nil {
		return s.Program.Command.Explain(path, err)
	}
	s.Program.OOM.Begin()
	s.pipes = s.p
	return nil
}

// process is the program, or what it left in the background.
func (s *server) process() *process.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.p
}

// lives tells whether the program has not ended.
func (s *server) lives() bool {
	select {
	case <-s.process().Done():
		return false
	default:
		return true
	}
}

// wait sees the server to its end.
func (s *server) wait() {
	p := s.process()
	for <-p.Done(); s.inBackground(p); <-p.Done() {
		p = s.process()
	}
	if !p.KillGroup(drain) {
		s.Log.Error("processes of the server can't be killed")
	}
	s.Reaper.Sweep() // one that left the group would keep the port
	end := time.Now().Add(drain)
	_ = s.pipes.Stdout.SetReadDeadline(end)
	_ = s.pipes.Stderr.SetReadDeadline(end)
	s.pool.end(drain)
	s.printed.Wait()
	s.end = s.exit()
	close(s.ended)
}

// inBackground tells whether a program that has exited has left the server in the
// background, as daemons do: then that is what s.p is from here on.
func (s *server) inBackground(p *process.Process) bool {
	if !p.Status().Success() {
		return false
	}
	for end := time.Now().Add(settlePatience); time.Now().Before(end); {
		if s.taken() && s.adopt() {
			return true
		}
		if !s.Reaper.Inherits() {
			return false
		}
		select {
		case <-s.stopping:
			return false
		case <-time.After(lookEvery):
		}
	}
	return false
}

// adopt makes who listens the program.
func (s *server) adopt() bool {
	processes := procfs.Processes()
	for _, l := range procfs.Listeners() {
		if !s.isAt(l) {
			continue
		}
		for _, pid := range l.PIDs {
			child, ok := processes.ChildOf(pid)
			if !ok {
				continue
			}
			if s.become(child) {
				s.Log.Warn(fmt.Sprintf("the server has gone to the background, as process %d, and is kept as long as that runs. "+
					"Better have it stay in the foreground: what it prints reaches the log for sure then", child))
				return true
			}
		}
	}
	return false
}

// become makes an inherited process the program, unless that is being stopped: Stop
// would not know it.
func (s *server) become(pid int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.stopping:
		return false
	default:
	}
	p, ok := s.Reaper.Adopt(pid)
	if ok {
		s.p = p
	}
	return ok
}

// Ready implements supervise.Instance.
func (s *server) Ready() <-chan struct{} { return s.ready }

// Ended implements supervise.Instance.
func (s *server) Ended() <-chan struct{} { return s.ended }

// Reason implements supervise.Instance. What the server said last may be about an event,
// if it has had one: that is not for others.
func (s *server) Reason() error {
	if s.given.Load() == 0 {
		return s.end
	}
	return failure.Wordless(s.end)
}

// Stop implements supervise.Instance.
func (s *server) Stop() {
	s.pool.end(0)
	s.mu.Lock()
	close(s.stopping)
	s.mu.Unlock()
	s.process().Stop(
		process.Step{Signal: unix.SIGTERM, Wait: s.Grace},
		process.Step{Signal: unix.SIGKILL, Wait: killPatience},
	)
	timer := time.NewTimer(killPatience)
	defer timer.Stop()
	select {
	case <-s.ended:
		s.pipes.Close()
	case <-timer.C:
	}
	close(s.gone)
}
