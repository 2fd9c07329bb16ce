package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/supervise"
	"fgbootstrap/modes/worker/codec"

	"golang.org/x/sys/unix"
)

// closedPatience is how long a program that has closed its pipe may take to end: then
// that was the reason.
const closedPatience = 500 * time.Millisecond

// protocolError is for a program that did what its protocol does not know.
func (w *worker) protocolError(did string, line []byte) *adapter.Error {
	return &adapter.Error{
		Type:    adapter.TypeProtocol,
		Message: fmt.Sprintf("The program %s: %s. %s", did, w.keys.Quote(line), w.channelAdvice()),
		Stack:   w.Program.Stack(w.printed.Tail()),
	}
}

// malformed is for a line that breaks the protocol.
func (w *worker) malformed(err error, line []byte) error {
	var why *codec.Malformed
	if !errors.As(err, &why) {
		return err
	}
	return w.protocolError("wrote a line that "+why.Why, line)
}

func (w *worker) channelAdvice() string {
	if w.Descriptor3 {
		return fmt.Sprintf("On descriptor 3 the %s protocol wants an answer to each event, on one line, and nothing else.", w.Protocol.Name)
	}
	return fmt.Sprintf("On stdout the %s protocol wants answers, each on one line, and nothing else: print what is not an answer to stderr, "+
		"or set BOOTSTRAP_WORKER_RESPONSE=fd3 and answer on descriptor 3.", w.Protocol.Name)
}

// unreadable is why there is no answer to be read: err if that says it, else the
// end of the worker.
func (w *worker) unreadable(ctx context.Context, err error) error {
	var told *adapter.Error
	if errors.As(err, &told) {
		return told
	}
	if w.p.EndsSoon(ctx, closedPatience) && w.overBy(ctx) {
		return w.itsEnd()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault != nil { // we are about to stop it
		return w.fault
	}
	return w.closed()
}

// forOthers is err without what may be about the event in which it happened: it is
// told to others as long as the program fails.
func (w *worker) forOthers(err error) error {
	var told *adapter.Error
	if !errors.As(err, &told) {
		return err
	}
	if told.Type == adapter.TypeExit {
		return failure.Wordless(told)
	}
	return brokeProtocol()
}

func brokeProtocol() error {
	return &adapter.Error{
		Type:    adapter.TypeProtocol,
		Message: "The program broke its protocol and was stopped. It had another event, too, so only the log says how.",
	}
}

// masked is an error of the program's own without credentials, of other events too.
func (w *worker) masked(e *adapter.Error) *adapter.Error {
	out := &adapter.Error{Type: w.keys.String(e.Type), Message: w.keys.String(e.Message)}
	for _, line := range e.Stack {
		out.Stack = append(out.Stack, w.keys.String(line))
	}
	return out
}

// closed is for a program that goes on but can't be talked to any more.
func (w *worker) closed() *adapter.Error {
	e := &adapter.Error{
		Type:    adapter.TypeProtocol,
		Message: "The program has closed its stdin or stdout, by which it gets events and answers them, but is still running.",
	}
	if w.Descriptor3 {
		e.Message = "The program has closed its stdin or descriptor 3, by which it gets events and answers them, but is still running. " + wrapperAdvice
	}
	return e
}

const wrapperAdvice = "A wrapper such as npm start does not hand descriptor 3 on: name the program itself in BOOTSTRAP_COMMAND, for example node launcher.js."

// lost sees to it that a worker whose response channel can't be read any more
// ends; err is why.
func (w *worker) lost(err error) {
	var told *adapter.Error
	if !errors.As(err, &told) {
		if w.p.EndsSoon(context.Background(), closedPatience) {
			return
		}
		told = w.closed()
	}
	w.condemn(told)
}

// condemn stops a worker for what it did. It does not wait for w.ended, which may
// wait for its caller.
func (w *worker) condemn(why error) {
	w.fail(why)
	w.Log.Error("the program is stopped: " + why.Error())
	w.p.Stop(process.Step{Signal: unix.SIGTERM, Wait: w.Grace / 2}, process.Step{Signal: unix.SIGKILL, Wait: killPatience})
}

// endless is for a line that goes on after twice of what a line may have.
func (w *worker) endless() *adapter.Error {
	return w.protocolError("wrote a line without an end, which goes on like this", w.lines.memory[:beginning])
}

// exit is how the worker ended of itself.
func (w *worker) exit() error {
	hint := ""
	complains := badDescriptor(strings.Join(w.printed.Tail(), "\n"))
	switch {
	case w.Descriptor3 && complains:
		hint = wrapperAdvice
	case complains:
		hint = "Does it answer on descriptor 3? Then set BOOTSTRAP_WORKER_RESPONSE=fd3, or the protocol that it speaks (BOOTSTRAP_WORKER_PROTOCOL)."
	case w.p.Status().Success():
		hint = "A worker has to stay: it gets one event after the other on its stdin, until that ends. For a program that runs " +
			"once for each event, set BOOTSTRAP_MODE=pipe."
	}
	return w.Program.Exit(w.file, w.p.Status(), hint, w.printed.Tail())
}

// badDescriptor tells whether a program has complained of a descriptor. Node has
// one of its own in the place of one that it was not given, and says EINVAL.
func badDescriptor(text string) bool {
	return strings.Contains(text, "EBADF") || strings.Contains(text, "EINVAL: invalid argument, write") ||
		strings.Contains(strings.ToLower(text), "bad file descriptor")
}

// unsent takes a worker out of service that did not take a byte of an event, which
// goes to another one.
func (w *worker) unsent(ctx context.Context, t task) error {
	why := w.unreadable(ctx, nil)
	w.workers.Retire(t.lease, why)
	if ctx.Err() != nil {
		return why
	}
	return errUnsent
}

// unserved is for an event that no worker could take.
func (m *Mode) unserved(ctx context.Context, inv *adapter.Invocation, err error) error {
	var lost *supervise.LostCause
	if errors.As(err, &lost) {
		return failure.Again(lost)
	}
	starting, reason := m.workers.Waiting()
	var told *adapter.Error
	switch {
	case errors.Is(context.Cause(ctx), adapter.ErrShutdown):
		return m.Program.Overdue(context.Cause(ctx), inv, "", nil)
	case starting != nil && errors.As(reason, &told):
		return failure.StartedAgain(told, inv, starting.Codec.Awaited())
	case starting != nil:
		return starting.notReady(inv)
	case reason != nil:
		return reason
	default:
		return &adapter.Error{
			Type: adapter.TypeTimeout,
			Message: fmt.Sprintf("No worker was free for the event within %s: %d of them were busy with other events. "+
				"Raise BOOTSTRAP_WORKER_COUNT, or lower BOOTSTRAP_CONCURRENCY.", failure.Waited(inv), m.Count),
		}
	}
}

// notReady is for an event that has waited to its deadline for the start of the
// program, which goes on.
func (w *worker) notReady(inv *adapter.Invocation) *adapter.Error {
	return w.Program.NotReady(inv, w.Codec.Awaited(), w.heard(), w.p, w.started, w.printed.Tail())
}

// heard is about a line that was no message and may have been meant as an answer, or
// "".
func (w *worker) heard() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.noise == "" {
		return ""
	}
	return fmt.Sprintf("It has written a line that is no message of the %s protocol (BOOTSTRAP_WORKER_PROTOCOL): %s.", w.Protocol.Name, w.noise)
}

// hear remembers such a line, quoted; "" forgets it.
func (w *worker) hear(noise string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.noise = noise
}

// hint is what may help a program that has not answered in time.
func (w *worker) hint() string {
	if noise := w.heard(); noise != "" {
		return noise
	}
	if w.in.unread() > 0 {
		return "It has not read the event from its stdin: does it read line after line, up to the end of its stdin?"
	}
	if w.Descriptor3 && !w.proven.Load() {
		if command := procfs.Bypassed(w.p.PID); command != "" {
			return fmt.Sprintf("It runs another program that does not have descriptor 3, on which answers are expected: %s. %s",
				w.keys.Quote([]byte(command)), wrapperAdvice)
		}
		if w.printed.Seen(1) {
			return "It has written to stdout, which is log here: answers go to descriptor 3."
		}
	}
	if strings.Contains(procfs.State(w.p.PID), "stdin") {
		return "It has read the event and waits for more: does it wait for the end of its stdin? A worker answers line by line, and flushes each answer."
	}
	return "It has read the event and written no answer: does it end each answer with a line end, and flush it? " + failure.RaiseTimeout
}
