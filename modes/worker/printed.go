package worker

import (
	"os"
	"time"

	"fgbootstrap/internal/process"

	"go.uber.org/zap"
)

// printed is what a program prints to one of its pipes.
type printed struct {
	process.Lines
	pipe *process.Drained
}

// log hands on what the program prints to these pipes.
func (w *worker) log(pipes []*os.File) error {
	for _, f := range pipes {
		pipe, err := process.NewDrained(f)
		if err != nil {
			return err
		}
		p := &printed{pipe: pipe}
		p.Mask = w.keys
		p.Emit = func(line []byte) { w.Output.Info(string(line), w.eventField()...) }
		p.Flush = func() { _ = w.Output.Sync() }
		w.printed = append(w.printed, p)
		w.readers.Go(func() { _ = p.Copy(pipe, make([]byte, process.LineBytes)) }) // a deadline ends it
	}
	return nil
}

// eventField ties a line of the log to the event at work, or to the last one.
func (w *worker) eventField() []zap.Field {
	if id := w.event.Load(); id != nil {
		return []zap.Field{zap.String("requestId", *id)}
	}
	return nil
}

// tail is what the program printed last; nothing if that may be of the event before.
func (w *worker) tail() []string {
	if w.blurred.Load() {
		return nil
	}
	for _, printed := range w.printed {
		if tail := printed.Tail(); len(tail) > 0 {
			return tail
		}
	}
	return nil
}

// forgetPatience is how long a program that prints without end may hold up its next
// event.
const forgetPatience = time.Millisecond

// forget forgets what the program printed so far: what it said about one event is not
// for the caller of the next. What it has printed but nobody has read yet is of the
// last event, too: it is waited for, a little. unread says that there is something of
// that kind; waited that it was.
func (w *worker) forget(unread bool) (waited bool) {
	for _, printed := range w.printed {
		unread = unread || printed.pipe.Busy()
	}
	waited = unread
	if unread {
		for end := time.Now().Add(forgetPatience); unread && time.Now().Before(end); unread = w.unreadLines() {
			time.Sleep(forgetPatience / 20)
		}
	}
	w.blurred.Store(unread)
	for _, printed := range w.printed {
		printed.Forget()
	}
	return waited
}

func (w *worker) unreadLines() bool {
	for _, printed := range w.printed {
		if printed.pipe.Descriptor().Waiting() > 0 || printed.pipe.Busy() {
			return true
		}
	}
	return false
}
