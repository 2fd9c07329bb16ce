// Package config turns the process environment and the user data of a function into one validated struct.
//
// It owns the names, defaults and rules of every setting, the environment that the user's program
// gets, and the list of values that must not be printed. It does not choose a default command,
// does not look for programs and logs nothing: what a person should know comes back as Problems
// and Warnings.
package config

import (
	"time"

	"fgbootstrap/internal/secret"

	"go.uber.org/zap/zapcore"
)

// Config is what the rest of the program knows about its surroundings. The caller owns it;
// nothing here changes it later.
type Config struct {
	APIAddr  string        // host:port of the runtime API; empty if the platform gave none
	Handler  string        // the function's handler as the console has it; may be empty
	Timeout  time.Duration // the platform's limit for one invocation; 3 s where the platform does not say, as documented
	MemoryMB int           // the instance's memory in MB (2^20 bytes); 0 if unknown
	CodeRoot string        // absolute folder of the unpacked ZIP

	Mode    string   // pipe, worker or http
	Command []string // the program and its arguments, at least one word; nil if the user set none, or a wrong one
	Dir     string   // absolute working directory of the program
	// CommandHint is what in Command only a shell would understand, and the cure: a sentence
	// without its end, also one of the Warnings; empty if there is nothing.
	CommandHint string

	Margin        time.Duration // how long before the platform's limit we give up; above 0, below Timeout
	InitWait      time.Duration // how long the first poll waits for the program to be ready
	ShutdownGrace time.Duration // between asking a program to stop and killing it

	Concurrency int   // events in flight at once, 1 to 1000
	Credentials bool  // hand the invocation's access keys and tokens to the program
	FullErrors  bool  // put the last stderr lines into the error report
	Streaming   bool  // send a response while it is produced
	MaxResponse int64 // most bytes sent to the platform as one response, above 0

	APIGWrap string // which results for the API gateway become envelopes: auto (those that are none), always or off
	APIGType string // their Content-Type; empty: as their bytes look

	LogLevel  zapcore.Level // debug, info, warn or error
	LogFormat string        // text or json
	LogEvents bool          // one line for each event

	PipeSpares int    // processes started ahead, 0 to 100
	PipeInput  string // event, body or cgi: what the program reads on stdin

	WorkerProtocol       string // lines, jsonrpc or actionloop
	WorkerResponse       string // stdout or fd3
	WorkerCount          int    // pool size; Concurrency if unset
	WorkerMaxInvocations int    // retire a worker after so many events; 0 means never

	HTTPPort        int       // port of the program; 0 means that we pick a free one
	HTTPSocket      string    // unix socket instead of the port: absolute, or abstract with a leading @; empty if unset
	HTTPReady       string    // tcp, or a path with a leading /
	HTTPEventPath   string    // path, perhaps with a query, for events that are not HTTP requests
	HTTPPath        string    // auto, encoded or decoded: how the gateway writes a path
	HTTPStripPrefix string    // leading / and no trailing one; empty if nothing is stripped
	HTTPFailStatus  StatusSet // answers that count as failures; nil if no answer does

	// Note belongs into every error of an event: settings in a function.env that nobody reads. It
	// is a sentence without its end, also one of the Warnings; empty if there are none.
	Note string

	Env      []string // environment of the program, KEY=value, sorted
	Secrets  []string // values to mask in output and errors, longest first: a short one could be part of a longer one
	Warnings []string // one sentence each, without any value of a variable
}

// Load reads environ (as os.Environ gives it; the last of equal names wins) and the
// RUNTIME_USERDATA in it. self is the path of this binary; its folder stands in for an unset
// RUNTIME_CODE_ROOT.
//
// The error is nil or of type Problems. The Config is usable in either case, with the default in
// place of each bad value: a function with a broken configuration goes on polling and answers
// each event with the explanation, because an exit would only tell the caller that the process
// exited.
func Load(environ []string, self string) (*Config, error) {
	r := &report{}
	process := variables(environ)
	r.vars = r.merge(process)
	r.secrets = secret.Values(r.vars, encrypted(process))
	r.mask = secret.NewMask(r.secrets...)
	c := r.resolve(r.read(), self)
	all := Settings()
	r.checkNames(all)
	r.checkMode(all, c.Mode, c.PipeInput)
	c.Env = programEnv(r.vars, c.Dir)
	c.Secrets = r.secrets
	c.Warnings = r.warnings
	if len(r.problems) > 0 {
		return c, r.problems
	}
	return c, nil
}
