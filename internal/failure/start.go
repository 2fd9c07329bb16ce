package failure

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/doctor"
	"fgbootstrap/internal/limits"
	"fgbootstrap/internal/output"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/supervise"
)

// Start is the error of a program that can't be started. err is returned as it is if it is no
// *doctor.StartError, and no limit of the system that was met.
func Start(err error) error {
	var start *doctor.StartError
	if !errors.As(err, &start) {
		if met := limits.Met(err); met != "" {
			return &adapter.Error{Type: adapter.TypeInit, Message: "The program can't be started. " + met, Cause: err}
		}
		return err
	}
	e := &adapter.Error{Type: adapter.TypeInit, Message: start.Message, Cause: start.Cause}
	if start.Missing {
		e.Type = adapter.TypeConfig
	}
	return e
}

// Again returns the error of a program that fails again and again: the last failure and how many
// there were.
func Again(lost *supervise.LostCause) error {
	var told *adapter.Error
	if !errors.As(lost.Reason, &told) {
		return lost
	}
	e := *told
	e.Message += fmt.Sprintf(" (It has failed %d times in a row and is restarted about every two seconds.)", lost.Failures)
	return &e
}

// NotReady returns the error of an event that has waited until its deadline for the program,
// which has been starting since started. missing says what has not come; hint says what may help,
// or is "".
func (p *Program) NotReady(inv *adapter.Invocation, missing, hint string, running *process.Process, started time.Time, tail []string) *adapter.Error {
	e := &adapter.Error{
		Type: adapter.TypeInit,
		Message: fmt.Sprintf("The program was not ready for the event within %s: %s. It has been running for %s and %s. "+
			"It keeps starting; the next event will wait for it.",
			Waited(inv), missing, time.Since(started).Round(time.Millisecond), procfs.State(running.PID)),
		Stack: p.Stack(tail),
	}
	if hint != "" {
		e.Message += " " + hint
	}
	if line := output.BestErrorLine(e.Stack); line != "" {
		e.Message += lastWords + line
	} else if len(tail) == 0 {
		e.Message += " It has printed nothing."
	}
	return e
}

// StartedAgain returns the error of such an event if the previous start failed with told. That
// failure says more than how far this start has come, and the error type must not depend on
// timing.
func StartedAgain(told *adapter.Error, inv *adapter.Invocation, missing string) *adapter.Error {
	return &adapter.Error{
		Type: told.Type,
		Message: fmt.Sprintf("%s. The restarted program was not ready either within the %s that the event could wait: %s. It keeps starting; the next event will wait for it.",
			strings.TrimSuffix(told.Message, "."), Waited(inv), missing),
		Stack: told.Stack,
	}
}

const lastWords = " Its last words: "

// Waited returns how long an event waits until its deadline.
func Waited(inv *adapter.Invocation) time.Duration {
	return inv.Deadline.Sub(inv.Received).Round(time.Millisecond)
}
