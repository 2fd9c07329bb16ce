package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/process"
	"fgbootstrap/modes/failure"
	"fgbootstrap/modes/worker/codec"

	"golang.org/x/sys/unix"
)

const (
	// quoteBytes is how much of a line is quoted.
	quoteBytes = 200
	// closedPatience is how long a program that has closed its pipe may take to
	// end: then that was the reason.
	closedPatience = 500 * time.Millisecond
)

// quote is the beginning of a line for people to read. It is masked before it is
// cut: half a secret would not be known for one.
func (w *worker) quote(line []byte) string {
	text := w.keys.Bytes(line[:min(len(line), process.LineBytes)])
	more := ""
	if len(text) > quoteBytes {
		cut := quoteBytes
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text, more = text[:cut], "…"
	}
	return "«" + strings.ToValidUTF8(string(text), "\ufffd") + more + "»"
}

// protocolError is for a program that did what its protocol does not know.
func (w *worker) protocolError(did string, line []byte) *adapter.Error {
	return &adapter.Error{
		Type:    adapter.TypeProtocol,
		Message: fmt.Sprintf("The program %s: %s. %s", did, w.quote(line), w.channelAdvice()),
		Stack:   w.Program.Stack(w.tail()),
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
	ctx, cancel := context.WithTimeout(ctx, closedPatience)
	defer cancel()
	if w.overBy(ctx) {
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
		return w.Program.Exit(w.file, w.p.Status(), "", nil) // it has ended
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
	out := &adapter.Error{Type: w.mask(e.Type), Message: w.mask(e.Message)}
	for _, line := range e.Stack {
		out.Stack = append(out.Stack, w.mask(line))
	}
	return out
}

func (w *worker) mask(text string) string { return string(w.keys.Bytes([]byte(text))) }

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
	timer := time.NewTimer(closedPatience)
	defer timer.Stop()
	var told *adapter.Error
	if !errors.As(err, &told) {
		select {
		case <-w.p.Done():
			return
		case <-timer.C:
			told = w.closed()
		}
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
	complains := badDescriptor(strings.Join(w.tail(), "\n"))
	switch {
	case w.Descriptor3 && complains:
		hint = wrapperAdvice
	case complains:
		hint = "Does it answer on descriptor 3? Then set BOOTSTRAP_WORKER_RESPONSE=fd3, or the protocol that it speaks (BOOTSTRAP_WORKER_PROTOCOL)."
	case w.p.Status().Success():
		hint = "A worker has to stay: it gets one event after the other on its stdin, until that ends. For a program that runs " +
			"once for each event, set BOOTSTRAP_MODE=pipe."
	}
	return w.Program.Exit(w.file, w.p.Status(), hint, w.tail())
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
	w.workers.Retire(t.seat, why)
	if ctx.Err() != nil {
		return why
	}
	return errUnsent
}

// unserved is for an event that no worker could take.
func (m *Mode) unserved(ctx context.Context, inv *adapter.Invocation, err error) error {
	var lost *process.LostCause
	if errors.As(err, &lost) {
		return again(lost)
	}
	starting, reason := m.workers.Waiting()
	switch {
	case errors.Is(context.Cause(ctx), adapter.ErrShutdown):
		return m.Program.Overdue(context.Cause(ctx), inv, "", nil)
	case starting != nil:
		return starting.notReady(inv)
	case reason != nil:
		return reason
	default:
		return &adapter.Error{
			Type: adapter.TypeTimeout,
			Message: fmt.Sprintf("No worker was free for the event within %s: %d of them were busy with other events. "+
				"Raise BOOTSTRAP_WORKER_COUNT, or lower BOOTSTRAP_CONCURRENCY.", waited(inv), m.Count),
		}
	}
}

// again is for a program that fails again and again: the last failure, and that it
// was not the first.
func again(lost *process.LostCause) error {
	var told *adapter.Error
	if !errors.As(lost.Reason, &told) {
		return lost
	}
	e := *told
	e.Message += fmt.Sprintf(" (It has failed %d times in a row and is started again every two seconds or so.)", lost.Failures)
	return &e
}

func waited(inv *adapter.Invocation) time.Duration {
	return inv.Deadline.Sub(inv.Received).Round(time.Millisecond)
}

// notReady is for an event that has waited to its deadline for the start of the
// program, which goes on.
func (w *worker) notReady(inv *adapter.Invocation) error {
	e := &adapter.Error{
		Type: adapter.TypeInit,
		Message: fmt.Sprintf("The program was not ready for the event within %s: %s. It has been running for %s and %s. "+
			"It is left to start; the next event is tried again.",
			waited(inv), w.Codec.Awaited(), time.Since(w.started).Round(time.Millisecond), w.p.State()),
		Stack: w.Program.Stack(w.tail()),
	}
	if noise := w.heard(); noise != "" {
		e.Message += " " + noise
	}
	if line := process.Telling(e.Stack); line != "" {
		e.Message += " Its last words on stderr: " + line
	} else if len(w.tail()) == 0 {
		e.Message += " It has written nothing to stderr."
	}
	return e
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
		if command := w.p.Bypassed(); command != "" {
			return fmt.Sprintf("It runs another program that does not have descriptor 3, on which answers are expected: %s. %s",
				w.quote([]byte(command)), wrapperAdvice)
		}
		if w.printed[1].Seen() {
			return "It has written to stdout, which is log here: answers go to descriptor 3."
		}
	}
	if strings.Contains(w.p.State(), "stdin") {
		return "It has read the event and waits for more: does it wait for the end of its stdin? A worker answers line by line, and flushes each answer."
	}
	return "It has read the event and written no answer: does it end each answer with a line end, and flush it? " + failure.RaiseTimeout
}
