package pipe

import (
	"fmt"
	"time"

	"fgbootstrap/internal/procfs"
)

const (
	// settling is the pause between two looks at a program that starts. A program has started
	// when it has only waited in calm of them in a row and its memory has hardly grown. In a
	// single one it may just wait for something other than its event.
	settling = 250 * time.Millisecond
	calm     = 4
	// restless is how many programs may end before they have settled.
	restless = 5
	// ours is how much of the function's memory bootstrap itself needs, with events of 6 MB.
	ours = 24 << 20
)

// scale is what is known about the memory that a program takes. spares.mu guards it.
type scale struct {
	known     bool
	unsettled int // how many have ended before they could be measured
}

// measure finds out how much memory a started program takes and how many fit. If it ends before,
// the next one is measured. If events leave no program the time to settle, the peak of one
// counts.
func (s *spares[T]) measure(p T) {
	last, settled := settle(p)
	if settled {
		s.fit(last)
		return
	}
	s.mu.Lock()
	s.scale.unsettled++
	enough := s.scale.unsettled >= restless
	s.mu.Unlock()
	if enough {
		s.fit(procfs.Sample{Own: p.Peak() - last.Shared, Shared: last.Shared})
	}
}

// settle looks at a program until it has been calm for a while. It is false if that has
// ended before; last is the last look at it before that.
func settle[T spare](p T) (last procfs.Sample, settled bool) {
	for waited := 0; ; {
		select {
		case <-p.Done():
			return last, false
		case <-time.After(settling): // no ticker: after a stall its ticks are close together
		}
		now := p.Measure()
		select {
		case <-p.Done(): // maybe when it was looked at
			return last, false
		default:
		}
		if now.Own == 0 || now.Own-last.Own > last.Own/16 || !now.Idle(last) { // 0: it is ending
			waited = 0
		} else if waited++; waited == calm {
			return now, true
		}
		last = now
	}
}

// fit wants no more than the function's memory holds, beside as many as there are events,
// and starts what is missing. What the first one takes is what counts.
func (s *spares[T]) fit(each procfs.Sample) {
	defer s.fill()
	room := int64(s.policy.MemoryMB)<<20 - ours - each.Shared
	s.mu.Lock()
	wanted, fits := s.wanted, s.wanted
	if !s.scale.known && !s.closed && each.Own > 0 { // 0: there is no telling
		fits = int(max(room/each.Own-int64(s.policy.Concurrency), 0))
	}
	s.scale.known = true
	s.wanted = min(wanted, fits)
	if s.wanted == 0 {
		s.retireAll(time.Now())
	}
	s.mu.Unlock()
	if fits >= wanted {
		return
	}
	number := "none"
	if fits > 0 {
		number = fmt.Sprintf("only %d", fits)
	}
	s.policy.Log.Warn(fmt.Sprintf("BOOTSTRAP_PIPE_SPARES is %d, but the function's memory of %d MB holds %s beside those that serve events: each takes %s for itself, "+
		"and they share %s. Lower it, or raise the function's memory.",
		wanted, s.policy.MemoryMB, number, megabytes(each.Own), megabytes(each.Shared)))
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }
