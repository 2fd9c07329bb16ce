package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/procfs"
)

// closedPatience is how long a program that has closed its pipe may take to end: then
// that was the reason.
const closedPatience = 500 * time.Millisecond

// story is what a worker tells of itself, by what it wrote and how it ended: the errors of
// its events.
type story struct {
	worker *worker
	silent bool // it was, in its first event, and the log has said so

	mu    sync.Mutex
	noise string // the last line that was no message, quoted
	what  string // it is
}

// protocolError is for a program that did, about an event that is alone in it or none, what its
// protocol does not know.
func (s *story) protocolError(did string, line []byte) *adapter.Error {
	return s.misbehaved(did, line, s.worker.life.Printed.Tail())
}

func (s *story) misbehaved(did string, line []byte, tail []string) *adapter.Error {
	return &adapter.Error{
		Type:    adapter.TypeProtocol,
		Message: fmt.Sprintf("The program %s: %s. %s", did, s.worker.mode.keys.Quote(line), s.channelAdvice()),
		Stack:   s.worker.mode.Resident.Program.Stack(tail),
	}
}

// unquoted is the same for a line that may be about another event: only the log quotes it.
func (s *story) unquoted(did string, line []byte) *adapter.Error {
	s.worker.mode.Resident.Log.Warn("the program " + did + ": " + s.worker.mode.keys.Quote(line))
	return &adapter.Error{
		Type:    adapter.TypeProtocol,
		Message: "The program " + did + ". What is in it may be about another event: see the log. " + s.channelAdvice(),
	}
}

func (s *story) channelAdvice() string {
	if s.worker.mode.Descriptor3 {
		return fmt.Sprintf("On descriptor 3 the %s protocol wants an answer to each event, on one line, and nothing else.", s.worker.mode.Protocol.Name)
	}
	return fmt.Sprintf("On stdout the %s protocol wants answers, each on one line, and nothing else: print what is not an answer to stderr, "+
		"or set BOOTSTRAP_WORKER_RESPONSE=fd3 and answer on descriptor 3.", s.worker.mode.Protocol.Name)
}

// unreadable is why there is no answer to be read: err if that says it, else the
// end of the worker.
func (w *worker) unreadable(ctx context.Context, err error) error {
	var told *adapter.Error
	if errors.As(err, &told) {
		return told
	}
	if w.hasEnded(ctx) {
		return w.life.End()
	}
	if fault := w.life.Fault(); fault != nil { // we are about to stop it
		return fault
	}
	return w.story.closed()
}

// hasEnded waits for the end of a worker that has closed a pipe, and of all that it started.
func (w *worker) hasEnded(ctx context.Context) bool {
	if !w.life.Process.EndsSoon(ctx, closedPatience) {
		return false
	}
	select {
	case <-w.life.Over:
		return true
	case <-ctx.Done():
		return false
	}
}

// lost sees to it that a worker whose response channel can't be read any more
// ends; err is why.
func (w *worker) lost(err error) {
	var told *adapter.Error
	if !errors.As(err, &told) {
		if w.life.Process.EndsSoon(context.Background(), closedPatience) {
			return
		}
		told = w.story.closed()
	}
	w.condemn(told)
}

// forOthers is err without what may be about the event in which it happened: it is
// told to others as long as the program fails.
func forOthers(err error) error {
	var told *adapter.Error
	if !errors.As(err, &told) {
		return err
	}
	if told.Type == adapter.TypeExit {
		return failure.WithoutOutput(told)
	}
	return brokeProtocol()
}

func brokeProtocol() error {
	return &adapter.Error{
		Type:    adapter.TypeProtocol,
		Message: "The program broke its protocol and was stopped. It had another event, too, so only the log says how.",
	}
}

// closed is for a program that goes on but can't be talked to any more.
func (s *story) closed() *adapter.Error {
	e := &adapter.Error{
		Type:    adapter.TypeProtocol,
		Message: "The program has closed its stdin or stdout, by which it gets events and answers them, but is still running.",
	}
	if s.worker.mode.Descriptor3 {
		e.Message = "The program has closed its stdin or descriptor 3, by which it gets events and answers them, but is still running. " + wrapperAdvice
	}
	return e
}

const wrapperAdvice = "A wrapper such as npm start does not hand descriptor 3 on: name the program itself in BOOTSTRAP_COMMAND, for example node launcher.js."

// exit is how the worker ended of itself.
func (s *story) exit() *adapter.Error {
	hint := ""
	status := s.worker.life.Process.Status()
	complains := badDescriptor(strings.Join(s.worker.life.Printed.Tail(), "\n"))
	switch {
	case s.worker.mode.Descriptor3 && complains:
		hint = wrapperAdvice
	case complains:
		hint = "Does it answer on descriptor 3? Then set BOOTSTRAP_WORKER_RESPONSE=fd3, or the protocol that it speaks (BOOTSTRAP_WORKER_PROTOCOL)."
	case status.Success():
		hint = "A worker has to stay: it gets one event after the other on its stdin, until that ends. For a program that runs " +
			"once for each event, set BOOTSTRAP_MODE=pipe."
	}
	life := s.worker.life
	return s.worker.mode.Resident.Program.Exit(life.File, status, hint, life.Printed.Tail())
}

// badDescriptor tells whether a program has complained of a descriptor. Node has
// one of its own in the place of one that it was not given, and says EINVAL.
func badDescriptor(text string) bool {
	return strings.Contains(text, "EBADF") || strings.Contains(text, "EINVAL: invalid argument, write") ||
		strings.Contains(strings.ToLower(text), "bad file descriptor")
}

// heard is about a line that was no message and may have been meant as an answer, or
// "". It quotes the line if that is the business of whoever is told.
func (s *story) heard(quote bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.noise == "" {
		return ""
	}
	where := "see the log"
	if quote {
		where = s.noise
	}
	return fmt.Sprintf("It has written %s (BOOTSTRAP_WORKER_PROTOCOL=%s): %s.", s.what, s.worker.mode.Protocol.Name, where)
}

// notReady is what may help a program that has not acknowledged its start.
func (s *story) notReady() string {
	if noise := s.heard(true); noise != "" {
		return noise
	}
	_, asked := s.worker.mode.Codec.Greeting()
	if asked && s.worker.channel.in.unread() == 0 && strings.Contains(procfs.State(s.worker.life.Process.PID), "stdin") {
		return "It has read what it was sent and waits for more: " + flushAdvice + "."
	}
	return ""
}

// hear remembers such a line, quoted, and what it is; "" forgets it.
func (s *story) hear(noise, what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noise, s.what = noise, what
}

// hint is what may help a program that has not answered in time; waits says that it is seen to wait
// for another event.
func (s *story) hint(waits bool) string {
	if noise := s.heard(true); noise != "" {
		return noise
	}
	if s.worker.channel.in.unread() > 0 {
		return "It has not read the event from its stdin: does it read line after line, up to the end of its stdin?"
	}
	if s.worker.mode.Descriptor3 && !s.worker.proven.Load() {
		if command := procfs.Bypassed(s.worker.life.Process.PID); command != "" {
			return fmt.Sprintf("It runs another program that does not have descriptor 3, on which answers are expected: %s. %s",
				s.worker.mode.keys.Quote([]byte(command)), wrapperAdvice)
		}
		if s.worker.life.Printed.Seen(1) {
			return "It has written to stdout, which is log here: answers go to descriptor 3."
		}
	}
	if s.worker.mode.Protocol.Multiplexed { // it may well wait for more, and work on this one
		return "It has read the event and not answered it: does it write its answer on one line, without Content-Length headers, with the id of the request, and flush it? " + failure.RaiseTimeout
	}
	if waits {
		return "It has read the event and waits for the next one: " + flushAdvice + ". Or does it wait for the end of its stdin? That does not come: a worker answers line by line."
	}
	return "It has read the event and written no answer: does it end each answer with a line end, and flush it? " + failure.RaiseTimeout
}
