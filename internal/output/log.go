// Package output handles what a program prints. It goes to the log, with the id of its event and
// without credentials. Its end is kept for errors, in which no caller may read about another
// caller's event.
//
// It does not know why a program runs (modes/); internal/process reads the pipes.
package output

import (
	"os"
	"sync"
	"sync/atomic"
	"time"

	"fgbootstrap/internal/process"
	"fgbootstrap/internal/rawio"
	"fgbootstrap/internal/secret"

	"go.uber.org/zap"
)

// Log passes on what one start of a program prints.
type Log struct {
	// Objects is that of Lines; it is set before Follow.
	Objects bool

	keys    *secret.Keyring
	out     *zap.Logger
	printed []*printed
	readers sync.WaitGroup
	event   atomic.Pointer[string]      // the id that lines get
	left    atomic.Int64                // when that event left, in ns since 1970; 0 while it is here
	blurred atomic.Bool                 // what was printed can't be told from what was printed before the event
	pending atomic.Pointer[func() bool] // of the event: whether the program has read none of it; nil once it has

	mu     sync.Mutex
	visits map[*Visit]bool
	used   bool // an event has been here: what is remembered may be about it
}

// printed is what a program prints to one of its pipes.
type printed struct {
	lines Lines
	pipe  *process.Drained
}

// NewLog makes a Log that writes to out.
func NewLog(keys *secret.Keyring, out *zap.Logger) *Log {
	return &Log{keys: keys, out: out, visits: map[*Visit]bool{}}
}

// Follow begins to pass on what the program prints to these pipes, each up to its end or
// deadline.
func (l *Log) Follow(pipes ...*os.File) error {
	for _, f := range pipes {
		pipe, err := process.NewDrained(f)
		if err != nil {
			return err
		}
		p := &printed{pipe: pipe}
		p.lines.Mask, p.lines.Objects = l.keys, l.Objects
		p.lines.Emit = func(line []byte) { l.out.Info(string(line), l.eventField()...) }
		p.lines.Flush = func() { _ = l.out.Sync() }
		l.printed = append(l.printed, p)
		l.readers.Go(func() { _ = p.lines.Copy(pipe, make([]byte, LineBytes)) }) // a deadline ends it
	}
	return nil
}

// Wait waits until everything has been passed on.
func (l *Log) Wait() { l.readers.Wait() }

// Descriptors returns the descriptors of the pipes in the order of Follow.
func (l *Log) Descriptors() (all []*rawio.Descriptor) {
	for _, printed := range l.printed {
		all = append(all, printed.pipe.Descriptor())
	}
	return all
}

// Seen reports whether anything was printed to the pipe with this index.
func (l *Log) Seen(pipe int) bool { return l.printed[pipe].lines.Seen() }

// About ties the following lines to an event, the only one in the program, as soon as unread
// is false: what the program prints before it has read any of the event is not about it.
func (l *Log) About(id string, unread *func() bool) {
	l.event.Store(&id)
	l.pending.Store(unread)
}

// begun reports whether the program has begun to read the event. What it printed before that
// is forgotten.
func (l *Log) begun() bool {
	unread := l.pending.Load()
	switch {
	case unread == nil:
		return true
	case (*unread)():
		return false
	}
	if l.pending.CompareAndSwap(unread, nil) {
		for _, printed := range l.printed {
			printed.lines.forgetLines()
		}
	}
	return true
}

// LastID returns the id of the event that the last line was about, or "".
func (l *Log) LastID() string {
	if id := l.event.Load(); id != nil {
		return *id
	}
	return ""
}

// Afterwards is how long after an event lines still count as being about it: servers log a
// request after they have answered it.
const Afterwards = 100 * time.Millisecond

func (l *Log) eventField() []zap.Field {
	id, left := l.LastID(), l.left.Load()
	if id == "" || !l.begun() || left > 0 && time.Since(time.Unix(0, left)) > Afterwards {
		return nil
	}
	return []zap.Field{zap.String("requestId", id)}
}

// tailPatience is how long a program that prints without end may delay an error.
const tailPatience = 20 * time.Millisecond

// Tail returns the last lines that the program printed, or nothing if they may belong to the
// previous event. It waits a little for output that was printed but not read yet.
func (l *Log) Tail() []string {
	if l.blurred.Load() {
		return nil
	}
	l.catchUp(tailPatience)
	if !l.begun() {
		return nil
	}
	for _, printed := range l.printed {
		if tail := printed.lines.Tail(); len(tail) > 0 {
			return tail
		}
	}
	return nil
}

// forgetPatience is how long a program that prints without end may delay its next event.
const forgetPatience = time.Millisecond

// Forget forgets what the program printed so far: output about one event must not reach the
// caller of the next. Output that was printed but not read yet also belongs to the last event, so
// Forget waits a little for it. unread says that there is such output; waited that Forget waited.
func (l *Log) Forget(unread bool) (waited bool) {
	for _, printed := range l.printed {
		unread = unread || printed.pipe.Busy()
	}
	waited = unread
	if unread {
		unread = !l.catchUp(forgetPatience)
	}
	l.blurred.Store(unread)
	for _, printed := range l.printed {
		printed.lines.Forget()
	}
	return waited
}

// catchUp waits until everything that the program has printed so far is read, up to patience. It
// reports whether that happened.
func (l *Log) catchUp(patience time.Duration) bool {
	for end := time.Now().Add(patience); l.unread(); time.Sleep(forgetPatience / 20) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

func (l *Log) unread() bool {
	for _, printed := range l.printed {
		if printed.pipe.Descriptor().Waiting() > 0 || printed.pipe.Busy() {
			return true
		}
	}
	return false
}

// Visit is an event in a program that may have others at the same time.
type Visit struct {
	log     *Log
	id      string
	crowded bool // it was not alone all the time
}

// Enter says that the program is about to get an event. If it has no other, what it
// printed before is forgotten, unless this is its first: what a program says before it
// has seen any event is about none, and may be the reason why it fails.
func (l *Log) Enter(id string) *Visit {
	v := &Visit{log: l, id: id}
	l.mu.Lock()
	first, used := len(l.visits) == 0, l.used
	v.crowded = !first
	for other := range l.visits {
		other.crowded = true
	}
	l.visits[v] = true
	if !first {
		l.attribute()
	}
	l.mu.Unlock()
	if first {
		// Before: what is read here has been printed before this event.
		if used {
			l.Forget(l.unread())
		} else {
			l.catchUp(tailPatience) // once in a life it may take longer
		}
		l.mu.Lock()
		l.attribute()
		l.mu.Unlock()
	}
	return v
}

// Leave says that the program is done with the event.
func (v *Visit) Leave() {
	v.log.mu.Lock()
	defer v.log.mu.Unlock()
	v.log.used = true
	delete(v.log.visits, v)
	v.log.attribute()
}

// Withdraw is Leave for a program that has got nothing of the event, and so can't have
// said anything about it.
func (v *Visit) Withdraw() {
	v.log.mu.Lock()
	defer v.log.mu.Unlock()
	delete(v.log.visits, v)
	v.log.attribute()
}

// attribute ties the following lines to the event in progress if there is only one and they can't
// be about another: a line is read some time after it was printed.
func (l *Log) attribute() {
	if len(l.visits) == 0 { // what comes soon is about the last one
		l.left.Store(time.Now().UnixNano())
		return
	}
	l.left.Store(0)
	l.event.Store(nil)
	for v := range l.visits {
		if !v.crowded {
			l.event.Store(&v.id)
		}
	}
}

// Shared reports whether the program had another event at the same time: its output may be about
// that one.
func (v *Visit) Shared() bool {
	v.log.mu.Lock()
	defer v.log.mu.Unlock()
	return v.crowded
}

// Tail is what the program printed last, if that can only be about this event or about
// none. A nil Visit, of an event that has not come so far, has none.
func (v *Visit) Tail() []string {
	if v == nil || v.Shared() {
		return nil
	}
	return v.log.Tail()
}
