package functiongraph

import (
	"time"

	"go.uber.org/zap"
)

// outage logs an outage of the runtime API once when it begins and once when it ends, however
// many polls fail.
type outage struct {
	log   *zap.Logger
	since time.Time
	polls int
}

func (o *outage) note(err error) {
	if o.polls++; o.polls > 1 {
		return
	}
	o.since = time.Now()
	o.log.Warn("polling the runtime API failed, retrying", zap.Error(err))
}

func (o *outage) over() {
	if o.polls > 0 {
		o.log.Info("polling the runtime API works again", zap.Int("polls", o.polls), zap.Duration("after", time.Since(o.since)))
	}
	o.polls = 0
}
