package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"fgbootstrap/platform/api"
)

// Function is what the console knows about a function. Only Dir is needed.
type Function struct {
	Dir       string            // code root: the folder that holds bootstrap; the unpacked ZIP
	Bootstrap string            // the program to start; default: the file bootstrap in Dir, the only choice on the real platform
	Name      string            // default: the folder's name
	Version   string            // default: latest
	Package   string            // default: default
	Handler   string            // default: bootstrap
	ProjectID string            // default: 32 zeros
	Timeout   time.Duration     // default 3s. The function is told whole seconds, rounded up; we keep to the duration itself
	MemoryMB  int               // default 128
	Variables map[string]string // user variables: in RUNTIME_USERDATA and as plain variables
	Encrypted map[string]string // encrypted user variables: decrypted in RUNTIME_USERDATA, and nowhere else
	Env       []string          // KEY=VALUE added to the process's environment; no part of the real platform's
}

// maxVariables is the console's limit for all user variables together, in characters.
const maxVariables = 4096

func (f Function) withDefaults() (Function, error) {
	dir, err := filepath.Abs(f.Dir)
	if err != nil {
		return f, fmt.Errorf("code folder %q: %w", f.Dir, err)
	}
	if info, err := os.Stat(dir); err != nil {
		return f, fmt.Errorf("code folder: %w", err)
	} else if !info.IsDir() {
		return f, fmt.Errorf("code folder %s: not a folder", dir)
	}
	f.Dir = dir
	for _, d := range []struct {
		field *string
		value string
	}{
		{&f.Name, filepath.Base(dir)}, {&f.Version, "latest"}, {&f.Package, "default"},
		{&f.Handler, "bootstrap"}, {&f.ProjectID, strings.Repeat("0", 32)},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if f.Timeout == 0 {
		f.Timeout = 3 * time.Second
	}
	if f.MemoryMB == 0 {
		f.MemoryMB = 128
	}
	return f, f.validate()
}

func (f Function) validate() error {
	var errs []error
	if f.Timeout < 0 {
		errs = append(errs, fmt.Errorf("timeout %v: it must be positive", f.Timeout))
	}
	if f.MemoryMB < 0 {
		errs = append(errs, fmt.Errorf("memory %d MB: it must be positive", f.MemoryMB))
	}
	size := 0
	for _, set := range []map[string]string{f.Variables, f.Encrypted} {
		for k, v := range set {
			if k == "" || strings.ContainsAny(k, "=\x00") || strings.Contains(v, "\x00") {
				errs = append(errs, fmt.Errorf("variable %q: an environment can't hold this", k))
			}
			size += utf8.RuneCountInString(k) + utf8.RuneCountInString(v)
		}
	}
	if size > maxVariables {
		errs = append(errs, fmt.Errorf("user variables have %d characters in all, more than the platform's %d", size, maxVariables))
	}
	return errors.Join(errs...)
}

// millicores is the CPU share that comes with the memory.
func (f Function) millicores() int { return f.MemoryMB*100/128 + 200 }

// environ is the whole environment of the bootstrap; later entries win.
func (f Function) environ(apiAddr string) ([]string, error) {
	userdata, err := f.userdata()
	if err != nil {
		return nil, err
	}
	env := []string{"PATH=" + os.Getenv("PATH")}
	for _, k := range slices.Sorted(maps.Keys(f.Variables)) {
		if !strings.HasPrefix(k, "RUNTIME_") {
			env = append(env, k+"="+f.Variables[k])
		}
	}
	return append(append(env, f.Env...),
		"RUNTIME_PROJECT_ID="+f.ProjectID,
		"RUNTIME_FUNC_NAME="+f.Name,
		"RUNTIME_FUNC_VERSION="+f.Version,
		"RUNTIME_PACKAGE="+f.Package,
		"RUNTIME_HANDLER="+f.Handler,
		"RUNTIME_TIMEOUT="+strconv.Itoa(int((f.Timeout+time.Second-1)/time.Second)),
		"RUNTIME_MEMORY="+strconv.Itoa(f.MemoryMB),
		"RUNTIME_CPU="+strconv.Itoa(f.millicores()),
		"RUNTIME_CODE_ROOT="+f.Dir,
		"RUNTIME_MAX_RESP_BODY_SIZE=6291456",
		"RUNTIME_USERDATA="+userdata,
		"RUNTIME_API_ADDR="+apiAddr,
	), nil
}

func (f Function) userdata() (string, error) {
	all := make(map[string]string, len(f.Variables)+len(f.Encrypted))
	for _, set := range []map[string]string{f.Variables, f.Encrypted} {
		for k, v := range set {
			all[k] = v
		}
	}
	b, err := json.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("user variables: %w", err)
	}
	return string(b), nil
}

// bootstrap finds the file to execute. If there is none, the result says why.
func (f Function) bootstrap() (string, *api.Result) {
	path := f.Bootstrap
	if path == "" {
		path = filepath.Join(f.Dir, "bootstrap")
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", api.Failure(api.CodeNoBootstrap, "bootstrap file is not found: %s", f.whereInstead())
	case err != nil:
		return "", api.Failure(api.CodeNoBootstrap, "bootstrap file is not readable: %v", err)
	case info.IsDir():
		return "", api.Failure(api.CodeNoBootstrap, "bootstrap file is not found: bootstrap in the root of the code is a folder, not a file")
	case info.Mode()&0o111 == 0:
		return "", api.Failure(api.CodeNoBootstrap, "bootstrap file is not executable: its mode is %v; run chmod +x bootstrap before zipping (a ZIP made on Windows has no executable bits)", info.Mode())
	}
	return path, nil
}

// whereInstead looks for a bootstrap in sub-folders: a ZIP of the folder instead of its contents
// is the usual mistake.
func (f Function) whereInstead() string {
	found := ""
	err := filepath.WalkDir(f.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir // an unreadable folder is no better place
		}
		if d.Name() == "bootstrap" && !d.IsDir() {
			found = filepath.Dir(path)
			return fs.SkipAll
		}
		return nil
	})
	rel, relErr := filepath.Rel(f.Dir, found)
	if err != nil || relErr != nil || found == "" {
		return "the code needs an executable file named bootstrap in its root" + f.holdsOnly()
	}
	return fmt.Sprintf("it is in the sub-folder %[1]s but must be in the root: zip the contents of %[1]s, not the folder itself", rel)
}

// holdsOnly says that the code is one ZIP in another, or one folder.
func (f Function) holdsOnly() string {
	entries, _ := os.ReadDir(f.Dir)
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return strings.HasPrefix(e.Name(), ".") || e.Name() == "__MACOSX" || e.Name() == "function.env"
	})
	if len(entries) != 1 {
		return ""
	}
	switch name := entries[0].Name(); {
	case entries[0].IsDir():
		return fmt.Sprintf("; it holds only the folder %[1]s: zip the contents of %[1]s, not the folder itself", name)
	case strings.EqualFold(filepath.Ext(name), ".zip"):
		return fmt.Sprintf("; it holds only %s, which nobody unpacks: zip the files themselves", name)
	}
	return ""
}
