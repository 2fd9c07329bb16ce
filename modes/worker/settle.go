package worker

import (
	"context"
	"errors"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/retry"

	"golang.org/x/sys/unix"
)

const (
	// yields is how often the CPU is given away before the first sleep: on one CPU a worker
	// that has just answered needs no more to come to rest.
	yields = 3
	// shortestNap and longestNap are the sleeps between two looks. The system's own are
	// precise where time.Sleep may take a millisecond.
	shortestNap = 20 * time.Microsecond
	longestNap  = time.Millisecond
	// readyPatience is how long a worker that reads may stir until it counts as ready.
	readyPatience = 50 * time.Millisecond
)

// errStuck is a worker that does nothing and does not read: the event goes to another one.
var errStuck = errors.New("the worker is stuck")

// errClosed is a worker that has closed its stdin: no event can be sent to it.
var errClosed = errors.New("the worker has closed its stdin")

// settling is the wait until a worker is at rest.
type settling struct {
	began time.Time
	looks int
	nap   time.Duration
	quiet procfs.Sample // what it did a while ago, to be compared

	late  int           // the thread that stirred at the last step, 0: none yet
	share procfs.Share  // it had of the CPU then
	step  time.Duration // since began: when the last step was
}

// stirsTooLong reports whether a worker that stirs has had its time. late is the thread that does, 0
// if that has just changed.
func (s *settling) stirsTooLong(late int) bool {
	since := time.Since(s.began)
	if since < s.step+starvedStep {
		return false
	}
	patience := stirPatience
	share, lives := procfs.ShareOf(s.late)
	switch {
	case s.late == 0 || !lives: // it comes on
		patience = changePatience
	case share.Starved(s.share, since-s.step):
		patience = starvedPatience
	}
	s.late, s.step = late, since
	if s.share, lives = procfs.ShareOf(late); !lives && late != 0 { // or the kernel does not tell
		patience = stirPatience
	}
	return since > patience
}

// pause gives the worker the time to come to rest.
func (s *settling) pause() {
	if s.looks++; s.looks <= yields {
		_, _, _ = unix.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		return
	}
	s.nap = min(max(shortestNap, s.nap*3/2), longestNap)
	t := unix.NsecToTimespec(s.nap.Nanoseconds())
	_ = unix.Nanosleep(&t, nil)
}

// settle waits until the worker is at rest, or can't be waited for any more. What it writes
// meanwhile is taken: it is no answer to the event to come. The error is ctx's; errStuck;
// or that there is nothing more to be read.
func (s *sequential) settle(ctx context.Context, inv *adapter.Invocation) (how posture, err error) {
	if s.rest.takeFound() {
		return still, nil
	}
	how = s.rest.look()
	if how == still || how == untold {
		return how, nil
	}
	wait := settling{began: time.Now()}
	for ; ; how = s.rest.look() {
		if s.watch.Ready()&answersReady != 0 {
			if err := s.strays.take(s.used); err != nil {
				return how, err
			}
			if s.strays.any() && s.rest.loop {
				return how, nil // no rest of its makes sure that no more comes
			}
		}
		switch {
		case how == still || how == untold:
			return how, nil
		case ctx.Err() != nil:
			return how, ctx.Err()
		case how == stirring && wait.stirsTooLong(s.rest.late):
			s.rest.inVain()
			return how, nil
		case how == away && s.worker.channel.in.closed():
			return how, errClosed
		case how == away && s.isStuck(&wait, inv):
			return how, errStuck
		}
		wait.pause()
	}
}

// isStuck reports whether half of the event's time is over and the worker has done nothing
// in the second quarter of it.
func (s *sequential) isStuck(wait *settling, inv *adapter.Invocation) bool {
	begin := inv.Received
	if !s.used {
		begin = wait.began
	}
	gone, all := time.Since(begin), inv.Deadline.Sub(begin)
	switch {
	case gone < all/4:
	case wait.quiet.PIDs == nil:
		wait.quiet = procfs.Measure(s.worker.life.Process.PID)
	case gone >= all/2:
		return procfs.Measure(s.worker.life.Process.PID).Idle(wait.quiet)
	}
	return false
}

// becomeReady waits until a worker that has just been started is at rest for the first
// time. What it has written before that is log.
func (s *sequential) becomeReady() {
	var reads time.Time // since when its reader waits
	for nap := time.Millisecond; ; nap = min(nap*3/2, 4*time.Millisecond) {
		how := s.rest.look()
		if s.strays.take(s.used) != nil { // its end is seen elsewhere
			return
		}
		switch {
		case how == away:
			reads = time.Time{}
		case reads.IsZero():
			reads = time.Now()
		}
		if how == untold || how == away && s.worker.channel.in.closed() { // that is told when an event comes
			break
		}
		if how == still || how == stirring && time.Since(reads) > readyPatience {
			s.worker.channel.lines.discard() // half a line, too
			s.strays.tellEarly()
			break
		}
		if s.strays.any() { // so that it is told if the program never reads
			s.worker.story.hear(s.worker.mode.keys.Quote(s.strays.first()), "a line that is no answer to an event")
		}
		if retry.Await(context.Background(), s.worker.life.Process.Done(), nap) {
			return
		}
	}
	s.worker.story.hear("", "")
	s.worker.life.MarkReady()
}
