package pipe

import (
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/apig"
	"fgbootstrap/internal/cgi"

	"go.uber.org/zap"
)

// Requests says how a program gets a call of the API gateway as the request that it was: the body on
// stdin, all else in variables.
type Requests struct {
	// CGI says that the program prints a head before its body, and that other events are POSTed to
	// EventPath.
	CGI       bool
	EventPath string
	// Path and StripPrefix are apig.Reading's; the prefix is SCRIPT_NAME.
	Path, StripPrefix string
	// Wraps says that results always become envelopes; Type is their Content-Type, "" for none.
	Wraps bool
	Type  string
}

// bare is the answer that a result without a head becomes.
func (r *Requests) bare(noBody bool) apig.Answer {
	answer := apig.OK(r.Type)
	answer.NoBody = noBody
	return answer
}

// told are the warnings that are given once.
type told struct{ leftOut, variable sync.Once }

// input is what a program gets of an event on its stdin, and the variables of a request.
type input struct {
	size      int
	plain     []byte // all of it; nil if it has to be decoded
	mode      *Requests
	request   *apig.Request // nil for an event as it came
	call      bool          // of the gateway
	variables []string
}

// decodes reports whether it is decoded while it is written.
func (in *input) decodes() bool { return in.plain == nil && in.size > 0 }

// headOnly reports whether the answer must do without its body, and bootstrap makes the answer.
func (in *input) headOnly() bool {
	return in.call && in.mode.Wraps && string(in.request.Method) == "HEAD"
}

// write writes all but the first begun bytes and returns how many. What is decoded has not begun.
func (in *input) write(w io.Writer, begun int) (written int) {
	if in.decodes() {
		n, _ := in.request.Body.WriteTo(w)
		return int(n)
	}
	written, _ = w.Write(in.plain[begun:])
	return written
}

// read makes the input of an event.
func (m *Handler) read(inv *adapter.Invocation) (*input, error) {
	in := &input{size: len(inv.Payload), plain: inv.Payload, mode: m.Requests}
	if m.Requests == nil {
		return in, nil
	}
	call, isCall := apig.Read(inv.Payload)
	if !isCall && !m.Requests.CGI {
		return in, nil
	}
	in.call, in.request = isCall, &apig.Request{}
	if !isCall {
		in.request.Post(m.Requests.EventPath, inv.Payload)
	} else if err := in.request.Read(call, apig.Reading{Path: m.Requests.Path, IsOurs: m.IsMetadata}); err != nil {
		return nil, unfit(err)
	}
	for _, f := range in.request.Fields {
		if isAuthorization(f) {
			m.keys.Add(secretsOf(string(f.Value)))
		}
	}
	in.size = in.request.Body.Size
	if plain, ok := in.request.Body.Plain(); ok {
		in.plain = plain
	} else {
		in.plain = nil
	}
	var err error
	var dropped string
	if in.variables, dropped, err = m.script().Variables(in.request); err != nil {
		return nil, unfit(err)
	}
	m.tellOfLoss(inv.ID, in.request.LeftOut, dropped)
	return in, nil
}

// unfit is the error of an event that can't be a request.
func unfit(err error) error {
	return &adapter.Error{
		Type:    adapter.TypeProtocol,
		Message: "The event can't be handed to the program as an HTTP request: " + err.Error() + ".",
	}
}

// tellOfLoss logs, once for each kind, what a program does not get of a request.
func (m *Handler) tellOfLoss(id, leftOut, dropped string) {
	if leftOut != "" {
		m.told.leftOut.Do(func() {
			m.Log.Warn("this event is handed to the program without "+leftOut+". Others are treated likewise, without a further warning", zap.String("requestId", id))
		})
	}
	if dropped != "" {
		m.told.variable.Do(func() {
			m.Log.Warn("a header of this event was dropped, since the function has the variable "+dropped+" already, which it would replace. "+
				"Others are treated likewise, without a further warning", zap.String("requestId", id))
		})
	}
}

func isAuthorization(f apig.Field) bool {
	return strings.EqualFold(string(f.Name), "Authorization") || strings.EqualFold(string(f.Name), "Proxy-Authorization")
}

// secretsOf returns what must not be printed of the value of an Authorization header.
func secretsOf(value string) []string {
	_, token, _ := strings.Cut(value, " ")
	return []string{value, strings.TrimSpace(token)}
}

// prepareRequests keeps variables about a request out of the program's environment.
func (m *Handler) prepareRequests() {
	for _, entry := range m.Env {
		name, _, _ := strings.Cut(entry, "=")
		m.own = append(m.own, name)
		if !cgi.IsOfRequest(name) {
			m.requestEnv = append(m.requestEnv, entry)
		}
	}
}

// script is the program as CGI names it.
func (m *Handler) script() *cgi.Script {
	return &cgi.Script{
		Prefix: m.Requests.StripPrefix, File: m.scriptFile(), Speaks: m.Requests.CGI,
		Has: func(name string) bool { return slices.Contains(m.own, name) },
	}
}

// scriptFile is the command's first argument that is a file, else the program.
func (m *Handler) scriptFile() string {
	path, args, _, err := m.finder.find()
	if err != nil {
		return "" // which the start will tell
	}
	for _, arg := range args[min(1, len(args)):] {
		if !filepath.IsAbs(arg) {
			arg = filepath.Join(m.Program.Command.Dir, arg)
		}
		if isFile(arg) {
			return arg
		}
	}
	if !filepath.IsAbs(path) {
		return filepath.Join(m.Program.Command.Dir, path)
	}
	return path
}

// envOf is the environment of a program that gets this input, without the metadata of the event.
func (m *Handler) envOf(in *input) []string {
	if in.request == nil {
		return m.Env
	}
	var rest []string
	taken := map[string]bool{}
	for _, entry := range in.variables {
		name, _, _ := strings.Cut(entry, "=")
		taken[name] = true
	}
	for _, entry := range m.requestEnv {
		if name, _, _ := strings.Cut(entry, "="); !taken[name] {
			rest = append(rest, entry)
		}
	}
	return append(rest, in.variables...)
}

// context is the text of the context file. A program that was started ahead finds its request there.
func (m *Handler) context(inv *adapter.Invocation, in *input) []byte {
	text := inv.Context(m.Credentials)
	if m.Spares == 0 || in.request == nil {
		return text
	}
	variables := map[string]string{}
	for _, entry := range in.variables {
		name, value, _ := strings.Cut(entry, "=")
		variables[name] = value
	}
	request, _ := json.Marshal(variables) // texts can't fail
	return append(append(text[:len(text)-1], `,"request":`...), append(request, '}')...)
}
