package httpproxy

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"fgbootstrap/internal/procfs"
)

const (
	// surveyEvery is how often to look where a program listens that is not ready. It takes about a
	// millisecond.
	surveyEvery = 250 * time.Millisecond
	// idleEnough is how long a program that listens elsewhere must have done nothing until events
	// no longer wait for it. A port for metrics or a debugger may be open long before the server's.
	idleEnough = time.Second
)

// lookout watches whether a program that is not ready listens elsewhere.
type lookout struct {
	readiness *readiness
	next      time.Time // it looks
	told      string    // what the log has
	last      procfs.Sample
	busyAt    time.Time // it was seen doing something last
}

// around looks, if it is time to.
func (l *lookout) around(now time.Time) {
	if now.Before(l.next) {
		return
	}
	l.next = now.Add(surveyEvery)
	r := l.readiness
	text, found := r.place.elsewhere()
	if !found {
		l.last = procfs.Sample{}
		r.mode.misplaced.set(false)
		return
	}
	if l.told != text {
		l.told = text
		r.mode.Resident.Log.Warn("the server is not ready yet: nothing answers on " + r.place.String() + ". " + text)
	}
	sample := procfs.Measure(r.life.Process.PID)
	if !sample.Idle(l.last) || len(sample.PIDs) == 0 || slices.ContainsFunc(sample.PIDs, procfs.Sleeps) {
		l.busyAt = now
	}
	l.last = sample
	r.mode.misplaced.set(now.Sub(l.busyAt) >= idleEnough)
}

// errMisplaced is why an event does not wait for a server that listens elsewhere.
var errMisplaced = errors.New("the server listens elsewhere")

// alarm is a state that ends waits. The zero value is off.
type alarm struct {
	mu   sync.Mutex
	rung bool
	on   context.Context // ended while it is on; nil until somebody asks
	ring context.CancelFunc
}

// set switches it on or off.
func (a *alarm) set(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if on == a.rung {
		return
	}
	if a.rung = on; !on {
		a.on = nil
		return
	}
	a.prepare()
	a.ring()
}

// prepare wants the lock held.
func (a *alarm) prepare() {
	if a.on == nil {
		a.on, a.ring = context.WithCancel(context.Background())
	}
}

// bound returns a context that also ends, with errMisplaced, when the alarm is on.
func (a *alarm) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.prepare()
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(a.on, func() { cancel(errMisplaced) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}
