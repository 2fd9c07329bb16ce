package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/rawio"
	"fgbootstrap/modes/worker/codec"

	"go.uber.org/zap"
)

// sequential is the dialogue of protocols without ids: one event at a time, and
// the next line is its answer. The goroutine that brings the event writes and
// reads itself.
type sequential struct {
	worker *worker
	rest   *rest
	strays strays
	calm   bool         // at the last event it was at rest, in a read of its stdin
	watch  *rawio.Watch // of answers, and of what is printed
	used   bool         // it has been given an event
	holds  int          // half of what its large stdin holds; 0 before that
	blanks int          // lines without a meaning since the last event was given
}

// answersReady is what watch says if there may be something in the response channel.
const answersReady = 1

func newSequential(w *worker) *sequential {
	watched := []*rawio.Descriptor{w.channel.source.Descriptor()}
	watched = append(watched, w.life.Printed.Descriptors()...)
	return &sequential{worker: w, strays: strays{worker: w}, rest: newRest(w.life.Process.PID, w.life.Process.Stdin), watch: rawio.NewWatch(watched...)}
}

func (s *sequential) begin() {
	w := s.worker
	if _, waits := w.mode.Codec.Greeting(); !waits {
		w.readers.Go(s.becomeReady)
		return
	}
	w.readers.Go(func() {
		m, err := s.answer()
		switch {
		case err == nil && m.Ready:
			w.life.MarkReady()
		case err == nil:
			w.condemn(w.story.protocolError("has not acknowledged its start, but wrote", m.Body))
		default:
			w.lost(err)
		}
	})
}

func (s *sequential) end() { s.rest.end() }

// isFree implements dialogue.
func (s *sequential) isFree() bool { return s.rest.look() == still }

// reported implements dialogue.
func (s *sequential) reported() { s.rest.lookAhead() }

func (s *sequential) invoke(ctx context.Context, t task) (done bool, err error) {
	if err := s.prepare(ctx, t); err != nil {
		return false, err
	}
	s.used, s.blanks = true, 0
	s.worker.channel.in.written.Store(0)
	s.worker.life.Printed.About(t.inv.ID, &s.worker.channel.notBegun)
	sending, err := s.send(ctx, t.inv)
	if err == nil {
		t.started()
		done, err = s.receive(ctx, t, sending)
	}
	whole := sending.whole()
	switch {
	case errors.Is(err, errUnsent):
		return false, s.worker.unsent(ctx, t)
	case err != nil && !done && ctx.Err() == nil && s.worker.isOver() && s.worker.channel.in.untouched():
		return false, errUnsent // the worker, which has been retired, has not read a byte of it
	case !whole: // what it did not read of this event it would take for the next
		s.worker.mode.workers.Retire(t.lease, nil)
	}
	return done, err
}

// prepare sees to it that what the worker writes next is about the event. Its error says
// that the worker can't be given it, and is retired.
func (s *sequential) prepare(ctx context.Context, t task) error {
	how, err := s.settle(ctx, t.inv)
	// The looks come right before the event is sent: what is there later can't be told
	// from an answer, nor from what is said about this event.
	looks := s.watch.Ready()
	if s.used && s.worker.life.Printed.Forget(looks > answersReady) {
		looks = answersReady // that took its time
	}
	if err == nil && (looks&answersReady != 0 || s.worker.channel.lines.untaken()) {
		err = s.strays.take(s.used)
	}
	s.calm = how == still && !s.rest.loop
	switch {
	case errors.Is(err, errStuck):
		return s.stuck(t)
	case ctx.Err() != nil:
		return s.notTaken(ctx, t)
	case err != nil:
		return s.worker.unsent(ctx, t)
	case !s.strays.any():
		return nil
	case !s.used && how != untold:
		s.worker.channel.lines.discard() // half a line, too
		s.strays.tellEarly()
		return nil
	case s.used && s.calm && len(s.strays.half) == 0:
		s.strays.tellDropped()
		return nil
	}
	return s.outOfStep(t)
}

// stuck takes a worker out of service that has done nothing for long, and does not read. The
// event goes to another one.
func (s *sequential) stuck(t task) error {
	s.worker.mode.Resident.Log.Error("the program does nothing and does not read its stdin since its last answer, and is replaced: it " +
		procfs.State(s.worker.life.Process.PID))
	s.worker.mode.workers.Retire(t.lease, &adapter.Error{
		Type:    adapter.TypeProtocol,
		Message: "The program did nothing and did not read its stdin any more after an answer, and was stopped.",
	})
	return errUnsent
}

// notTaken is the error of an event that the worker could not take before its end, since it
// was still busy with something else.
func (s *sequential) notTaken(ctx context.Context, t task) error {
	s.worker.mode.workers.Retire(t.lease, nil)
	s.worker.halt()
	return s.worker.mode.Resident.Program.TimedOut(context.Cause(ctx), t.inv,
		"It was busy with something else all the time, and has not been given this event: what does it do after an answer, before it reads its stdin again?", nil)
}

// overdue stops a worker whose event has no answer when ctx ends: a late one would
// pass for the next event's.
func (s *sequential) overdue(ctx context.Context, t task) error {
	hint := s.worker.story.hint(s.rest.waitsInRead())
	if n := len(s.worker.channel.lines.rest()); n > 0 {
		hint = fmt.Sprintf("It had written %d bytes and no line end, by which an answer ends: %s.", n, s.worker.mode.keys.Quote(s.worker.channel.lines.rest()))
	} else if s.blanks > 0 {
		hint = fmt.Sprintf("It had written a blank line, which is no answer in the %s protocol.", s.worker.mode.Protocol.Name)
	}
	s.worker.mode.workers.Retire(t.lease, nil)
	s.worker.halt()
	return s.worker.mode.Resident.Program.TimedOut(context.Cause(ctx), t.inv, hint, s.worker.life.Printed.Tail())
}

// interrupt ends the wait for an answer.
func (s *sequential) interrupt() { _ = s.worker.channel.answers.SetReadDeadline(past) }

// receive reads the answer, until ctx ends, and relays it.
func (s *sequential) receive(ctx context.Context, t task, event *sending) (done bool, err error) {
	release := context.AfterFunc(ctx, s.interrupt)
	over := s.worker.story.watchSilence(s.rest, t.inv)
	m, err := s.itsAnswer()
	over()
	long := errors.Is(err, errLong)
	resynced := long && s.resync()
	if !release() {
		return false, s.overdue(ctx, t)
	}
	defer s.worker.channel.lines.settle()
	switch {
	case event.unsent():
		return false, errUnsent
	case resynced:
		return true, adapter.TooLarge(s.worker.mode.MaxResponse, 0)
	case long:
		s.worker.mode.workers.Retire(t.lease, brokeProtocol())
		return false, adapter.TooLarge(s.worker.mode.MaxResponse, 0)
	case err == nil:
		err = s.notItsAnswer(m)
	}
	if err != nil {
		err = s.worker.unreadable(ctx, err)
		s.worker.mode.workers.Retire(t.lease, forOthers(err))
		return false, err
	}
	s.worker.proven.Store(true)
	if m.Kind == codec.Failure && !t.response.IsEnvelope(m.Body) {
		return true, s.worker.mode.masked(m.Err)
	}
	_, err = t.response.Write(m.Body)
	return true, err
}

// itsAnswer reads up to the line that may be the answer to the event: it is none that the
// worker wrote before it had read a byte of the event.
func (s *sequential) itsAnswer() (codec.Message, error) {
	for {
		m, err := s.answer()
		if err != nil || s.calm || !s.worker.channel.in.untouched() {
			return m, err
		}
		s.strays.lines = append(s.strays.lines, bytes.Clone(m.Body))
		s.strays.tellEarly()
	}
}

// notItsAnswer is why a line can't be the answer to the event, or nil: it is a part of JSON
// that goes on.
func (s *sequential) notItsAnswer(m codec.Message) error {
	rest := bytes.TrimSpace(s.worker.channel.lines.rest())
	if len(rest) > 0 && len(m.Body) > 0 && bytes.IndexByte([]byte("{["), m.Body[0]) >= 0 && !json.Valid(m.Body) {
		return s.worker.story.protocolError("wrote an answer over several lines", m.Body)
	}
	return nil
}

// answer reads up to the next line that means something.
func (s *sequential) answer() (codec.Message, error) {
	for {
		line, err := s.line()
		if err != nil {
			return codec.Message{}, err
		}
		m, err := s.worker.mode.Codec.Read(line)
		if err != nil {
			return codec.Message{Kind: codec.Failure, Err: s.worker.story.protocolError("wrote "+err.Error(), line), Body: line}, nil
		}
		if m.Kind != codec.Nothing {
			return m, nil
		}
		s.blanks++
	}
}

// errLong is a line over the limit.
var errLong = errors.New("the line is too long")

func (s *sequential) line() ([]byte, error) {
	for {
		line, long, ok := s.worker.channel.lines.next()
		if long {
			return nil, errLong
		}
		if ok {
			return line, nil
		}
		n, err := s.worker.channel.source.Read(s.worker.channel.lines.room())
		s.worker.channel.lines.added(n)
		if err != nil {
			return nil, err
		}
	}
}

// resync reads the rest of a line that was too long, and tells whether it ended.
func (s *sequential) resync() bool {
	for s.worker.channel.lines.dropping && !s.worker.channel.lines.endless() {
		n, err := s.worker.channel.source.Read(s.worker.channel.lines.room())
		s.worker.channel.lines.added(n)
		s.worker.channel.lines.drop()
		if err != nil {
			return false
		}
	}
	return !s.worker.channel.lines.dropping
}

// outOfStep takes a worker out of service that wrote what nobody had asked for, and may
// write more. The event goes to another one, unless this one has never had an event: then
// its successor would write the same, perhaps a moment later, and it would pass for an
// answer.
func (s *sequential) outOfStep(t task) error {
	if !s.used {
		err := s.worker.story.protocolError("wrote to its response channel before it had an event", s.strays.first())
		s.worker.mode.workers.Retire(t.lease, err)
		return err
	}
	s.worker.mode.Resident.Log.Warn("a worker wrote more than its answer and is replaced: "+s.worker.mode.keys.Quote(s.strays.first()),
		zap.String("requestId", s.worker.life.Printed.LastID()))
	s.worker.mode.workers.Retire(t.lease, nil)
	return errUnsent
}
