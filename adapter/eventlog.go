package adapter

import (
	"time"

	"go.uber.org/zap"
)

// start says when a program got an event, and which: zero for one that never did.
type start struct {
	at    time.Time
	pid   int
	first bool
}

// Started says that from now on the program has the event: its process pid, of which it is the
// first one or not. A handler calls it once more if the event goes to another process; pid 0 is
// that none has it after all.
func (r *Response) Started(pid int, first bool) {
	if r.Timed {
		r.start = start{time.Now(), pid, first}
	}
}

// outcomeOK is the outcome of an event that has not failed.
const outcomeOK = "ok"

// logEvent writes the line about an event that has had its outcome; the handler was done with it
// at done.
func (p *poller) logEvent(inv *Invocation, outcome string, done time.Time) {
	s := p.response.start
	if s.pid == 0 {
		s.at = done
	}
	p.loop.EventLog.Info("event",
		zap.String("requestId", inv.ID),
		zap.String("trigger", p.loop.Trigger(inv.Payload)),
		zap.Float64("waitedMs", milliseconds(inv.Waited)),
		zap.Float64("startedMs", milliseconds(s.at.Sub(inv.Received))),
		zap.Float64("ranMs", milliseconds(done.Sub(s.at))),
		zap.Int("bytesIn", len(inv.Payload)),
		zap.Int64("bytesOut", p.response.Written()),
		zap.String("outcome", outcome),
		zap.Bool("cold", s.first),
		zap.Int("pid", s.pid),
	)
	_ = p.loop.EventLog.Sync()
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
