package worker

import (
	"time"

	"fgbootstrap/adapter"

	"go.uber.org/zap"
)

// silencePatience is how long a worker may be silent in its first events, unless a tenth of an
// event's time is shorter, until the log says why that may be. A caller may have to wait for minutes.
const silencePatience = time.Second

// flushAdvice has the words of the tables in README and docs/worker-protocol.md.
const flushAdvice = "its answer is probably in a buffer. Have it flush each answer: `jq --unbuffered -c`, `sed -u`, `awk -W interactive` (mawk) or " +
	"`fflush()`, Perl `$|=1`, Ruby `$stdout.sync = true`, `print(…, flush=True)`, or start it with `stdbuf -oL`"

// watchSilence has the log tell, once a worker, if one that has never answered has read the event and waits
// for the next one. over ends the watch; the rest may not be used before.
func (s *story) watchSilence(r *rest, inv *adapter.Invocation) (over func()) {
	if s.silent || s.worker.proven.Load() {
		return func() {}
	}
	id, told := inv.ID, make(chan struct{})
	timer := time.AfterFunc(min(silencePatience, inv.Deadline.Sub(inv.Received)/10), func() {
		defer close(told)
		if s.silent = r.waitsInRead() && s.worker.channel.in.unread() == 0; s.silent {
			s.worker.mode.Resident.Log.Warn("the program has read its event and waits for the next one: "+flushAdvice, zap.String("requestId", id))
		}
	})
	return func() {
		if !timer.Stop() {
			<-told
		}
	}
}
