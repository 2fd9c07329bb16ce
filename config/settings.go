package config

import (
	"reflect"
	"strings"
	"time"
)

// settings is the one table of variables: its tags hold names, defaults and help, its types the
// allowed values (see parsers). A field without envDefault has a default that depends on others;
// the tag default describes it. The tag value:"concealed" keeps a value out of every message.
type settings struct {
	APIAddr     string      `env:"RUNTIME_API_ADDR"`
	Handler     string      `env:"RUNTIME_HANDLER"`
	Timeout     seconds     `env:"RUNTIME_TIMEOUT" envDefault:"3"`
	MemoryMB    wholeNumber `env:"RUNTIME_MEMORY"`
	CodeRoot    string      `env:"RUNTIME_CODE_ROOT"`
	MaxRespBody size        `env:"RUNTIME_MAX_RESP_BODY_SIZE" envDefault:"6291456"`

	Mode          mode          `env:"BOOTSTRAP_MODE" envDefault:"pipe" help:"pipe, worker, http"`
	Command       command       `env:"BOOTSTRAP_COMMAND" value:"concealed" default:"the handler" help:"the program: words with shell quoting, or a JSON array; no shell is involved"`
	Dir           string        `env:"BOOTSTRAP_DIR" default:"RUNTIME_CODE_ROOT, else the binary's folder" help:"working directory of the program; a relative one starts at the code folder"`
	TimeoutMargin margin        `env:"BOOTSTRAP_TIMEOUT_MARGIN" default:"5 % of the timeout, within 100ms..1s" help:"how long before the platform's deadline we give up ourselves"`
	InitWait      time.Duration `env:"BOOTSTRAP_INIT_WAIT" envDefault:"2.5s" help:"how long the first poll waits for worker or server to be ready"`
	ShutdownGrace time.Duration `env:"BOOTSTRAP_SHUTDOWN_GRACE" envDefault:"2s" help:"how long a program may take to stop before it is killed"`
	Concurrency   poolSize      `env:"BOOTSTRAP_CONCURRENCY" envDefault:"1" help:"pollers: how many events may be in flight at once"`
	Credentials   bool          `env:"BOOTSTRAP_CREDENTIALS" envDefault:"off" help:"on: hand the invocation's access keys and tokens to the program too"`
	APIGWrap      wrapping      `env:"BOOTSTRAP_APIG_WRAP" default:"auto; always with BOOTSTRAP_PIPE_INPUT=body" help:"pipe, worker: auto: an APIG event's result that is not an envelope becomes one; always: every result does; off: it goes out as it is"`
	APIGType      mediaType     `env:"BOOTSTRAP_APIG_TYPE" help:"pipe, worker: Content-Type of results that become envelopes; without it JSON, plain text, or what their first bytes say"`
	ErrorDetail   detail        `env:"BOOTSTRAP_ERROR_DETAIL" envDefault:"full" help:"full: the error's stackTrace carries the last stderr lines; brief: it does not"`
	Streaming     bool          `env:"BOOTSTRAP_STREAMING" envDefault:"off" help:"on: a response goes out as it is produced (needs the function's Streaming Response switch)"`
	MaxResponse   size          `env:"BOOTSTRAP_MAX_RESPONSE" default:"RUNTIME_MAX_RESP_BODY_SIZE, else 6MiB; streaming 200MiB" help:"bytes sent to the platform; over it: FunctionResponseTooLarge"`
	LogLevel      logLevel      `env:"BOOTSTRAP_LOG_LEVEL" envDefault:"info" help:"debug, info, warn, error"`
	LogFormat     logFormat     `env:"BOOTSTRAP_LOG_FORMAT" envDefault:"text" help:"text, json"`
	LogEvents     bool          `env:"BOOTSTRAP_LOG_EVENTS" envDefault:"off" help:"on: one line for each event"`

	PipeSpares spareCount `env:"BOOTSTRAP_PIPE_SPARES" envDefault:"0" help:"processes started ahead"`
	PipeInput  pipeInput  `env:"BOOTSTRAP_PIPE_INPUT" envDefault:"event" help:"what stdin is for an APIG event: event: its JSON; body: the request's body; cgi: the body, and the program speaks CGI"`

	WorkerProtocol       protocol    `env:"BOOTSTRAP_WORKER_PROTOCOL" envDefault:"lines" help:"lines, jsonrpc, actionloop"`
	WorkerResponse       channel     `env:"BOOTSTRAP_WORKER_RESPONSE" envDefault:"stdout" help:"stdout, or fd3: then stdout is log"`
	WorkerCount          poolSize    `env:"BOOTSTRAP_WORKER_COUNT" default:"BOOTSTRAP_CONCURRENCY" help:"pool size"`
	WorkerMaxInvocations wholeNumber `env:"BOOTSTRAP_WORKER_MAX_INVOCATIONS" envDefault:"0" help:"retire a worker after so many events, once its successor is ready; 0: never"`

	HTTPPort        port      `env:"BOOTSTRAP_HTTP_PORT" envDefault:"8000" help:"the program's port, also handed to it as PORT; auto picks a free one"`
	HTTPSocket      string    `env:"BOOTSTRAP_HTTP_SOCKET" help:"unix socket instead"`
	HTTPReady       readiness `env:"BOOTSTRAP_HTTP_READY" envDefault:"tcp" help:"tcp, or a path that must answer below 500"`
	HTTPEventPath   urlPath   `env:"BOOTSTRAP_HTTP_EVENT_PATH" envDefault:"/invoke" help:"path (a query is fine) where events that are not HTTP requests are POSTed"`
	HTTPPath        pathForm  `env:"BOOTSTRAP_HTTP_PATH" envDefault:"auto" help:"auto, encoded, decoded: how the gateway writes the path of a call"`
	HTTPStripPrefix urlPrefix `env:"BOOTSTRAP_HTTP_STRIP_PREFIX" help:"removed once from the start of the path, in whole segments"`
	HTTPFailStatus  StatusSet `env:"BOOTSTRAP_HTTP_FAIL_STATUS" help:"answers to APIG events that count as failures, e.g. 500-599"`
}

const (
	settingPrefix = "BOOTSTRAP_"
	runtimePrefix = "RUNTIME_"
	userData      = "RUNTIME_USERDATA"
	apiAddress    = "RUNTIME_API_ADDR"
	// contextFile is set by us for the program. A bootstrap that runs below another one finds its
	// parent's here.
	contextFile = "BOOTSTRAP_CONTEXT_FILE"
)

// Setting is one row of the documentation.
type Setting struct {
	Name    string // the variable
	Default string // as a user would write or say it; empty if there is none
	Help    string // what it is for, half a sentence
}

// Settings lists what a user can set, in the order of the documentation. It exists so that a test
// can compare the documentation with it.
func Settings() []Setting {
	var list []Setting
	for f := range reflect.TypeFor[settings]().Fields() {
		name := f.Tag.Get("env")
		if !strings.HasPrefix(name, settingPrefix) {
			continue
		}
		def, fixed := f.Tag.Lookup("envDefault")
		if !fixed {
			def = f.Tag.Get("default")
		}
		list = append(list, Setting{Name: name, Default: def, Help: f.Tag.Get("help")})
	}
	return list
}

// concealed reports whether the value of the variable name must not be shown.
func concealed(name string) bool {
	for f := range reflect.TypeFor[settings]().Fields() {
		if f.Tag.Get("env") == name {
			return f.Tag.Get("value") == "concealed"
		}
	}
	return true
}
