// Package process owns the life and death of the programs that this one starts: their
// pipes and groups, how they are started and stopped, and who waits for them.
//
// It does not know what they are started for (modes/), nor why one can't be
// (internal/doctor).
package process

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// Reaper waits for every child of this process: those it started and those it
// inherits, because it is the subreaper of all their descendants. There can be
// only one in a process, and nobody else there may start children.
type Reaper struct {
	log   *zap.Logger
	watch watch

	// mu makes starting a child and knowing it one step, so that a child that
	// dies at once is not taken for an inherited one.
	mu       sync.Mutex
	children map[int]*Process
	spared   map[int]int   // groups that Sweep leaves alone: how often that was asked for
	stuck    map[int]bool  // inherited ones that were killed and did not go in time
	started  chan struct{} // a child was started after there was none
	alone    atomic.Bool   // there is no child, neither started nor inherited
	quit     chan struct{}
	done     chan struct{}
}

// NewReaper makes this process a subreaper and begins to wait.
func NewReaper(log *zap.Logger) *Reaper {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		// A sandbox may forbid it; the programs themselves are ours all the same.
		log.Warn("what programs leave behind can't be followed: this process may not become a subreaper", zap.Error(err))
	}
	r := &Reaper{
		log:      log,
		watch:    newWatch(),
		children: map[int]*Process{},
		spared:   map[int]int{},
		stuck:    map[int]bool{},
		started:  make(chan struct{}, 1),
		quit:     make(chan struct{}),
		done:     make(chan struct{}),
	}
	go r.run()
	return r
}

// Close ends the waiting, once no child is left.
func (r *Reaper) Close() {
	close(r.quit)
	<-r.done
	r.watch.close()
}

func (r *Reaper) run() {
	defer close(r.done)
	for {
		// Only look, outside the lock: a pid must not become free, for the
		// kernel to give it away, before everybody here knows it is dead.
		err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOWAIT, nil)
		switch {
		case err == nil:
			r.reap()
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ECHILD):
			r.childless()
			select {
			case <-r.started:
			case <-r.quit:
				return
			}
		default:
			r.log.Error("wait for children", zap.Error(err))
			return
		}
	}
}

// childless notes that there is nobody to sweep. A child that was started since
// the kernel said so is already known.
func (r *Reaper) childless() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.alone.Store(len(r.children) == 0)
}

// reap collects what has died.
func (r *Reaper) reap() {
	for {
		var status unix.WaitStatus
		var used unix.Rusage
		r.mu.Lock()
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, &used)
		p := r.children[pid]
		delete(r.children, pid)
		delete(r.stuck, pid)
		r.mu.Unlock()
		if err != nil || pid <= 0 {
			return
		}
		if p != nil {
			p.maxRSS = used.Maxrss << 10
			p.exited(Status{status})
		}
	}
}

// sweepPatience bounds Sweep: a process that has much memory takes a while to go, and
// one that hangs in the kernel can't be killed. It is waited for once.
const sweepPatience = 500 * time.Millisecond

// Sweep kills the processes that we inherited and that belong to no group of
// ours: what a program left behind with setsid. It returns when they are gone,
// as a rule. Call it when no event is in flight, because a program that is at
// work may have such children for a reason.
func (r *Reaper) Sweep() {
	if r.alone.Load() || r.watch.empty() {
		return
	}
	var all []int
	end := time.Now().Add(sweepPatience)
	for killed := r.killStrays(); len(killed) > 0; killed = r.killStrays() {
		for _, pid := range killed {
			if !slices.Contains(all, pid) {
				all = append(all, pid)
			}
		}
		if time.Now().After(end) {
			r.giveUp(killed)
			break
		}
		// They are reaped by run; then their own children become ours.
		time.Sleep(time.Millisecond)
	}
	if len(all) > 0 {
		r.log.Debug("killed processes that a program had left behind", zap.Ints("pids", all))
	}
}

// spare has Sweep leave a group alone, until undo is called: the program has ended, but what
// is left of its group is to end in its own time.
func (r *Reaper) spare(group int) (undo func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spared[group]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.spared[group]--; r.spared[group] == 0 {
			delete(r.spared, group)
		}
	}
}

// owns tells whether a program of ours is in the group, or Sweep is to spare it; r.mu is held.
func (r *Reaper) owns(group int) bool {
	if r.spared[group] > 0 {
		return true
	}
	for _, p := range r.children {
		if p.group == group {
			return true
		}
	}
	return false
}

// Inherits tells whether there are processes that we inherited.
func (r *Reaper) Inherits() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(inherited(), func(pid int) bool { return r.children[pid] == nil })
}

// Adopt makes a program of ours of a process that we inherited: one that has gone to
// the background. It has no pipes. false: it is no child of ours, or has ended.
func (r *Reaper) Adopt(pid int) (p *Process, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	group, err := unix.Getpgid(pid)
	if err != nil || r.children[pid] != nil || !slices.Contains(inherited(), pid) {
		return nil, false
	}
	p = &Process{reaper: r, PID: pid, group: group, over: make(chan struct{})}
	r.children[pid] = p
	return p, true
}

// killStrays holds the lock, so that no pid of its list can be reaped and given to
// somebody else before it is killed.
func (r *Reaper) killStrays() (killed []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	own := unix.Getpgrp()
	for _, pid := range inherited() {
		if r.children[pid] != nil {
			continue
		}
		group, err := unix.Getpgid(pid)
		// Our own group holds none of our programs, but what a script started
		// before it became us by exec.
		if err != nil || group == own || r.owns(group) {
			continue
		}
		err = unix.Kill(pid, unix.SIGKILL) // stuck ones too: they may have come free
		if err == nil && !r.stuck[pid] {
			killed = append(killed, pid)
		}
	}
	return killed
}

// giveUp notes which of these are still there.
func (r *Reaper) giveUp(killed []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, pid := range inherited() {
		if slices.Contains(killed, pid) {
			r.stuck[pid] = true
		}
	}
}

// Status is how a program ended.
type Status struct{ unix.WaitStatus }

// Success is exit code 0.
func (s Status) Success() bool { return s.Exited() && s.ExitStatus() == 0 }

// String completes the sentence "The program …".
func (s Status) String() string {
	switch {
	case s.Signaled():
		if name := unix.SignalName(s.Signal()); name != "" {
			return "was killed by " + name
		}
		return fmt.Sprintf("was killed by signal %d", s.Signal()) // a real-time signal has no name
	case s.ExitStatus() > 128 && unix.SignalName(unix.Signal(s.ExitStatus()-128)) != "":
		// Shells and env report a killed program of theirs like this.
		return fmt.Sprintf("exited with code %d, which is how a shell says that a program it ran was killed by %s",
			s.ExitStatus(), unix.SignalName(unix.Signal(s.ExitStatus()-128)))
	default:
		return fmt.Sprintf("exited with code %d", s.ExitStatus())
	}
}

// Killed tells whether the program, or for a shell the program in it, ended by
// SIGKILL, which is what a full memory does.
func (s Status) Killed() bool {
	return s.Signaled() && s.Signal() == unix.SIGKILL || s.Exited() && s.ExitStatus() == 128+int(unix.SIGKILL)
}
