package config

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"
)

// resolve builds the Config: it applies the rules that involve more than one variable, or the machine.
func (r *report) resolve(s settings, self string) *Config {
	c := &Config{
		Handler: s.Handler, Timeout: time.Duration(s.Timeout), MemoryMB: int(s.MemoryMB),
		Mode: string(s.Mode), Command: s.Command,
		InitWait: s.InitWait, ShutdownGrace: s.ShutdownGrace,
		Concurrency: int(s.Concurrency), Credentials: s.Credentials,
		APIGWrap: s.wrap(), APIGType: string(s.APIGType), FullErrors: s.ErrorDetail == "full",
		LogFormat: string(s.LogFormat), LogEvents: s.LogEvents, PipeSpares: int(s.PipeSpares), PipeInput: string(s.PipeInput),
		WorkerProtocol: string(s.WorkerProtocol), WorkerResponse: string(s.WorkerResponse),
		WorkerCount: int(s.WorkerCount), WorkerMaxInvocations: int(s.WorkerMaxInvocations),
		HTTPPort: int(s.HTTPPort), HTTPReady: string(s.HTTPReady), HTTPEventPath: string(s.HTTPEventPath), HTTPPath: string(s.HTTPPath),
		HTTPStripPrefix: string(s.HTTPStripPrefix), HTTPFailStatus: s.HTTPFailStatus,
	}
	if c.WorkerCount == 0 {
		c.WorkerCount = c.Concurrency
	}
	c.LogLevel, _ = zapcore.ParseLevel(string(s.LogLevel)) // never fails: zap knows every word that is allowed
	c.APIAddr = r.apiAddr(s.APIAddr)
	c.CodeRoot = codeRoot(s.CodeRoot, self)
	c.Dir = r.dir(s, c.CodeRoot)
	c.HTTPSocket = r.socket(s.HTTPSocket, c.Dir)
	c.Margin = r.margin(s)
	c.Streaming = r.streaming(s)
	c.MaxResponse = maxResponse(s, c.Streaming)
	if c.Mode == "pipe" && c.PipeInput == "cgi" && c.PipeSpares > 0 {
		r.refuse("BOOTSTRAP_PIPE_SPARES", "must be 0 with BOOTSTRAP_PIPE_INPUT=cgi, since a CGI program needs the request's variables when it starts")
	}
	if c.Note = r.undelivered(c.CodeRoot); c.Note != "" {
		r.warnf("%s", c.Note)
	}
	if c.CommandHint = r.shellHint(c.Command); c.CommandHint != "" {
		r.warnf("%s", c.CommandHint)
	}
	return c
}

// wrap is which results become envelopes. A program that writes bare bodies must not have one of them
// taken for an envelope.
func (s settings) wrap() string {
	switch {
	case s.APIGWrap != "":
		return string(s.APIGWrap)
	case s.Mode == "pipe" && s.PipeInput == "body":
		return "always"
	}
	return "auto"
}

// codeRoot is absolute even if self or the variable is not: the program starts in a different
// directory.
func codeRoot(set, self string) string {
	root := set
	if root == "" {
		root = filepath.Dir(self)
	}
	if abs, err := filepath.Abs(root); err == nil {
		return abs
	}
	return root
}

// dir is the program's working directory. The platform starts us in the parent of the code
// folder, where no program finds its files.
func (r *report) dir(s settings, root string) string {
	dir := s.Dir
	switch {
	case dir == "" && !isDir(root):
		if s.CodeRoot != "" {
			r.refuse("RUNTIME_CODE_ROOT", "there is no such directory")
		} else {
			r.problemf("the folder of bootstrap is not a directory; set RUNTIME_CODE_ROOT or BOOTSTRAP_DIR")
		}
		return root
	case dir == "":
		return root
	}
	dir = below(root, dir)
	if !isDir(dir) {
		quoted := withoutQuotes(s.Dir, func(bare string) bool { return isDir(below(root, bare)) })
		r.refuse("BOOTSTRAP_DIR", cmp.Or(quoted, "must be an existing directory, absolute or relative to the code folder"))
		return root
	}
	return filepath.Clean(dir)
}

// below is path, or where it is in root if it is relative.
func below(root, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(root, path)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// maxSocketPath is what sockaddr_un holds besides its final NUL.
const maxSocketPath = 107

// socket resolves a relative path where the program would: in its working directory.
func (r *report) socket(path, dir string) string {
	abs := path
	switch {
	case path == "":
		return ""
	case strings.HasPrefix(path, "@"):
		abs = path[1:]
	default:
		abs = below(dir, path)
	}
	switch {
	case r.vars["BOOTSTRAP_HTTP_PORT"] != "":
		r.refuse("BOOTSTRAP_HTTP_SOCKET", "set this or BOOTSTRAP_HTTP_PORT, not both")
	case abs == "":
		r.refuse("BOOTSTRAP_HTTP_SOCKET", "an abstract socket needs a name after the @")
	case len(abs) > maxSocketPath:
		r.refuse("BOOTSTRAP_HTTP_SOCKET", fmt.Sprintf("the path of a unix socket has at most %d bytes", maxSocketPath))
	case strings.HasPrefix(path, "@"):
		return path
	default:
		if bare := withoutQuotes(path, func(string) bool { return true }); bare != "" {
			r.warnf("BOOTSTRAP_HTTP_SOCKET has quotes or blanks around its path: %s", bare)
		} else if !isDir(filepath.Dir(abs)) {
			r.warnf("BOOTSTRAP_HTTP_SOCKET is in a folder that does not exist; unless the program makes it, it can't listen there")
		}
		return abs
	}
	return ""
}
