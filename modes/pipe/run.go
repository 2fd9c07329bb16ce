package pipe

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/process"
	"fgbootstrap/modes/failure"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

const (
	// drain is how long what a program left behind may hold its stdout or
	// stderr open after it ended.
	drain = 100 * time.Millisecond
	// defaultPipe is the system's pipe; events and results over it get
	// process.LargePipe: that took 0.8 of the time for 1 MB events, 0.67 for 6 MB.
	defaultPipe = 64 << 10
	// rest is for what is in stderr's pipe when the program had to be stopped.
	rest = 10 * time.Millisecond
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
	port     atomic.Int32   // that it listens on, as far as that is known
	readers  sync.WaitGroup // everything that refers to the event or the pipes
}

func (r *run) start() error {
	spec := process.Spec{
		Dir:    r.Program.Command.Dir,
		Env:    environment(r.Env, r.inv.Metadata(r.Credentials), r.context.path),
		Input:  r.inv.Payload,
		Exited: letGo,
	}
	if len(spec.Input) > defaultPipe {
		spec.PipeBytes = process.LargePipe
	}
	if err := r.launch(&spec); err != nil {
		return failure.Start(err)
	}
	r.feed()
	r.stderr.Mask = r.Mask.With(r.inv.Credentials()...)
	id := zap.String("requestId", r.inv.ID)
	r.stderr.Emit = func(line []byte) { r.Output.Info(string(line), id) }
	r.stderr.Flush = func() { _ = r.Output.Sync() }
	r.readers.Go(func() { _ = r.stderr.Follow(r.p.Stderr, r.lines) }) // a deadline ends it
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
			return r.Program.Command.Explain(spec.Path, err)
		}
	}
}

// letGo bounds how long the pipes of a program that has ended are waited for: a
// process that it left behind may hold them.
func letGo(p *process.Process) {
	end := time.Now().Add(drain)
	_ = p.Stdin.SetWriteDeadline(end) // nil, as a rule, which is no harm
	_ = p.Stdout.SetReadDeadline(end)
	_ = p.Stderr.SetReadDeadline(end)
}

// feed writes what the pipe did not hold. A program need not read it: then the
// write fails when the program ends.
func (r *run) feed() {
	rest := r.inv.Payload[r.p.Written:]
	if len(rest) == 0 {
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
	// A web server would run to the deadline. To find that out may take long, and then
	// there is no time for it.
	look := time.AfterFunc(time.Until(r.inv.Deadline)*9/10, func() { r.port.Store(int32(r.listens())) })
	defer look.Stop()
	stopped := make(chan struct{})
	release := context.AfterFunc(ctx, func() {
		defer close(stopped)
		r.stop()
	})
	err := r.relay()
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		r.stop() // the response takes no more
	}
	select {
	case <-r.p.Done():
	case <-stopped:
	}
	overdue, patience := !release(), drain
	if overdue {
		<-stopped
		patience = r.Margin / 8 // what is left of the half in which the error has to be on its way
	}
	r.tidy(patience)
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

// relay hands stdout on.
func (r *run) relay() error {
	stdout, err := process.NewDrained(r.p.Stdout)
	if err != nil {
		return err
	}
	_, err = io.Copy(r.response, &growing{Drained: stdout, file: r.p.Stdout})
	return err
}

// growing is a pipe that gets larger once there is much in it.
type growing struct {
	*process.Drained
	file  *os.File
	grown bool
}

func (g *growing) Read(p []byte) (int, error) {
	n, err := g.Drained.Read(p)
	if n >= defaultPipe && !g.grown {
		g.grown = true
		process.GrowPipe(g.file, process.LargePipe)
	}
	return n, err
}

// stop ends the program by the ladder, and then the wait for its pipes.
func (r *run) stop() {
	r.p.Stop(process.Step{Signal: unix.SIGTERM, Wait: r.Margin / 4}, process.Step{Signal: unix.SIGKILL, Wait: r.Margin / 8})
	now := time.Now()
	_ = r.p.Stdin.SetWriteDeadline(now)
	_ = r.p.Stdout.SetReadDeadline(now)
	_ = r.p.Stderr.SetReadDeadline(now.Add(rest))
}

// tidy leaves nothing of this event behind. What hangs in the kernel and can't
// be killed is waited for no longer than patience; what has left the group and
// holds a pipe, as long as letGo or stop said.
func (r *run) tidy(patience time.Duration) {
	if !r.p.KillGroup(patience) {
		r.Log.Error("processes of this event can't be killed", zap.String("requestId", r.inv.ID), zap.Int("group", r.p.PID))
	}
	r.readers.Wait()
	r.p.Close()
}
