package pipe

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/process"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

const (
	// drain is how long what a program left behind may hold its stdout or
	// stderr open after it ended.
	drain = 100 * time.Millisecond
	// defaultPipe is the system's pipe; events over it get largePipe, the most
	// that an ordinary user may have. 1 MB took 0.8 of the time for 1 MB
	// events, 0.67 for 6 MB.
	defaultPipe = 64 << 10
	largePipe   = 1 << 20
	// rest is the least time for what is in stderr's pipe already.
	rest = 10 * time.Millisecond
	// killed is how long a group may take to be gone after KILL: a process
	// leaves in microseconds or hangs in the kernel.
	killed = 500 * time.Millisecond
)

// run is one program at work on one event.
type run struct {
	*Mode
	*slot
	inv      *adapter.Invocation
	response io.Writer
	file     string // the program's
	p        *process.Process
	stderr   process.Lines
	exited   time.Time // of the program, valid once p is done
	stopping sync.Once
	hurry    time.Time      // by when all must be over, once it is being stopped
	readers  sync.WaitGroup // everything that refers to the event or the pipes
}

func (r *run) start() error {
	spec := process.Spec{
		Dir:    r.Command.Dir,
		Env:    environment(r.Env, r.inv.Metadata(r.Credentials), r.context.path),
		Input:  r.inv.Payload,
		Exited: r.letGo,
	}
	if len(spec.Input) > defaultPipe {
		spec.PipeBytes = largePipe
	}
	if err := r.launch(&spec); err != nil {
		return startError(err)
	}
	r.feed()
	r.stderr.Mask = r.Mask.With(r.inv.Credentials()...)
	id := zap.String("requestId", r.inv.ID)
	r.stderr.Emit = func(line []byte) { r.Program.Info(string(line), id) }
	r.readers.Go(func() { _ = r.stderr.Copy(r.p.Stderr, r.lines) }) // a deadline ends it
	return nil
}

// launch starts the program. One that was started before and can't be now may
// have moved: it is looked for once more.
func (r *run) launch(spec *process.Spec) error {
	for {
		var remembered bool
		var err error
		if spec.Path, spec.Args, remembered, err = r.command(); err != nil {
			return err
		}
		r.file = spec.Path
		if r.p, err = r.Reaper.Start(*spec); err == nil {
			return nil
		}
		r.forget()
		if !remembered {
			message := process.CheckDir(spec.Dir)
			if message == "" {
				message = process.Diagnose(spec.Path, r.Command.Path, err)
			}
			return &process.StartError{Message: message, Cause: err}
		}
	}
}

// letGo bounds how long the pipes of a program that has ended are waited for: a
// process that it left behind may hold them.
func (r *run) letGo(p *process.Process) {
	r.exited = time.Now()
	end := r.exited.Add(drain)
	_ = p.Stdin.SetWriteDeadline(end) // closed already, as a rule
	_ = p.Stdout.SetReadDeadline(end)
	_ = p.Stderr.SetReadDeadline(end)
}

// feed writes what the pipe did not hold. A program need not read it: then the
// write fails when the program ends.
func (r *run) feed() {
	rest := r.inv.Payload[r.p.Written:]
	if len(rest) == 0 {
		_ = r.p.Stdin.Close()
		return
	}
	r.readers.Go(func() {
		_, _ = r.p.Stdin.Write(rest)
		_ = r.p.Stdin.Close()
	})
}

// finish relays stdout until the program has ended or ctx has, and sees to it
// that nothing of this event is left.
func (r *run) finish(ctx context.Context) error {
	stopped := make(chan struct{})
	release := context.AfterFunc(ctx, func() {
		defer close(stopped)
		r.stop()
	})
	_, err := io.Copy(r.response, onlyReader{r.p.Stdout})
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		r.stop() // the response takes no more
	}
	select {
	case <-r.p.Done():
	case <-stopped:
	}
	overdue := !release()
	if overdue {
		<-stopped
	}
	r.tidy()
	switch {
	case overdue:
		return r.overdue(context.Cause(ctx))
	case errors.Is(err, os.ErrDeadlineExceeded):
		r.Log.Warn("a process that the program left in the background held its stdout open and was killed; "+
			"redirect its output, or wait for it", zap.String("requestId", r.inv.ID))
	case err != nil:
		return err
	}
	if !r.p.Status().Success() {
		return r.failed()
	}
	return nil
}

// stop ends the program by the ladder, and then the wait for its pipes. By half
// of the margin its error has to be on its way, whatever is left of it.
func (r *run) stop() {
	quarter := r.Margin / 4
	r.stopping.Do(func() { r.hurry = time.Now().Add(2 * quarter) })
	r.p.Stop(process.Step{Signal: unix.SIGTERM, Wait: quarter}, process.Step{Signal: unix.SIGKILL, Wait: quarter})
	_ = r.p.Stdout.SetReadDeadline(time.Now())
}

// tidy leaves nothing of this event behind.
func (r *run) tidy() {
	end := time.Now().Add(killed)
	if !r.hurry.IsZero() && r.hurry.Before(end) {
		end = r.hurry
	}
	if !r.p.KillGroup(time.Until(end)) {
		r.Log.Error("processes of this event can't be killed", zap.String("requestId", r.inv.ID), zap.Int("group", r.p.PID))
	}
	// Usually there is no writer left, and this never bites.
	if limit := r.left().Add(drain); limit.Before(end) {
		end = limit
	}
	if least := time.Now().Add(rest); end.Before(least) {
		end = least
	}
	_ = r.p.Stderr.SetReadDeadline(end)
	_ = r.p.Stdin.SetWriteDeadline(time.Now())
	r.readers.Wait()
	r.p.Close()
}

// left is since when the program is no more, or is not to be.
func (r *run) left() time.Time {
	select {
	case <-r.p.Done():
		return r.exited
	default:
		return time.Now()
	}
}

// onlyReader hides that stdout is a file: io.Copy would try splice on it.
type onlyReader struct{ io.Reader }
