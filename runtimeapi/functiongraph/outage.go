package functiongraph

import (
	"time"

	"go.uber.org/zap"
)

// outage logs an outage of the runtime API when it begins, when it gets a cause with another cure,
// and when it ends, however many polls fail.
type outage struct {
	log   *zap.Logger
	addr  string // of the runtime API
	since time.Time
	polls int
	told  map[string]bool // the cures that were logged
}

func (o *outage) note(err error) {
	if o.polls++; o.polls == 1 {
		o.since, o.told = time.Now(), map[string]bool{}
	}
	why := reasonOf(err)
	if o.told[why.cure] {
		return
	}
	o.told[why.cure] = true
	o.log.Warn("polling the runtime API failed, retrying: "+why.sentence(o.addr, err), zap.Error(err))
}

// over ends an outage with a poll that began at that time: the platform may have held it for long.
func (o *outage) over(began time.Time) {
	if o.polls > 0 {
		o.log.Info("polling the runtime API works again", zap.Int("polls", o.polls), zap.Duration("after", began.Sub(o.since)))
	}
	o.polls = 0
}
