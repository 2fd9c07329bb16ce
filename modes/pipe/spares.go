package pipe

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
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
	// settling is the pause between two looks at a program that starts. When it has only
	// waited in so many of them in a row, and its memory has hardly grown, it has started:
	// in a single one it may just wait for something else than its event.
	settling = 250 * time.Millisecond
	calm     = 4
	// restless is how many may end before that.
	restless = 5
	// ours is what of the function's memory is bootstrap's own, with events of 6 MB.
	ours = 24 << 20
)

// advice is for programs that are no spares.
const advice = "BOOTSTRAP_PIPE_SPARES is for programs that read their stdin before they do anything else."

// spares are the programs that are started ahead and wait for their events. New ones are
// started when nobody waits: after a report. Where events come without a pause, they are
// started while an event is served if there is another CPU for it, and else not at all:
// then the next event is there before they are, and a start ahead is a detour.
type spares struct {
	mode     *Mode
	parallel bool // there is more than one CPU
	quit     chan struct{}
	work     sync.WaitGroup // whatever runs beside the events

	unsettled atomic.Int32 // how many have ended before they could be weighed

	mu      sync.Mutex
	wanted  int
	waiting []*program  // the longest waiting first
	filling bool        // somebody is at it
	filled  *sync.Cond  // that there is one more, or nobody at it
	weighed bool        // what one takes is known, and wanted is what fits
	rush    bool        // the last event came at once
	idle    bool        // no event has come since the last report
	lull    *time.Timer // runs to the end if none comes at once
	paused  bool        // the back-off runs
	closed  bool
	useless int  // in a row
	broken  bool // the last one could not be started
	pace    retry.Backoff
}

func newSpares(m *Mode) *spares {
	s := &spares{
		mode: m, parallel: m.CPUs > 1, quit: make(chan struct{}),
		wanted: m.Spares, weighed: m.Spares == 0 || m.MemoryMB == 0, idle: true,
	}
	s.filled = sync.NewCond(&s.mu)
	s.lull = time.AfterFunc(atOnce, s.fill)
	s.lull.Stop()
	return s
}

// take gives one to an event; nil: there is none. One that is being started is waited
// for: to start another one takes as long.
func (s *spares) take() *program {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = false
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

// begun is told of each event when its program has got it.
func (s *spares) begun(inv *adapter.Invocation) {
	if s.mode.Spares == 0 {
		return
	}
	s.lull.Stop()
	s.mu.Lock()
	again := inv.Waited < atOnce && s.rush
	s.rush = inv.Waited < atOnce
	s.mu.Unlock()
	if again && s.parallel {
		s.fill()
	}
}

// reported is told when nobody waits for an event any more.
func (s *spares) reported() {
	s.mu.Lock()
	wait := s.rush && !s.parallel
	s.idle = true
	s.mu.Unlock()
	if wait {
		s.lull.Reset(atOnce)
	} else {
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
// are more. On one CPU none is started beside an event, whoever asks for it: a timer that
// runs out while the event's program is started, or who has weighed one. The report of the
// event asks again. s.mu is held.
func (s *spares) missing() bool {
	wanted := s.wanted
	if !s.weighed {
		wanted = min(wanted, 1)
	}
	return len(s.waiting) < wanted && !s.paused && !s.closed && (s.parallel || s.idle)
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
	p, err := s.mode.ahead()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if !s.broken {
			s.mode.Log.Warn("no program can be started ahead of its event: " + sentence(err))
		}
		s.broken = true
		s.pause()
		return
	}
	s.broken = false
	if s.closed {
		s.work.Go(func() { s.mode.dismiss(p) })
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

// sentence is what an error says to the user.
func sentence(err error) string {
	var told *adapter.Error
	if errors.As(err, &told) {
		return told.Message
	}
	return err.Error()
}

// bury sees to a spare that has ended before an event took it.
func (s *spares) bury(p *program) {
	s.mu.Lock()
	wasted := s.remove(p)
	s.mu.Unlock()
	if !wasted {
		return
	}
	s.mode.tidy(p, drain)
	s.failed("A program that was started ahead has ended before an event came. " +
		s.mode.Program.Exit(p.file, p.Status(), "", p.stderr.Tail()).Message)
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
// one, and each start may do harm. Those that end together count as one. reason is a
// sentence or two.
func (s *spares) failed(reason string) {
	switch s.count() {
	case 1:
		s.mode.Log.Warn(reason + " " + advice)
	case lostCause:
		s.mode.Log.Error(fmt.Sprintf("%s It is the %dth in a row that was of no use: none is started ahead any more, and each event "+
			"gets a program of its own. %s", reason, lostCause, advice))
	}
}

func (s *spares) count() (useless int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused || s.closed || s.wanted == 0 {
		return 0
	}
	s.useless++
	if s.useless == lostCause {
		s.wanted = 0
		s.empty(time.Now())
	}
	s.pause()
	return s.useless
}

// pause starts none for as long as the back-off says; s.mu is held.
func (s *spares) pause() {
	s.paused = true
	time.AfterFunc(s.pace.Next(), func() {
		s.mu.Lock()
		s.paused = false
		s.mu.Unlock()
		s.fill()
	})
}

// weigh finds out what the program takes when it has started, and how many fit. If it has
// ended before, the next one is weighed. If events leave none of them the time to settle, the
// most that one had is what counts.
func (s *spares) weigh(p *program) {
	last, now := process.Look{}, process.Look{}
	for waited := 0; waited < calm; {
		select {
		case <-p.Done():
		case <-s.quit:
			return
		case <-time.After(settling): // no ticker: after a stall its ticks are close together
			last, now = now, p.Look()
		}
		select {
		case <-p.Done(): // maybe when it was looked at
			if s.unsettled.Add(1) >= restless {
				s.fit(process.Look{Own: p.Peak() - last.Shared, Shared: last.Shared})
				s.fill()
			}
			return
		default:
		}
		if now.Own == 0 || now.Own-last.Own > last.Own/16 || !now.Idle(last) { // 0: it is ending
			waited = 0
		} else {
			waited++
		}
	}
	s.fit(now)
	s.fill()
}

// fit wants no more than the function's memory holds, beside as many as there are events.
func (s *spares) fit(each process.Look) {
	room := int64(s.mode.MemoryMB)<<20 - ours - each.Shared
	s.mu.Lock()
	wanted, fit := s.wanted, s.wanted
	if each.Own > 0 { // else there is no telling
		fit = int(max(room/each.Own-int64(s.mode.Concurrency), 0))
	}
	news := !s.weighed && fit < wanted
	s.weighed = true
	s.wanted = min(wanted, fit)
	if s.wanted == 0 {
		s.empty(time.Now())
	}
	s.mu.Unlock()
	if !news {
		return
	}
	number := "none"
	if fit > 0 {
		number = fmt.Sprintf("only %d", fit)
	}
	s.mode.Log.Warn(fmt.Sprintf("BOOTSTRAP_PIPE_SPARES is %d, but the function's memory of %d MB holds %s beside those that serve events: each takes %s for itself, "+
		"and they share %s. Lower it, or raise the function's memory.",
		wanted, s.mode.MemoryMB, number, megabytes(each.Own), megabytes(each.Shared)))
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }

// empty ends those that were started before then and wait; s.mu is held.
func (s *spares) empty(then time.Time) {
	for _, p := range slices.Clone(s.waiting) {
		if p.began.Before(then) {
			s.remove(p)
			s.work.Go(func() { s.mode.dismiss(p) })
		}
	}
}

// hang is told of a spare that hangs, and of when it was started at the latest: those that
// are as old are replaced, too.
func (s *spares) hang(then time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.empty(then)
}

// shutdown ends them all, and returns when they have, or soon after the grace: one that
// hangs in the kernel can't be ended.
func (s *spares) shutdown() {
	s.mu.Lock()
	s.closed = true
	s.empty(time.Now())
	s.mu.Unlock()
	close(s.quit)
	done := make(chan struct{})
	go func() {
		s.work.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(s.mode.Grace + time.Second):
		s.mode.Log.Error("programs that were started ahead can't be killed")
	}
}
