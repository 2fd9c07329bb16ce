package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"fgbootstrap/internal/procfs"

	"golang.org/x/sys/unix"
)

// Spec says what to start and with what.
type Spec struct {
	// Path is the program's file and Args its arguments, Args[0] its name.
	Path string
	Args []string
	Dir  string
	Env  []string
	// Input is written to stdin before the program starts, as far as the pipe takes it. The
	// caller writes the rest to Process.Stdin and closes it. Input is not kept.
	Input []byte
	// KeepStdin leaves stdin open after all of Input is written; without it stdin is closed.
	KeepStdin bool
	// CountUnread keeps the reading end of stdin open here too, so that Unread can tell how much
	// was not read, even after the program has ended. Until TakeUnread is called, a write to
	// Stdin then does not fail for lack of a reader.
	CountUnread bool
	// Answers gives the program a fourth pipe, its descriptor 3, to write to.
	Answers bool
	// PipeBytes asks for pipes of that size; 0 means the system's 64 KB.
	PipeBytes int
	// Exited is called once the program has ended, before Done is closed. It must not block.
	Exited func(*Process)
}

// Process is a program that was started: the leader of a process group of its own. The caller of
// Start owns the ends of the pipes and closes them. Stdin is nil if it is closed already, Answers
// if Spec did not ask for it.
type Process struct {
	PID                            int
	Stdin, Stdout, Stderr, Answers *os.File
	// Written is how much of Spec.Input is in the pipe already.
	Written int

	reaper   *Reaper
	stdinEnd *os.File // the reading end of stdin
	group    int      // its process group, as a rule its own
	onExit   func(*Process)
	over     chan struct{}
	result   Status
	maxRSS   int64
}

// Start starts a program in a new process group with pipes for stdin, stdout
// and stderr, to be killed when this process dies. The error is the system's;
// Diagnose makes a sentence of it.
func (r *Reaper) Start(spec Spec) (*Process, error) {
	count := 3
	if spec.Answers {
		count = 4
	}
	pipes, err := openPipes(count, spec.PipeBytes)
	if err != nil {
		return nil, err
	}
	var unread *os.File
	if spec.CountUnread {
		if unread, err = pipes.reader(); err != nil {
			pipes.close()
			return nil, err
		}
	}
	p := &Process{
		reaper:   r,
		stdinEnd: unread,
		Written:  prefill(pipes.ours[0], spec.Input),
		Stdout:   pipes.file(1), Stderr: pipes.file(2),
		onExit: spec.Exited,
		over:   make(chan struct{}),
	}
	if spec.Answers {
		p.Answers = pipes.file(3)
	}
	if spec.KeepStdin || p.Written < len(spec.Input) {
		p.Stdin = pipes.file(0)
	} else {
		_ = unix.Close(pipes.ours[0]) // for most events that is all
	}
	attr := &syscall.ProcAttr{
		Dir:   spec.Dir,
		Env:   spec.Env,
		Files: pipes.child,
		Sys: &syscall.SysProcAttr{
			Setpgid: true,
			// Fires when the thread that forks ends. Go's threads do not, as
			// long as no goroutine ends while it is locked to one.
			Pdeathsig: syscall.SIGKILL,
		},
	}
	r.mu.Lock()
	p.PID, err = syscall.ForkExec(spec.Path, spec.Args, attr)
	pipes.closeChild() // under the lock: the next program would hold them from its fork to its exec
	first := false
	if err == nil {
		p.group = p.PID
		first = len(r.children) == 0
		r.children[p.PID] = p
		r.alone.Store(false)
	}
	r.mu.Unlock()
	if err != nil {
		p.Close()
		return nil, fmt.Errorf("start %s: %w", spec.Path, err)
	}
	if first {
		select {
		case r.started <- struct{}{}:
		default:
		}
	}
	return p, nil
}

// Prefill writes as much of input to stdin as the pipe takes without waiting.
func (p *Process) Prefill(input []byte) (written int) {
	raw, err := p.Stdin.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) { written = prefill(int(fd), input) })
	return written
}

// Unread returns how many bytes are in the pipe of stdin. It needs Spec.CountUnread and must be
// called before TakeUnread.
func (p *Process) Unread() (n int) {
	raw, err := p.stdinEnd.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	return n
}

// TakeUnread empties the pipe of stdin, so that no other process can read what was in it, and
// returns how much that was. It ends the counting. It must not be called during a write. Without
// Spec.CountUnread it does nothing.
func (p *Process) TakeUnread() (n int) {
	if p.stdinEnd == nil {
		return 0
	}
	defer func() { _ = p.stdinEnd.Close() }()
	left := p.Unread() // and nothing that is written meanwhile
	raw, err := p.stdinEnd.SyscallConn()
	if err != nil || left == 0 {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		_, _ = unix.FcntlInt(fd, unix.F_SETFL, unix.O_NONBLOCK) // somebody may be faster
		for buf := make([]byte, min(left, 64<<10)); n < left; {
			more, err := unix.Read(int(fd), buf[:min(len(buf), left-n)])
			if err != nil || more == 0 {
				return
			}
			n += more
		}
	})
	return n
}

// Close closes the pipes. It does not end the program.
func (p *Process) Close() {
	for _, f := range []*os.File{p.Stdin, p.Stdout, p.Stderr, p.Answers, p.stdinEnd} {
		if f != nil {
			_ = f.Close()
		}
	}
}

func (p *Process) exited(status Status) {
	p.result = status
	if p.onExit != nil {
		p.onExit(p)
	}
	close(p.over)
}

// Done is closed when the program, though not necessarily what it started, has
// ended.
func (p *Process) Done() <-chan struct{} { return p.over }

// Status says how the program ended; valid once Done is closed.
func (p *Process) Status() Status { return p.result }

// Peak returns the most bytes that the program, or a child that it has waited for, had in memory,
// shared memory included; valid once Done is closed. It is never below what this process had when
// it started the program, because the program began as a copy of it.
func (p *Process) Peak() int64 { return p.maxRSS }

// Signal sends a signal to the whole group. It is not an error if the group is gone.
//
// The group's number can't have passed to somebody else while one of its
// members lives or is not reaped. After that the kernel would first have to
// hand out all other numbers: an invocation ends long before.
func (p *Process) Signal(signal unix.Signal) error {
	if err := unix.Kill(-p.group, signal); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("signal %s: %w", unix.SignalName(signal), err)
	}
	return nil
}

// exitPatience bounds how long the kernel may take to end a program.
const exitPatience = 10 * time.Second

// EndsSoon waits up to patience for the program to end. It is for a program that has closed a
// pipe or connection which it should have kept. If the kernel is already ending the program,
// EndsSoon waits longer: on a share of a CPU it takes long to release much memory. It returns
// false when ctx ends.
func (p *Process) EndsSoon(ctx context.Context, patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.over:
		return true
	case <-ctx.Done():
		return false
	case <-timer.C:
	}
	if !procfs.Exiting(p.PID) {
		return false
	}
	timer.Reset(exitPatience)
	select {
	case <-p.over:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}

// Step is one rung of the ladder by which a program is stopped.
type Step struct {
	Signal unix.Signal
	Wait   time.Duration // for the program and its group to end, before the next step
}

// Stop goes down the ladder until the program has ended and the rest of its group too, and
// tells whether they have: a wrapper that ends at a signal leaves the program in it the time
// of that step. A program that ended before gets no signal, nor does its group: its number
// may be somebody else's by now.
func (p *Process) Stop(ladder ...Step) bool {
	if p.hasEnded() {
		return true
	}
	defer p.reaper.spare(p.group)()
	for _, step := range ladder {
		_ = p.Signal(step.Signal) // what can't be signalled may still end
		p.signalStray(step.Signal)
		if p.endsWithin(step.Wait) {
			return true
		}
	}
	return false
}

func (p *Process) hasEnded() bool {
	select {
	case <-p.over:
		return true
	default:
		return false
	}
}

// signalStray is for a program that left its group for another one of its session.
func (p *Process) signalStray(signal unix.Signal) {
	if p.hasEnded() {
		return
	}
	if group, err := unix.Getpgid(p.PID); err == nil && group != p.group {
		_ = unix.Kill(p.PID, signal)
	}
}

// endsWithin waits for the program and then for the rest of its group.
func (p *Process) endsWithin(patience time.Duration) bool {
	end := time.Now().Add(patience)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.over:
		return p.groupEnds(0, end)
	case <-timer.C:
		return false
	}
}

// killPause bounds how often it is looked whether a group is gone.
const killPause = 5 * time.Millisecond

// KillGroup kills what is left of the group and returns true when nothing is left. It returns
// false after patience: a process that hangs in the kernel can't be killed. Zombies whose parent
// has left the group and does not wait for them don't count. Call it after the program itself has
// ended; otherwise its status is lost.
func (p *Process) KillGroup(patience time.Duration) (gone bool) {
	return p.groupEnds(unix.SIGKILL, time.Now().Add(patience))
}

// groupEnds waits until nothing is left of the group, to which it sends the signal at each
// look; 0 is none.
func (p *Process) groupEnds(signal unix.Signal, end time.Time) bool {
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, killPause) {
		if errors.Is(unix.Kill(-p.group, signal), unix.ESRCH) {
			return true
		}
		if pause == killPause && !procfs.GroupLives(p.group) { // what we reap ourselves is gone sooner
			return true
		}
		if time.Now().After(end) {
			return false
		}
		time.Sleep(pause)
	}
}
