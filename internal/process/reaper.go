// Package process owns the life and death of the programs that this one starts: their
// pipes and groups, how they are started and stopped, and who waits for them.
//
// It does not know what they are started for (modes/), nor why one can't be started
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

// Reaper waits for every child of this process: those it started and those it inherits as the
// subreaper of their descendants. A process can have only one Reaper, and nothing else in it may
// start children.
type Reaper struct {
	log   *zap.Logger
	watch watch

	// mu makes starting and recording a child one step, so that a child that dies at once is not
	// mistaken for an inherited one.
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
		// A sandbox may forbid it; the programs themselves are still our children.
		log.Warn("can't track processes that programs leave behind: this process may not become a subreaper", zap.Error(err))
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
		// Only look, outside the lock: the kernel must not reuse a pid before everything here
		// knows that the process is dead.
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

// childless notes that there is nothing to sweep. A child that was started since the kernel said
// so is already in children.
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

// sweepPatience limits Sweep: a process with much memory takes a while to end, and one that hangs
// in the kernel can't be killed. Sweep waits for such a process only once.
const sweepPatience = 500 * time.Millisecond

// Sweep kills the inherited processes that do not belong to a group of ours: what a program left
// behind with setsid. It usually returns when they are gone. Call it when no event is in flight,
// because a program at work may need such children.
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

// Inherits reports whether this process has inherited children.
func (r *Reaper) Inherits() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(inherited(), func(pid int) bool { return r.children[pid] == nil })
}

// Adopt turns an inherited process, one that has gone to the background, into a program of ours.
// It has no pipes. Adopt returns false if the process is not our child or has ended.
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

// killStrays holds the lock, so that no pid in its list can be reaped and reused before the
// process is killed.
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
		// Shells and env report a killed child like this.
		return fmt.Sprintf("exited with code %d, which is how a shell says that a program it ran was killed by %s",
			s.ExitStatus(), unix.SignalName(unix.Signal(s.ExitStatus()-128)))
	default:
		return fmt.Sprintf("exited with code %d", s.ExitStatus())
	}
}

// Killed reports whether the program, or for a shell the program in it, ended by SIGKILL, as the
// kernel does when memory runs out.
func (s Status) Killed() bool {
	return s.Signaled() && s.Signal() == unix.SIGKILL || s.Exited() && s.ExitStatus() == 128+int(unix.SIGKILL)
}
