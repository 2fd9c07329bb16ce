package pipe

import (
	"sync"
	"time"
)

// atOnce is how soon after the poll an event comes if others are queued behind it. No program
// gets ready within that time, so nothing is lost by waiting that long before a start.
const atOnce = 5 * time.Millisecond

// gaps knows whether events come back to back, and so when a start ahead delays no event.
type gaps struct {
	parallel  bool        // there is a CPU for a start beside an event
	idleTimer *time.Timer // runs to the end if no event comes at once

	mu         sync.Mutex
	backToBack bool // the last event came at once
}

// newGaps makes gaps that call idle when an awaited gap has come.
func newGaps(parallel bool, idle func()) *gaps {
	g := &gaps{parallel: parallel, idleTimer: time.AfterFunc(atOnce, idle)}
	g.idleTimer.Stop()
	return g
}

// begun is called when an event begins. It reports whether to start spares now, beside the event.
func (g *gaps) begun(waited time.Duration) (now bool) {
	g.idleTimer.Stop()
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.backToBack
	g.backToBack = waited < atOnce
	return before && g.backToBack && g.parallel
}

// reported is called when nobody waits for an event's outcome any more. It reports whether to
// start spares now. If not, idle is called unless an event comes at once.
func (g *gaps) reported() (now bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.backToBack && !g.parallel {
		g.idleTimer.Reset(atOnce)
		return false
	}
	return true
}
