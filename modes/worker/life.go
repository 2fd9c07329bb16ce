package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/resident"
	"fgbootstrap/internal/retry"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// lastWords is for what is in the pipes of a worker that had to be stopped.
const lastWords = 10 * time.Millisecond

// worker is one start of the program, with our ends of its pipes. It implements
// resident.Instance.
type worker struct {
	mode    *Handler
	life    *resident.Life
	channel *channel // nil if it could not be connected
	talk    dialogue
	story   *story
	proven  atomic.Bool    // it has answered an event
	readers sync.WaitGroup // what reads its pipes beside events
}

// dialogue is the way of events through a worker.
type dialogue interface {
	// begin reads what has to be read beside events, in goroutines of worker.readers.
	// It says when the worker is ready, now or later.
	begin()
	// invoke gives the event to the worker and its response to t.response. done says that
	// the worker has dealt with the event, whatever came of it. An error that is
	// errUnsent says that another worker may have it.
	invoke(ctx context.Context, t task) (done bool, err error)
	// isFree reports, of a worker without an event, whether it can take one at once.
	isFree() bool
	// reported is called when nobody waits for an event, and none begins meanwhile.
	reported()
	// end gives back what it holds. The worker has ended.
	end()
}

// start implements supervise.Supervisor's Start.
func (m *Handler) start() (*worker, error) {
	greeting, _ := m.Codec.Greeting()
	life, err := resident.Launch(&m.Resident, m.keys, process.Spec{
		Env: m.Resident.Env, Input: greeting, KeepStdin: true, Answers: m.Descriptor3,
		Exited: func(p *process.Process) { closeIn(p, resident.Drain) },
	})
	if err != nil {
		return nil, err
	}
	w := &worker{mode: m, life: life}
	w.story = &story{worker: w}
	if err := w.connect(); err != nil {
		_ = life.Process.Signal(unix.SIGKILL)
		life.Blame(err)
	} else {
		w.talk.begin()
	}
	go w.wait()
	return w, nil
}

// connect prepares our ends of the pipes.
func (w *worker) connect() (err error) {
	if w.channel, err = openChannel(w.life, w.mode.Descriptor3, int(w.mode.MaxResponse)); err != nil {
		return err
	}
	if w.mode.Protocol.Multiplexed {
		w.talk = newMultiplexed(w)
	} else {
		w.talk = newSequential(w)
	}
	return nil
}

// closeIn bounds how long the pipes are waited for that somebody else may hold.
func closeIn(p *process.Process, patience time.Duration) {
	end := time.Now().Add(patience)
	_ = p.Stdin.SetWriteDeadline(end)
	_ = p.Stdout.SetReadDeadline(end)
	_ = p.Stderr.SetReadDeadline(end)
	_ = p.Answers.SetReadDeadline(end) // nil, as a rule
}

// wait sees the worker to its end.
func (w *worker) wait() {
	p := w.life.Process
	<-p.Done()
	if !w.life.KillRest(p) {
		w.mode.Resident.Log.Error("processes of a worker can't be killed", zap.Int("group", p.PID))
	}
	w.readers.Wait()
	w.life.Printed.Wait()
	w.life.MarkEnded(w.story.exit(), func(end error) error {
		if w.private() {
			return forOthers(end)
		}
		return end
	})
}

// private tells whether what a worker said last may be about an event: it has been
// given one, and the only one is not still to be read.
func (w *worker) private() bool {
	given := w.life.Given.Load()
	return given > 1 || given == 1 && (w.mode.Protocol.Multiplexed || w.channel.in.unread() == 0)
}

// write writes the line of an event; errUnsent is that not a byte of it could be.
func (w *worker) write(ctx context.Context, inv *adapter.Invocation) error {
	in, out := w.channel.in, w.channel.out
	in.begin(ctx)
	out.Reset(in)
	err := w.mode.Codec.WriteEvent(out, inv)
	if err == nil {
		err = out.Flush()
	}
	if err != nil && in.written.Load() == 0 && ctx.Err() == nil {
		return errUnsent
	}
	return err
}

// unsent takes a worker out of service that did not take a byte of an event, which
// goes to another one.
func (w *worker) unsent(ctx context.Context, t task) error {
	why := w.unreadable(ctx, nil)
	if w.life.Given.Load() > 1 && w.isOver() {
		why = forOthers(why) // what it said last is about an event that it had
	}
	w.mode.workers.Retire(t.lease, why)
	if ctx.Err() != nil {
		return why
	}
	return errUnsent
}

// isOver reports whether the worker has ended, and all that it started: nobody can read its
// stdin any more.
func (w *worker) isOver() bool {
	select {
	case <-w.life.Over:
		return true
	default:
		return false
	}
}

// Ready implements supervise.Instance.
func (w *worker) Ready() <-chan struct{} { return w.life.Up }

// Ended implements supervise.Instance.
func (w *worker) Ended() <-chan struct{} { return w.life.Over }

// Reason implements supervise.Instance.
func (w *worker) Reason() error { return w.life.Reason() }

// Missing implements resident.Instance.
func (w *worker) Missing() string { return w.mode.Codec.Awaited() }

// NotReady implements resident.Instance.
func (w *worker) NotReady(inv *adapter.Invocation) error {
	return w.life.NotReady(inv, w.Missing(), w.story.notReady())
}

// Stop implements supervise.Instance: the end of stdin is the sign to end, then
// come the signals.
func (w *worker) Stop() {
	p, grace := w.life.Process, w.mode.Resident.Grace
	_ = p.Stdin.Close()
	over := w.life.Stop(p,
		process.Step{Wait: grace / 2},
		process.Step{Signal: unix.SIGTERM, Wait: grace / 2},
		process.Step{Signal: unix.SIGKILL, Wait: resident.KillPatience},
	)
	if over && w.channel != nil {
		w.channel.lines.free()
		w.talk.end()
	}
}

// halt stops a worker at a deadline: its error has to be on its way when half of
// the margin is over.
func (w *worker) halt() {
	p, margin := w.life.Process, w.mode.Margin
	p.Stop(process.Step{Signal: unix.SIGTERM, Wait: margin / 4}, process.Step{Signal: unix.SIGKILL, Wait: margin / 8})
	closeIn(p, lastWords)
	retry.Await(context.Background(), w.life.Over, margin/8)
}

// condemn stops a worker for what it did. It does not wait for the end of its life, which
// may wait for its caller.
func (w *worker) condemn(why error) {
	w.life.Blame(why)
	w.mode.Resident.Log.Error("the program is stopped: " + why.Error())
	w.life.Process.Stop(
		process.Step{Signal: unix.SIGTERM, Wait: w.mode.Resident.Grace / 2},
		process.Step{Signal: unix.SIGKILL, Wait: resident.KillPatience},
	)
}
