package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"fgbootstrap/platform"
	"fgbootstrap/platform/api"

	"github.com/joho/godotenv"
)

// functionFlags are what the console asks for: the code and its settings.
type functionFlags struct {
	Code      string   `arg:"" name:"DIR|ZIP" help:"The function's folder or ZIP."`
	Variable  []string `short:"c" sep:"none" placeholder:"KEY=VALUE" help:"Set a user variable; may be repeated."`
	Encrypted []string `sep:"none" placeholder:"KEY=VALUE" help:"Set an encrypted user variable: the function finds it in RUNTIME_USERDATA only."`
	Timeout   timeout  `default:"3s" help:"Timeout of an invocation, in seconds or like 90s, 2m."`
	Memory    int      `default:"128" placeholder:"MB" help:"Memory in MB (default ${default}); told to the function, not enforced."`
	Handler   string   `default:"bootstrap" help:"Value of RUNTIME_HANDLER."`
	Streaming bool     `help:"Turn the function's Streaming Response switch on."`
	Faults    string   `placeholder:"RULES" help:"Faults of the runtime API. ${faults}"`
}

// timeout is a duration in whole seconds, as the platform counts them.
type timeout time.Duration

// UnmarshalText reads plain seconds or a Go duration.
func (t *timeout) UnmarshalText(text []byte) error {
	s := string(text)
	if _, err := strconv.Atoi(s); err == nil {
		s += "s"
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return fmt.Errorf("%q is neither seconds nor a duration such as 90s or 2m", text)
	case d < time.Second || d > 259200*time.Second || d%time.Second != 0:
		return fmt.Errorf("%q is not a whole number of seconds from 1 to 259200", text)
	}
	*t = timeout(d)
	return nil
}

// open readies the function and its platform. The returned func stops both and removes what was unpacked.
func (f *functionFlags) open(std streams) (*platform.Platform, func(), error) {
	faults, err := api.ParseFaults(f.Faults)
	if err != nil {
		return nil, nil, usageError{fmt.Errorf("--faults: %w", err)}
	}
	code, err := platform.OpenCode(f.Code)
	if err != nil {
		return nil, nil, usageError{err}
	}
	p, err := f.start(std, code.Dir, faults)
	if err != nil {
		return nil, nil, errors.Join(err, code.Close())
	}
	return p, func() {
		if err := errors.Join(p.Close(), code.Close()); err != nil {
			std.note("%v", err)
		}
	}, nil
}

func (f *functionFlags) start(std streams, dir string, faults api.Faults) (*platform.Platform, error) {
	fn, err := f.function(dir)
	if err != nil {
		return nil, err
	}
	fn.Bootstrap = f.bootstrap(std, dir)
	if fn.Timeout < 3*time.Second {
		std.note("the platform's shortest timeout is 3s; trying %v anyway", fn.Timeout)
	}
	p, err := platform.New(fn, platform.Options{
		API: api.Config{Streaming: f.Streaming, Faults: faults},
		Log: std.err,
	})
	if err != nil {
		return nil, usageError{err}
	}
	return p, nil
}

func (f *functionFlags) function(dir string) (platform.Function, error) {
	variables, err := readSettings(filepath.Join(dir, "function.env"))
	if err != nil {
		return platform.Function{}, err
	}
	given, err := assignments("-c", f.Variable)
	if err != nil {
		return platform.Function{}, err
	}
	maps.Copy(variables, given)
	encrypted, err := assignments("--encrypted", f.Encrypted)
	if err != nil {
		return platform.Function{}, err
	}
	if f.Memory < 1 {
		return platform.Function{}, usage("--memory: %d is not a size in MB", f.Memory)
	}
	name := filepath.Base(strings.TrimSuffix(f.Code, ".zip"))
	if name == "." || name == ".." {
		name = "" // the folder's own name
	}
	return platform.Function{Dir: dir, Name: name, Handler: f.Handler, Timeout: time.Duration(f.Timeout),
		MemoryMB: f.Memory, Variables: variables, Encrypted: encrypted}, nil
}

func assignments(flag string, list []string) (map[string]string, error) {
	m := make(map[string]string)
	for _, s := range list {
		k, v, ok := strings.Cut(s, "=")
		if !ok || k == "" {
			return nil, usage("%s: %q does not look like KEY=VALUE", flag, k)
		}
		m[k] = v
	}
	return m, nil
}

// readSettings reads a dotenv file. A missing file is not an error. An error names the line but
// does not quote it: the parser's own error would show the rest of the file, secrets included.
func readSettings(name string) (map[string]string, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, usageError{err}
	}
	if m, err := godotenv.UnmarshalBytes(text); err == nil {
		return m, nil
	}
	return nil, usage("%s: line %d: not KEY=VALUE (a value with spaces, # or line breaks needs quotes)", filepath.Base(name), badLine(string(text)))
}

// badLine is the line after the longest beginning that can be read: a quoted value may span lines.
func badLine(text string) int {
	lines := strings.SplitAfter(text, "\n")
	for n := len(lines) - 1; n > 0; n-- {
		if _, err := godotenv.Unmarshal(strings.Join(lines[:n], "")); err == nil {
			return n + 1
		}
	}
	return 1
}

// bootstrap returns the one beside fgdev for a folder without its own. A ZIP runs as it would be
// uploaded.
func (f *functionFlags) bootstrap(std streams, dir string) string {
	beside, ok := besideUs()
	if info, err := os.Stat(f.Code); !ok || err != nil || !info.IsDir() || exists(filepath.Join(dir, "bootstrap")) {
		return ""
	}
	std.note("%s has no bootstrap; running it with %s", f.Code, beside)
	return beside
}

// besideUs finds the bootstrap in the folder of this executable.
func besideUs() (string, bool) {
	self, err := os.Executable()
	if err != nil {
		return "", false
	}
	path := filepath.Join(filepath.Dir(self), "bootstrap")
	info, err := os.Stat(path)
	return path, err == nil && info.Mode().IsRegular()
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
