package pipe

import (
	"sync"
	"time"
)

// atOnce is how soon after the poll an event comes of which others wait behind it. No
// program is ready within that, so nothing is lost by starting one earlier.
const atOnce = 5 * time.Millisecond

// gaps knows whether events come back to back, and so when a start ahead costs nobody
// anything.
type gaps struct {
	parallel  bool        // there is a CPU for a start beside an event
	idleTimer *time.Timer // runs to the end if no event comes at once

	mu         sync.Mutex
	backToBack bool // the last event came at once
}

// newGaps calls idle when a gap has come that was waited for.
func newGaps(parallel bool, idle func()) *gaps {
	g := &gaps{parallel: parallel, idleTimer: time.AfterFunc(atOnce, idle)}
	g.idleTimer.Stop()
	return g
}

// begun is told of an event that has begun, and tells whether now is the time: beside it.
func (g *gaps) begun(waited time.Duration) (now bool) {
	g.idleTimer.Stop()
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.backToBack
	g.backToBack = waited < atOnce
	return before && g.backToBack && g.parallel
}

// reported is told when nobody waits for an event any more, and tells whether now is the
// time. If not, it is when no event comes at once.
func (g *gaps) reported() (now bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.backToBack && !g.parallel {
		g.idleTimer.Reset(atOnce)
		return false
	}
	return true
}
