package pipe

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/process"
)

// startError is what the caller of a function gets whose program can't start.
func startError(err error) error {
	var start *process.StartError
	if !errors.As(err, &start) {
		return err
	}
	e := &adapter.Error{Type: adapter.TypeInit, Message: start.Message, Cause: start.Cause}
	if start.Missing {
		e.Type = adapter.TypeConfig
	}
	return e
}

// stack is the stackTrace of an error of this run.
func (r *run) stack() []string {
	if !r.FullErrors {
		return nil
	}
	return r.stderr.Tail()
}

// overdue is the error of a run that was stopped.
func (r *run) overdue(cause error) error {
	after := time.Since(r.inv.Received).Round(time.Millisecond)
	if errors.Is(cause, adapter.ErrShutdown) {
		return &adapter.Error{
			Type:    adapter.TypeShutdown,
			Message: fmt.Sprintf("The platform stopped the instance while the program was running, %s after the event came.", after),
			Stack:   r.stack(),
		}
	}
	message := fmt.Sprintf("The program was still running %s after the event came and was stopped; the function's timeout is %s.",
		r.inv.Deadline.Sub(r.inv.Received).Round(time.Millisecond), r.Timeout)
	if !r.stderr.Seen() && !wrote(r.response) {
		message += " It had written nothing, neither to stdout nor to stderr: does it wait for something else than " +
			"the end of its stdin? Does it flush its output?"
	} else {
		message += " If it needs longer, raise the timeout in the function's settings."
	}
	return &adapter.Error{Type: adapter.TypeTimeout, Message: message, Stack: r.stack()}
}

// held is what a response that was not committed can show.
type held interface{ Whole() (body []byte, ok bool) }

func wrote(w io.Writer) bool {
	h, ok := w.(held)
	if !ok {
		return false
	}
	body, whole := h.Whole()
	return !whole || len(body) > 0
}

// failed is the error of a run that ended without success: the program's own,
// if it wrote one, else how it ended.
func (r *run) failed() error {
	status := r.p.Status()
	memory := r.memory(status)
	if own := r.ownError(); own != nil {
		return own
	}
	message := "The program " + status.String() + memory + "."
	if code := status.ExitStatus(); code == 126 || code == 127 {
		// What shells and env answer when they can't start something.
		if finding := r.Command.Check(r.file); finding != "" {
			message += " " + finding
		}
	}
	if r.FullErrors {
		message += r.lastWords()
	}
	return &adapter.Error{Type: adapter.TypeExit, Message: message, Stack: r.stack()}
}

// lastWords is what a failed program said last: on stderr, or else on stdout,
// where some print their errors and nobody sees them.
func (r *run) lastWords() string {
	if line := telling(r.stderr.Tail()); line != "" {
		return " Its last words on stderr: " + line
	}
	h, ok := r.response.(held)
	if !ok {
		return ""
	}
	text, _ := h.Whole()
	// Masked before it is cut: half a secret would not be known for one.
	text = r.stderr.Mask.Bytes(bytes.TrimSpace(text[max(0, len(text)-process.LineBytes):]))
	text = text[max(0, len(text)-lastBytes):]
	for len(text) > 0 && !utf8.RuneStart(text[0]) {
		text = text[1:]
	}
	if len(text) == 0 || !utf8.Valid(text) {
		return ""
	}
	return " It wrote nothing to stderr; the end of its stdout: " + string(text)
}

// lastBytes is how much of stdout is shown.
const lastBytes = 400

// telling is the last line that names an error, or else the last one: the very
// last line of Node's is its version, of Python's the error.
func telling(lines []string) string {
	for _, line := range slices.Backward(lines) {
		named := strings.Contains(line, "rror") || strings.Contains(line, "xception") || strings.HasPrefix(line, "panic:")
		if named && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") {
			return line
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

// memory says whether a failure was for want of memory: the kernel may have
// killed the program or one of its children. It looks at every failure, so that
// the next one does not get the blame.
func (r *run) memory(status process.Status) string {
	switch rose, known := r.OOM.Rose(); {
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

// ownError is the error that a failed program wrote to stdout instead of a
// response: a JSON object with an errorType or an errorMessage.
func (r *run) ownError() error {
	h, ok := r.response.(held)
	if !ok {
		return nil
	}
	text, whole := h.Whole()
	if !whole {
		return nil
	}
	var own map[string]json.RawMessage
	if json.Unmarshal(text, &own) != nil || !given(own["errorType"]) && !given(own["errorMessage"]) {
		return nil
	}
	kind, message := ownText(own["errorType"]), ownText(own["errorMessage"])
	e := &adapter.Error{Type: cmp.Or(kind, adapter.TypeFunction), Message: message, Stack: ownStack(own["stackTrace"])}
	if message == "" {
		e.Message = "The program " + r.p.Status().String() + "."
	}
	return e
}

func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// ownText is a string's content, or the JSON of anything else: a number for a
// type is no reason to lose the error. null is nothing.
func ownText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return string(raw)
	}
	return text
}

// ownStack is an array's elements, or the lines of one text.
func ownStack(raw json.RawMessage) []string {
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		if text := ownText(raw); text != "" {
			return strings.Split(strings.TrimRight(text, "\n"), "\n")
		}
		return nil
	}
	var stack []string
	for _, element := range elements {
		stack = append(stack, ownText(element))
	}
	return stack
}
