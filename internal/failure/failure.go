// Package failure tells the caller of a function what became of the user's program, in the same
// words in every mode. It only looks at what it is given; internal/process finds out.
package failure

import (
	"cmp"
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
	// Full puts the last lines that the program printed into errors.
	Full bool
}

// Exit returns the error of a program, started from file, that ended with status. hint is a
// sentence about it or ""; tail holds the last lines that it printed to stderr.
func (p *Program) Exit(file string, status process.Status, hint string, tail []string) *adapter.Error {
	out := &adapter.Error{
		Type:    adapter.TypeExit,
		Message: "The program " + status.String() + p.memory(status) + "." + p.finding(file, status, tail),
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

// WithoutOutput returns an error of Exit without what the program printed, which may be about
// another caller's event.
func WithoutOutput(e *adapter.Error) *adapter.Error {
	message, _, spoke := strings.Cut(e.Message, lastWords)
	if spoke {
		message += " Its last output may be about another event: see the log."
	}
	return &adapter.Error{Type: e.Type, Message: message}
}

// memory says whether a failure was caused by lack of memory: the kernel may have killed the
// program or one of its children. It is called for every failure, so that the next one does not
// get the blame.
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

// finding says why a program that was started has failed at once, and what helps: a file that a
// shell or env could not start, a library that is missing, an argument that names no file.
func (p *Program) finding(file string, status process.Status, tail []string) string {
	if status.Success() || !status.Exited() {
		return ""
	}
	code := status.ExitStatus()
	if code == 126 || code == 127 {
		if finding := p.Command.Check(file); finding != "" {
			return " " + finding
		}
	}
	if cure := p.loading(tail); cure != "" {
		return " " + cure
	}
	return cmp.Or(p.Command.Slip(), shells[code])
}

// shells are the exit codes by which a shell or env says that it could not start a program.
var shells = map[int]string{
	126: " A program that it calls is not executable: run chmod +x before you make the ZIP, or call it by its interpreter.",
	127: " A program that it calls is not there: put it into the ZIP, and call it by its path, such as ./tool.",
}

// loaders is how dynamic loaders complain, and the cure; %s is the code folder. It quotes nothing
// of what was printed.
var loaders = []struct{ text, cure string }{
	{"error while loading shared libraries", missingLibrary}, {"cannot open shared object file", missingLibrary},
	{"Error loading shared library", missingLibrary}, // musl's
	{"version `GLIBC", olderSystem},
}

const (
	missingLibrary = "A shared library that it needs is not here: put it into the ZIP and set LD_LIBRARY_PATH=%s, or link the program statically."
	olderSystem    = "It was built on a newer Linux than this one: build it on an older distribution, or link it statically (Go: CGO_ENABLED=0; C: -static)."
)

// loading is the cure if the dynamic loader has complained.
func (p *Program) loading(tail []string) string {
	for _, line := range tail {
		for _, row := range loaders {
			if strings.Contains(line, row.text) {
				return strings.ReplaceAll(row.cure, "%s", p.Command.CodeRoot)
			}
		}
	}
	return ""
}

// Stack returns the stackTrace of an error: tail, the last lines of stderr, if p.Full.
func (p *Program) Stack(tail []string) []string {
	if !p.Full {
		return nil
	}
	return tail
}

// TimedOut returns the error of an invocation whose context has ended with cause. hint completes
// the message of a timeout.
func (p *Program) TimedOut(cause error, inv *adapter.Invocation, hint string, tail []string) *adapter.Error {
	if errors.Is(cause, adapter.ErrShutdown) {
		return &adapter.Error{
			Type: adapter.TypeShutdown,
			Message: fmt.Sprintf("The platform stopped the instance while the program was running, %s after the event came.",
				time.Since(inv.Received).Round(time.Millisecond)),
			Stack: p.Stack(tail),
		}
	}
	return p.late("was still running %s after the event came and was stopped", inv, hint, tail)
}

// Unanswered is TimedOut for a program that goes on, since it has other events or gives this
// one up.
func (p *Program) Unanswered(cause error, inv *adapter.Invocation, hint string, tail []string) *adapter.Error {
	if errors.Is(cause, adapter.ErrShutdown) {
		return p.TimedOut(cause, inv, hint, tail)
	}
	return p.late("had not answered the event %s after it came, so the event was canceled", inv, hint, tail)
}

func (p *Program) late(did string, inv *adapter.Invocation, hint string, tail []string) *adapter.Error {
	return &adapter.Error{
		Type:    adapter.TypeTimeout,
		Message: fmt.Sprintf("The program "+did+"; the function's timeout is %s. %s", Waited(inv), p.Timeout, hint),
		Stack:   p.Stack(tail),
	}
}

// RaiseTimeout is the hint for a program that is still working.
const RaiseTimeout = "If it needs longer, raise the timeout in the function's settings."
