package pipe

import (
	"bytes"
	"cmp"
	"fmt"
	"unicode/utf8"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
	"fgbootstrap/internal/output"
	"fgbootstrap/internal/procfs"
)

// overdue is the error of a run that was stopped.
func (r *run) overdue(cause error) error {
	hint := failure.RaiseTimeout
	if port := r.port.Load(); port != 0 {
		hint = fmt.Sprintf("It listens on port %d: a web server needs BOOTSTRAP_MODE=http, and BOOTSTRAP_HTTP_PORT=%d.", port, port)
	} else if !r.program.stderr.Seen() && r.response.Written() == 0 && (r.answer == nil || len(r.answer.begun) == 0) {
		hint = "It had written nothing, neither to stdout nor to stderr: does it wait for something other than " +
			"the end of its stdin? Does it flush its output?"
	}
	return r.mode.Program.TimedOut(cause, r.inv, hint, r.program.stderr.Tail())
}

// listens is the TCP port that the program listens on, or 0.
func (r *run) listens() int {
	for _, l := range procfs.ListenersOf(procfs.Processes().Under(r.program.process.PID)) {
		if l.Path == "" {
			return int(l.Addr.Port())
		}
	}
	return 0
}

// failed is the error of a run that ended without success: the program's own,
// if it wrote one, else how it ended.
func (r *run) failed() error {
	tail := r.program.stderr.Tail()
	e := r.mode.Program.Exit(r.program.file, r.program.process.Status(), "", tail)
	if own := r.ownError(); own != nil {
		return own
	}
	if r.mode.Program.Full && len(tail) == 0 {
		e.Message += r.lastOutput()
	}
	return e
}

// lastBytes is how much of stdout is shown.
const lastBytes = 400

// lastOutput returns the end of stdout, where some programs print their errors and nobody sees
// them.
func (r *run) lastOutput() string {
	text, _ := r.printed()
	// Mask before cutting: half a secret would not be recognized.
	text = r.mode.keys.Bytes(bytes.TrimSpace(text[max(0, len(text)-output.LineBytes):]))
	text = text[max(0, len(text)-lastBytes):]
	for len(text) > 0 && !utf8.RuneStart(text[0]) {
		text = text[1:]
	}
	if len(text) == 0 || !utf8.Valid(text) {
		return ""
	}
	return " It wrote nothing to stderr; the end of its stdout: " + string(text)
}

// printed returns what the program wrote to stdout; whole is false if that is gone.
func (r *run) printed() (text []byte, whole bool) {
	if r.answer != nil && r.answer.fault != nil {
		return r.answer.begun, true
	}
	return r.response.Whole()
}

// ownError is the error that a failed program wrote to stdout instead of a
// response: a JSON object with an errorType or an errorMessage.
func (r *run) ownError() error {
	text, whole := r.printed()
	if !whole {
		return nil
	}
	own := adapter.ProgramError(text)
	if own == nil || own.Type == "" && own.Message == "" {
		return nil
	}
	own.Type = cmp.Or(own.Type, adapter.TypeFunction)
	own.Message = cmp.Or(own.Message, "The program "+r.program.process.Status().String()+".")
	return own
}
