// Package failure says to the caller of a function what became of the user's
// program: every mode in the same words. It looks at nothing but what it is
// given; finding out is internal/process.
package failure

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/doctor"
	"fgbootstrap/internal/output"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/procfs"
)

// Program is the user's program, and what its errors have in common.
type Program struct {
	Command doctor.Command
	OOM     *procfs.OOM
	// Timeout is the function's.
	Timeout time.Duration
	// Full puts what the program printed last into errors.
	Full bool
}

// Exit is the error of a program, started from file, that ended with status; hint
// is a sentence about it, or "", tail the last it printed to stderr.
func (p *Program) Exit(file string, status process.Status, hint string, tail []string) *adapter.Error {
	out := &adapter.Error{
		Type:    adapter.TypeExit,
		Message: "The program " + status.String() + p.memory(status) + "." + p.finding(file, status),
		Stack:   p.Stack(tail),
	}
	if hint != "" {
		out.Message += " " + hint
	}
	if line := output.BestErrorLine(out.Stack); line != "" {
		out.Message += lastWords + line
	}
	return out
}

// WithoutOutput is the error of Exit without what the program printed, which may be about the
// event of somebody else.
func WithoutOutput(e *adapter.Error) *adapter.Error {
	message, _, spoke := strings.Cut(e.Message, lastWords)
	if spoke {
		message += " What it said last may be about another event: it is in the log."
	}
	return &adapter.Error{Type: e.Type, Message: message}
}

// memory says whether a failure was for want of memory: the kernel may have
// killed the program or one of its children. It looks at every failure, so that
// the next one does not get the blame.
func (p *Program) memory(status process.Status) string {
	switch rose, known := p.OOM.Rose(); {
	case rose && status.Killed():
		return ": out of memory; raise the function's memory"
	case rose:
		return ", and one of its processes was killed: out of memory; raise the function's memory"
	case known || !status.Killed():
		return ""
	default:
		return ", often out of memory"
	}
}

// finding is what is wrong with a file that a shell or env could not start.
func (p *Program) finding(file string, status process.Status) string {
	if code := status.ExitStatus(); code != 126 && code != 127 {
		return ""
	}
	if finding := p.Command.Check(file); finding != "" {
		return " " + finding
	}
	return ""
}

// Stack is the stackTrace of an error: the last lines of stderr, if they are to
// be shown.
func (p *Program) Stack(tail []string) []string {
	if !p.Full {
		return nil
	}
	return tail
}

// TimedOut is the error of an invocation whose context has ended for cause. hint
// completes the message of a timeout.
func (p *Program) TimedOut(cause error, inv *adapter.Invocation, hint string, tail []string) *adapter.Error {
	if errors.Is(cause, adapter.ErrShutdown) {
		return &adapter.Error{
			Type: adapter.TypeShutdown,
			Message: fmt.Sprintf("The platform stopped the instance while the program was running, %s after the event came.",
				time.Since(inv.Received).Round(time.Millisecond)),
			Stack: p.Stack(tail),
		}
	}
	return &adapter.Error{
		Type: adapter.TypeTimeout,
		Message: fmt.Sprintf("The program was still running %s after the event came and was stopped; the function's timeout is %s. %s",
			Waited(inv), p.Timeout, hint),
		Stack: p.Stack(tail),
	}
}

// RaiseTimeout is the hint for a program that is at work.
const RaiseTimeout = "If it needs longer, raise the timeout in the function's settings."
