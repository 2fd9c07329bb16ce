package pipe

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/retry"

	"go.uber.org/zap"
)

// advice is for programs that can't be spares.
const advice = "BOOTSTRAP_PIPE_SPARES is for programs that read their stdin before they do anything else."

// spare is a program that was started ahead and waits for its event, as the policy sees it.
type spare interface {
	comparable
	// Done is closed when it has ended.
	Done() <-chan struct{}
	// StartedAt is when it was started.
	StartedAt() time.Time
	// Measure says what it uses and does now. Peak is the most bytes of memory that it had; it is
	// valid once the program has ended.
	Measure() procfs.Sample
	Peak() int64
	// Dismiss ends a spare that has no event and returns when it has ended.
	Dismiss()
	// Epitaph says how a spare ended that no event has taken, and releases what it held.
	Epitaph() string
}

// policy configures the spares of a function.
type policy[T spare] struct {
	// Start starts one.
	Start func() (T, error)
	// Wanted is how many there should be, at least one, Concurrency how many events there are at once,
	// MemoryMB the memory for all of it, 0 if that is not known.
	Wanted, Concurrency, MemoryMB int
	// Parallel says that there is more than one CPU.
	Parallel bool
	// Grace is how long one may take to end.
	Grace time.Duration
	Log   *zap.Logger
}

// spares are the programs that are started ahead and wait for their events. New ones are started
// when nobody waits: after a report. If events come without a pause, they are started while an
// event is served, provided that there is another CPU. With a single CPU none is started: the
// next event would come before it is ready, so a start ahead would gain nothing.
type spares[T spare] struct {
	policy policy[T]
	gaps   *gaps
	work   sync.WaitGroup // whatever runs beside the events

	mu      sync.Mutex
	wanted  int
	waiting queue[T]
	filling bool       // a goroutine is starting spares
	filled  *sync.Cond // signals one more spare, or the end of filling
	scale   scale
	record  record
	idle    bool // no event has come since the last report
	closed  bool
}

// queue holds the waiting spares, the one that has waited longest first. spares.mu guards it.
type queue[T spare] []T

// oldest returns the first spare that has not ended; onEarlyExit handles the others.
func (q queue[T]) oldest() (p T, ok bool) {
	for _, p := range q {
		select {
		case <-p.Done():
		default:
			return p, true
		}
	}
	return p, false
}

// remove takes a spare out and reports whether it was still waiting.
func (q *queue[T]) remove(p T) (waited bool) {
	before := len(*q)
	*q = slices.DeleteFunc(*q, func(other T) bool { return other == p })
	return len(*q) < before
}

// newSpares starts none yet.
func newSpares[T spare](p policy[T]) *spares[T] {
	s := &spares[T]{policy: p, wanted: p.Wanted, idle: true}
	s.scale.known = p.MemoryMB == 0
	s.filled = sync.NewCond(&s.mu)
	s.gaps = newGaps(p.Parallel, s.fill)
	return s
}

// take returns the spare that has waited longest, or false if there is none. It waits for one
// that is being started: starting another one would take as long.
func (s *spares[T]) take() (taken T, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = false
	for {
		if p, ok := s.waiting.oldest(); ok || !s.filling {
			s.waiting.remove(p)
			return p, ok
		}
		s.filled.Wait()
	}
}

// begun is called for each event when its program has got it; waited is how long the poll had
// waited for the event.
func (s *spares[T]) begun(waited time.Duration) {
	if s.gaps.begun(waited) {
		s.fill()
	}
}

// reported is called when nobody waits for an event's outcome any more.
func (s *spares[T]) reported() {
	s.mu.Lock()
	s.idle = true
	s.mu.Unlock()
	if s.gaps.reported() {
		s.fill()
	}
}

// fill starts what is missing, beside its caller.
func (s *spares[T]) fill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.missing() && !s.filling {
		s.filling = true
		s.work.Go(s.fillUp)
	}
}

// missing reports whether one has to be started. The first one is measured before there
// are more. On one CPU none is started beside an event, no matter who asks for it: a timer
// that runs out while the event's program is started, or the one that has measured a spare.
// The report of the event asks again. s.mu is held.
func (s *spares[T]) missing() bool {
	wanted := s.wanted
	if !s.scale.known {
		wanted = min(wanted, 1)
	}
	return len(s.waiting) < wanted && !s.record.paused && !s.closed && (s.policy.Parallel || s.idle)
}

func (s *spares[T]) fillUp() {
	for {
		s.mu.Lock()
		more := s.missing()
		s.filling = more
		s.mu.Unlock()
		s.filled.Broadcast()
		if !more {
			return
		}
		s.startOne()
	}
}

// startOne starts a spare.
func (s *spares[T]) startOne() {
	p, err := s.policy.Start()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if !s.record.broken {
			s.policy.Log.Warn("starting a program ahead of its event failed: " + sentence(err))
		}
		s.record.broken = true
		s.pause()
		return
	}
	s.record.broken = false
	if s.closed || len(s.waiting) >= s.wanted { // since the start began
		s.work.Go(p.Dismiss)
		return
	}
	s.waiting = append(s.waiting, p)
	s.work.Go(func() {
		<-p.Done()
		s.onEarlyExit(p)
	})
	if !s.scale.known {
		s.work.Go(func() { s.measure(p) })
	}
}

// sentence is what an error says to the user.
func sentence(err error) string {
	var told *adapter.Error
	if errors.As(err, &told) {
		return told.Message
	}
	return err.Error()
}

// retireAll ends those that wait and were started by then; s.mu is held.
func (s *spares[T]) retireAll(then time.Time) {
	for _, p := range slices.Clone(s.waiting) {
		if !p.StartedAt().After(then) {
			s.waiting.remove(p)
			s.work.Go(p.Dismiss)
		}
	}
}

// shutdown ends all spares and returns when they have ended, or soon after the grace: one that
// hangs in the kernel can't be ended.
func (s *spares[T]) shutdown() {
	s.mu.Lock()
	s.closed = true
	s.retireAll(time.Now())
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.work.Wait()
		close(done)
	}()
	if !retry.Await(context.Background(), done, s.policy.Grace+time.Second) {
		s.policy.Log.Error("programs that were started ahead can't be killed")
	}
}
