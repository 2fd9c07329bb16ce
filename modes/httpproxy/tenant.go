package httpproxy

import (
	"context"
	"fmt"
	"sync"
	"time"

	"fgbootstrap/internal/process"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/retry"

	"go.uber.org/zap"
)

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
