package pipe

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/retry"
)

const (
	// atOnce is how soon after the poll an event comes of which others wait behind it. No
	// program is ready within that, so nothing is lost by starting one earlier.
	atOnce = 5 * time.Millisecond
	// lostCause is how many spares in a row have to be of no use until there are no more.
	lostCause = 5
	// settling is how often a program that starts is looked at, until its memory has
	// hardly grown between two looks.
	settling = 250 * time.Millisecond
	// ours is what of the function's memory is bootstrap's own, with events of 6 MB.
	ours = 24 << 20
)

// spares are the programs that are started ahead and wait for their events. New ones are
// started when nobody waits: after a report. Only where events come without a pause, and
// there is another CPU for it, they are started while an event is served.
type spares struct {
	*Mode
	parallel bool // there is more than one CPU
	quit     chan struct{}
	work     sync.WaitGroup // whatever runs beside the events

	mu      sync.Mutex
	wanted  int
	waiting []*program // the longest waiting first
	filling bool       // somebody is at it
	filled  *sync.Cond // that there is one more, or nobody at it
	weighed bool       // what one takes is known, and wanted is what fits
	rush    bool       // the last event came at once
	paused  bool       // the back-off runs
	closed  bool
	useless int // in a row
	pace    retry.Backoff
}

func newSpares(m *Mode) *spares {
	s := &spares{
		Mode: m, parallel: m.CPUs > 1, quit: make(chan struct{}),
		wanted: m.Spares, weighed: m.Spares == 0 || m.MemoryMB == 0,
	}
	s.filled = sync.NewCond(&s.mu)
	return s
}

// take gives one to an event; nil: there is none. One that is being started is waited
// for: to start another one takes as long.
func (s *spares) take() *program {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for _, p := range s.waiting {
			select {
			case <-p.Done(): // bury is about to see it
			default:
				s.remove(p)
				return p
			}
		}
		if !s.filling {
			return nil
		}
		s.filled.Wait()
	}
}

// remove takes one out, if nobody has; s.mu is held.
func (s *spares) remove(p *program) (was bool) {
	was, p.taken = !p.taken, true
	s.waiting = slices.DeleteFunc(s.waiting, func(other *program) bool { return other == p })
	return was
}

// event is told of each event as soon as it is served.
func (s *spares) event(inv *adapter.Invocation) {
	s.mu.Lock()
	again := inv.Waited < atOnce && s.rush
	s.rush = inv.Waited < atOnce
	s.mu.Unlock()
	if again && s.parallel {
		s.fill()
	}
}

// fill starts what is missing, beside its caller.
func (s *spares) fill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.missing() && !s.filling {
		s.filling = true
		s.work.Go(s.fillUp)
	}
}

// missing tells whether one has to be started. The first one is weighed before there
// are more. s.mu is held.
func (s *spares) missing() bool {
	wanted := s.wanted
	if !s.weighed {
		wanted = min(wanted, 1)
	}
	return len(s.waiting) < wanted && !s.paused && !s.closed
}

func (s *spares) fillUp() {
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
func (s *spares) startOne() {
	place, err := s.Mode.take()
	if err != nil {
		s.failed(err.Error())
		return
	}
	p, err := s.start(place, process.Spec{
		Env: environment(s.Env, nil, place.context.path), KeepStdin: true, CountUnread: true,
	})
	if err != nil {
		s.give(place)
		s.failed(err.Error())
		return
	}
	p.follow()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		s.work.Go(func() { s.dismiss(p) })
		return
	}
	s.waiting = append(s.waiting, p)
	s.work.Go(func() {
		<-p.Done()
		s.bury(p)
	})
	if !s.weighed {
		s.work.Go(func() { s.weigh(p) })
	}
}

// bury sees to a spare that has ended before an event took it.
func (s *spares) bury(p *program) {
	s.mu.Lock()
	wasted := s.remove(p)
	s.mu.Unlock()
	if !wasted {
		return
	}
	s.tidy(p, drain)
	s.failed(s.Program.Exit(p.file, p.Status(), "", p.stderr.Tail()).Message)
}

// served is told that a spare has read its event.
func (s *spares) served() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.useless = 0
	s.pace.Reset()
}

// failed counts one that was of no use to an event: it is not replaced at once, and after
// too many not at all. A program that does not wait for its event does its work without
// one, and each start may do harm.
func (s *spares) failed(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.useless++
	switch {
	case s.closed:
	case s.useless == lostCause:
		s.wanted, s.weighed = 0, true
		s.empty()
		s.Log.Error(fmt.Sprintf("%d programs in a row that were started ahead have not waited for an event: none is started ahead any more, "+
			"and each event gets a program of its own. Remove BOOTSTRAP_PIPE_SPARES, or have the program read its stdin before it does anything else. "+
			"The last one: %s", lostCause, reason))
	case s.useless == 1:
		s.Log.Warn("a program that was started ahead, for BOOTSTRAP_PIPE_SPARES, has not waited for an event; programs do that which read their stdin before " +
			"they do anything else. " + reason)
		fallthrough
	default:
		s.paused = true
		time.AfterFunc(s.pace.Next(), func() {
			s.mu.Lock()
			s.paused = false
			s.mu.Unlock()
			s.fill()
		})
	}
}

// weigh finds out what the program takes when it has started, and how many fit. If it is
// taken before, the next one is weighed.
func (s *spares) weigh(p *program) {
	tick := time.NewTicker(settling)
	defer tick.Stop()
	last, now := process.Memory{}, process.Memory{Own: 1}
	for now.Own-last.Own > last.Own/16 {
		select {
		case <-p.Done():
			return
		case <-s.quit:
			return
		case <-tick.C:
		}
		last, now = now, p.Memory()
		if s.wasTaken(p) {
			return
		}
	}
	s.fit(now)
	s.fill()
}

func (s *spares) wasTaken(p *program) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.taken
}

// fit wants no more than the function's memory holds, beside as many as there are events.
func (s *spares) fit(each process.Memory) {
	room := int64(s.MemoryMB)<<20 - ours - each.Shared
	fit := s.wanted
	if each.Own > 0 {
		fit = int(max(room/each.Own-int64(s.Concurrency), 0))
	}
	s.mu.Lock()
	wanted := s.wanted
	s.weighed = true
	s.wanted = min(wanted, fit)
	if s.wanted == 0 {
		s.empty()
	}
	s.mu.Unlock()
	if fit >= wanted {
		return
	}
	s.Log.Warn(fmt.Sprintf("BOOTSTRAP_PIPE_SPARES is %d, but the function's memory of %d MB holds %s beside those that serve events: each has %s for itself "+
		"when it has started, and they share %s. Lower it, or raise the function's memory.",
		wanted, s.MemoryMB, count(fit), megabytes(each.Own), megabytes(each.Shared)))
}

func count(n int) string {
	if n == 0 {
		return "none"
	}
	return fmt.Sprintf("only %d", n)
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }

// dismiss ends one that nobody has. Its stdin stays open: its end would be an event
// without bytes.
func (s *spares) dismiss(p *program) {
	p.stop(s.Grace, drain)
	s.tidy(p, drain)
}

// empty ends all that wait; s.mu is held.
func (s *spares) empty() {
	for _, p := range slices.Clone(s.waiting) {
		s.remove(p)
		s.work.Go(func() { s.dismiss(p) })
	}
}

// hang is told of a spare that hangs. The others are as old, and to be replaced, too.
func (s *spares) hang() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.empty()
}

// shutdown ends them all, and returns when they have, or soon after the grace: one that
// hangs in the kernel can't be ended.
func (s *spares) shutdown() {
	s.mu.Lock()
	s.closed = true
	s.empty()
	s.mu.Unlock()
	close(s.quit)
	done := make(chan struct{})
	go func() {
		s.work.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(s.Grace + time.Second):
		s.Log.Error("programs that were started ahead can't be killed")
	}
}
