package pipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/apig"
	"fgbootstrap/internal/cgi"

	"go.uber.org/zap"
)

// answer is what a CGI program prints: a head and a body.
type answer struct {
	begun []byte // what it printed first, until its head is complete; after a fault, what is known of it
	head  cgi.Head
	fault error  // what is wrong with it, a sentence about "it"
	page  []byte // the beginning of an answer that is a failure
}

// surplus is how much a program may print that nobody wants, in bytes, before it is stopped.
const surplus = 64 << 10

// errSurplus ends a program that goes on printing what nobody wants.
var errSurplus = errors.New("it goes on printing")

// relayAnswer reads the head and passes the body on. What is wrong with the answer is a.fault, and told
// when the program has ended: it may have failed. The error is that of reading stdout, or of the
// response.
func (r *run) relayAnswer(stdout io.Reader) error {
	a := r.answer
	rest, err := a.readHead(stdout)
	if err != nil {
		return err
	}
	if a.fault != nil {
		return drop(stdout)
	}
	if r.isFailure() {
		a.page = rest
		for err == nil && len(a.page) < quotedPage {
			piece := make([]byte, quotedPage)
			var n int
			n, err = stdout.Read(piece)
			a.page = append(a.page, piece[:n]...)
		}
		return drop(stdout)
	}
	body := &sizedBody{rest: rest, stdout: stdout, left: a.head.Length}
	switch {
	case !r.in.call:
		_, err = r.response.ReadFrom(body)
	case !cgi.HasBody(string(r.in.request.Method), a.head.Status):
		r.response.SetHead(r.gatewayAnswer(true), false)
		body.left = -1
		_, err = io.Copy(io.Discard, body)
	default:
		r.response.SetHead(r.gatewayAnswer(false), !a.head.Typed)
		_, err = r.response.ReadFrom(body)
	}
	switch {
	case errors.Is(err, errLonger):
		a.fault = errLonger
		return drop(stdout)
	case body.left > 0 && (err == nil || errors.Is(err, os.ErrDeadlineExceeded)):
		a.fault = errShorter
	}
	return err
}

// gatewayAnswer is the answer of the head.
func (r *run) gatewayAnswer(noBody bool) apig.Answer {
	answer := r.mode.Requests.bare(noBody)
	answer.Status = r.answer.head.Status
	answer.Fields = r.answer.head.Fields
	return answer
}

// readHead reads the head and returns what has come of the body.
func (a *answer) readHead(stdout io.Reader) (rest []byte, err error) {
	for {
		size, wrong := cgi.FindHead(a.begun)
		switch {
		case wrong != nil:
			a.fault = wrong
			return nil, nil
		case size > 0:
			a.head, a.fault = cgi.ReadHead(a.begun[:size])
			return a.begun[size:], nil
		case err != nil:
			a.fault = errNoHead
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return nil, err
		}
		have := len(a.begun)
		room := min(max(2*have, 4<<10), cgi.HeadBytes)
		grown := append(make([]byte, 0, room), a.begun...)
		var n int
		n, err = stdout.Read(grown[have:room])
		a.begun = grown[:have+n]
	}
}

// drop reads what nobody wants, a little of it.
func drop(stdout io.Reader) error {
	n, err := io.CopyN(io.Discard, stdout, surplus)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil && n == surplus {
		return errSurplus
	}
	return err
}

var (
	errNoHead  = errors.New("it has no blank line, so no head that ends before the body begins")
	errLonger  = errors.New("its body is longer than its Content-Length says")
	errShorter = errors.New("its body is shorter than its Content-Length says")
)

// sizedBody is a body that has to have a size, unless left is negative: rest, and then what comes.
type sizedBody struct {
	rest   []byte
	stdout io.Reader
	left   int64
}

func (b *sizedBody) Read(p []byte) (n int, err error) {
	if len(b.rest) > 0 {
		n = copy(p, b.rest)
		b.rest = b.rest[n:]
	} else {
		n, err = b.stdout.Read(p)
	}
	if b.left < 0 {
		return n, err
	}
	if b.left -= int64(n); b.left < 0 {
		b.left = 0
		return 0, errLonger
	}
	return n, err
}

// answered is the outcome of a CGI program that has ended: if its answer is whole, an exit code is none of
// the client's business.
func (r *run) answered() error {
	status, a := r.program.process.Status(), r.answer
	switch {
	case status.Signaled() || status.Killed() || a.fault != nil && !status.Success():
		return r.failed()
	case a.fault != nil || r.isFailure():
		return r.wrongAnswer()
	case !status.Success():
		e := r.mode.Program.Exit(r.program.file, status, "", r.program.stderr.Tail())
		r.mode.Log.Warn("the program's answer is whole and was delivered, but then it failed: "+e.Message, zap.String("requestId", r.inv.ID))
	}
	return nil
}

// isFailure reports whether an event that is no call was answered with a status of failure.
func (r *run) isFailure() bool { return !r.in.call && r.answer.head.Status >= 300 }

// wrongAnswer is the error of an answer that is none, or a failure.
func (r *run) wrongAnswer() error {
	if r.answer.fault != nil {
		return r.badAnswer()
	}
	return r.refused()
}

const (
	// quotedAnswer and quotedPage are how much is quoted of an answer that is none, or a failure.
	quotedAnswer = 100
	quotedPage   = 400
)

// badAnswer is the error of an answer that is none.
func (r *run) badAnswer() error {
	quote := "It printed nothing"
	if len(r.answer.begun) > 0 {
		quote = "It begins with " + r.quote(r.answer.begun, quotedAnswer)
	}
	return &adapter.Error{
		Type: adapter.TypeProtocol,
		Message: "The program's answer is not what CGI wants: " + r.answer.fault.Error() + ". " + quote +
			". It has to print lines such as Content-Type: text/html, a blank line, and then the body; a program that prints the body alone " +
			"needs BOOTSTRAP_PIPE_INPUT=body.",
		Stack: r.mode.Program.Stack(r.program.stderr.Tail()),
	}
}

// refused is the error of an event that the program has answered with a status of failure.
func (r *run) refused() error {
	text := fmt.Sprintf("The program answered the event with status %d", r.answer.head.Status)
	if len(bytes.TrimSpace(r.answer.page)) > 0 {
		text += ": " + r.quote(r.answer.page, quotedPage)
	}
	return &adapter.Error{
		Type:    fmt.Sprintf("HTTP.%d", r.answer.head.Status),
		Message: text + ". Events that are not calls of the API gateway are POSTed to BOOTSTRAP_HTTP_EVENT_PATH.",
		Stack:   r.mode.Program.Stack(r.program.stderr.Tail()),
	}
}

// quote masks a text before it cuts it: half a secret would not be recognized.
func (r *run) quote(text []byte, most int) string {
	text = r.mode.keys.Bytes(text)
	return fmt.Sprintf("%q", strings.ToValidUTF8(string(text[:min(len(text), most)]), "?"))
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
