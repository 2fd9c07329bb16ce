package worker

import (
	"bufio"
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/output"
	"fgbootstrap/internal/process"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

const (
	// drain is how long what a worker left behind may hold its pipes open after
	// it ended.
	drain = 100 * time.Millisecond
	// rest is for what is in the pipes of one that had to be stopped.
	rest = 10 * time.Millisecond
	// killPatience is for a process that was killed: one that hangs in the kernel
	// is left behind.
	killPatience = time.Second
)

// worker is one start of the program, with our ends of its pipes. It implements
// supervise.Instance.
type worker struct {
	*Mode
	p       *process.Process
	file    string           // the program's
	answers *os.File         // the response channel
	source  *process.Drained // what comes from it
	in      *input
	out     *bufio.Writer // to in
	lines   *lineBuffer
	started time.Time
	talk    dialogue

	printed *output.Log  // stderr, and as the second stdout, where that is log
	proven  atomic.Bool  // it has answered an event
	given   atomic.Int64 // events given to it so far

	ready, ended chan struct{}
	readers      sync.WaitGroup // what reads its pipes beside events
	mu           sync.Mutex
	noise        string // the last line that was no message, quoted
	fault        error  // why we stopped it, if that was its fault
	end          error  // how it ended
	reason       error  // the same, for others than whose event that was
}

// dialogue is the way of events through a worker.
type dialogue interface {
	// begin reads what has to be read beside events, in goroutines of w.readers.
	// It closes w.ready, now or later.
	begin()
	// invoke gives the event to the worker and its response to t.w. done says that
	// the worker has dealt with the event, whatever came of it. An error that is
	// errUnsent says that another worker may have it.
	invoke(ctx context.Context, t task) (done bool, err error)
}

// start implements supervise.Supervisor's Start.
func (m *Mode) start() (*worker, error) {
	w := &worker{Mode: m, printed: output.NewLog(m.keys, m.Output), started: time.Now(), ready: make(chan struct{}), ended: make(chan struct{})}
	if err := w.launch(); err != nil {
		return nil, failure.Start(err)
	}
	if err := w.connect(); err != nil {
		_ = w.p.Signal(unix.SIGKILL)
		w.fail(err)
	} else {
		w.talk.begin()
	}
	go w.wait()
	return w, nil
}

// connect prepares our ends of the pipes.
func (w *worker) connect() (err error) {
	w.answers = w.p.Stdout
	logs := []*os.File{w.p.Stderr}
	if w.Descriptor3 {
		w.answers, logs = w.p.Answers, append(logs, w.p.Stdout)
	}
	if err := w.printed.Follow(logs...); err != nil {
		return err
	}
	if w.source, err = process.NewDrained(w.answers); err != nil {
		return err
	}
	if w.in, err = newInput(w.p.Stdin); err != nil {
		return err
	}
	w.out = bufio.NewWriterSize(w.in, readBytes)
	if w.lines, err = newLineBuffer(int(w.MaxResponse)); err != nil {
		return err
	}
	if w.Protocol.Multiplexed {
		w.talk = newMultiplexed(w)
	} else {
		w.talk = newSequential(w)
	}
	return nil
}

func (w *worker) launch() error {
	greeting, _ := w.Codec.Greeting()
	path, args, err := w.Program.Command.Find()
	if err != nil {
		return err
	}
	w.file = path
	w.p, err = w.Reaper.Start(process.Spec{
		Path: path, Args: args, Dir: w.Program.Command.Dir, Env: w.Env,
		Input: greeting, KeepStdin: true,
		Answers: w.Descriptor3,
		Exited:  func(p *process.Process) { closeIn(p, drain) },
	})
	if err != nil {
		return w.Program.Command.Explain(path, err)
	}
	w.Program.OOM.Begin()
	return nil
}

// closeIn bounds how long the pipes are waited for that somebody else may hold.
func closeIn(p *process.Process, patience time.Duration) {
	end := time.Now().Add(patience)
	_ = p.Stdin.SetWriteDeadline(end)
	for _, f := range []*os.File{p.Stdout, p.Stderr, p.Answers} {
		if f != nil {
			_ = f.SetReadDeadline(end)
		}
	}
}

// wait sees the worker to its end.
func (w *worker) wait() {
	<-w.p.Done()
	if !w.p.KillGroup(drain) {
		w.Log.Error("processes of a worker can't be killed", zap.Int("group", w.p.PID))
	}
	w.readers.Wait()
	w.printed.Wait()
	w.mu.Lock()
	w.end = w.fault
	if w.end == nil {
		w.end = w.exit()
	}
	w.reason = w.end
	if w.private() {
		w.reason = w.forOthers(w.end)
	}
	w.mu.Unlock()
	close(w.ended)
}

// write writes the line of an event; errUnsent is that not a byte of it could be.
func (w *worker) write(ctx context.Context, inv *adapter.Invocation) error {
	w.in.begin(ctx)
	w.out.Reset(w.in)
	err := w.Codec.WriteEvent(w.out, inv)
	if err == nil {
		err = w.out.Flush()
	}
	if err != nil && w.in.written.Load() == 0 && ctx.Err() == nil {
		return errUnsent
	}
	return err
}

// Ready implements supervise.Instance.
func (w *worker) Ready() <-chan struct{} { return w.ready }

// Ended implements supervise.Instance.
func (w *worker) Ended() <-chan struct{} { return w.ended }

// Reason implements supervise.Instance.
func (w *worker) Reason() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reason
}

// private tells whether what a worker said last may be about an event: it has been
// given one, and the only one is not still to be read.
func (w *worker) private() bool {
	given := w.given.Load()
	return given > 1 || given == 1 && (w.Protocol.Multiplexed || w.in.unread() == 0)
}

// itsEnd is how the worker ended, for an event that it had.
func (w *worker) itsEnd() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.end
}

// fail notes why the worker is about to be stopped; the first reason counts.
func (w *worker) fail(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault == nil {
		w.fault = why
	}
}

// Stop implements supervise.Instance: the end of stdin is the sign to end, then
// come the signals.
func (w *worker) Stop() {
	_ = w.p.Stdin.Close()
	w.p.Stop(
		process.Step{Wait: w.Grace / 2},
		process.Step{Signal: unix.SIGTERM, Wait: w.Grace / 2},
		process.Step{Signal: unix.SIGKILL, Wait: killPatience},
	)
	if w.over(killPatience) {
		w.p.Close()
		if w.lines != nil {
			w.lines.free()
		}
	}
}

// halt stops a worker at a deadline: its error has to be on its way when half of
// the margin is over.
func (w *worker) halt() {
	w.p.Stop(process.Step{Signal: unix.SIGTERM, Wait: w.Margin / 4}, process.Step{Signal: unix.SIGKILL, Wait: w.Margin / 8})
	closeIn(w.p, rest)
	w.over(w.Margin / 8)
}

// over waits for the worker's end, and tells whether it has come.
func (w *worker) over(patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return w.overBy(ctx)
}

// overBy waits until ctx ends.
func (w *worker) overBy(ctx context.Context) bool {
	select {
	case <-w.ended:
		return true
	case <-ctx.Done():
		return false
	}
}
