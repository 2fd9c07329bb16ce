package test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// imports says which packages of ours each may import; see docs/adr/0001. What
// is not listed may not be imported, and every package has to be listed.
var imports = map[string][]string{
	"adapter":         {"internal/jsonscan", "internal/offheap", "internal/secret"},
	"config":          {"internal/jsonscan", "internal/secret"},
	"internal/apig":   {"internal/jsonscan"},
	"internal/cgi":    {"internal/apig"},
	"internal/doctor": {"internal/limits"},
	"internal/failure": {
		"adapter", "internal/doctor", "internal/limits", "internal/output", "internal/process", "internal/procfs", "internal/supervise",
	},
	"internal/jsonscan": {},
	"internal/limits":   {"internal/procfs"},
	"internal/modetest": {
		"adapter", "internal/doctor", "internal/failure", "internal/process", "internal/procfs", "internal/resident", "internal/secret", "internal/testkit",
	},
	"internal/offheap": {},
	"internal/output":  {"internal/process", "internal/rawio", "internal/secret"},
	"internal/process": {"internal/procfs", "internal/rawio"},
	"internal/procfs":  {},
	"internal/rawio":   {},
	"internal/resident": {
		"adapter", "internal/failure", "internal/output", "internal/process", "internal/retry", "internal/secret", "internal/supervise",
	},
	"internal/retry":     {},
	"internal/secret":    {"internal/jsonscan"},
	"internal/supervise": {"internal/retry"},
	"internal/testkit":   {},
	"internal/testrun":   {},
	"internal/trigger":   {"internal/apig", "internal/jsonscan"},
	"modes": {
		"adapter", "config", "internal/doctor", "internal/failure", "internal/process", "internal/procfs", "internal/resident", "internal/secret", "modes/httpproxy", "modes/pipe", "modes/worker", "modes/worker/codec",
	},
	"modes/httpproxy": {
		"adapter", "internal/apig", "internal/failure", "internal/jsonscan", "internal/limits", "internal/offheap", "internal/output", "internal/process", "internal/procfs", "internal/rawio", "internal/resident", "internal/retry", "internal/secret", "internal/supervise",
	},
	"modes/pipe": {
		"adapter", "internal/apig", "internal/cgi", "internal/doctor", "internal/failure", "internal/output", "internal/process", "internal/procfs", "internal/retry", "internal/secret",
	},
	"modes/worker": {
		"adapter", "internal/failure", "internal/offheap", "internal/output", "internal/process", "internal/procfs", "internal/rawio", "internal/resident", "internal/retry", "internal/secret", "internal/supervise", "modes/worker/codec",
	},
	"modes/worker/codec":       {"adapter", "internal/jsonscan"},
	"runtimeapi/functiongraph": {"adapter", "internal/limits", "internal/offheap", "internal/rawio", "internal/retry"},
	"platform":                 {"internal/retry", "platform/api"},
	"platform/api":             {"internal/retry", "platform/httpserver"},
	"platform/door":            {"platform", "platform/api", "platform/gateway", "platform/httpserver"},
	"platform/fgtest":          {"internal/testkit", "platform", "platform/api"},
	"platform/gateway":         {},
	"platform/httpserver":      {"internal/retry"},
	"cmd/bootstrap": {
		"adapter", "config", "internal/apig", "internal/jsonscan", "internal/process", "internal/procfs", "internal/secret", "internal/trigger", "modes", "runtimeapi/functiongraph",
	},
	"cmd/fgdev":        {"platform", "platform/api", "platform/door"},
	"test":             {},
	"examples/http-go": {},
	"examples/pipe-go": {},

	"bench":                      {},
	"bench/core":                 {"adapter", "internal/apig", "runtimeapi/functiongraph"},
	"bench/loops/nethttp-exec":   {},
	"bench/loops/nethttp-http":   {},
	"bench/loops/nethttp-null":   {},
	"bench/loops/nethttp-worker": {},
	"bench/minimal":              {},
}

// only says which packages alone may import a module of somebody else, or any package of it.
var only = map[string][]string{
	"github.com/valyala/fasthttp":       {"runtimeapi/functiongraph", "modes/httpproxy", "platform/api", "platform/door", "platform/httpserver"},
	"github.com/caarlos0/env/v11":       {"config"},
	"github.com/kballard/go-shellquote": {"config"},
	"github.com/alecthomas/kong":        {"cmd/fgdev"},
	"github.com/joho/godotenv":          {"cmd/fgdev"},
}

// listed is a package, as go list prints it.
type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func (p listed) name() string { return strings.TrimPrefix(p.ImportPath, "fgbootstrap/") }

func TestImportsPointOneWay(t *testing.T) {
	for _, fault := range importFaults(packagesOfOurs(t)) {
		t.Error(fault)
	}
}

// packagesOfOurs are those with tests alone, too.
func packagesOfOurs(t *testing.T) (all []listed) {
	t.Helper()
	list := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func importFaults(packages []listed) (faults []string) {
	missing := maps.Clone(imports)
	for _, p := range packages {
		if _, known := imports[p.name()]; !known {
			faults = append(faults, p.name()+" is not in the table: which packages may it import?")
		}
		delete(missing, p.name())
		for _, path := range p.Imports {
			if !mayImport(p.name(), path) {
				faults = append(faults, p.name()+" imports "+path)
			}
		}
		for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
			if restricted(p.name(), path) {
				faults = append(faults, "a test of "+p.name()+" imports "+path)
			}
		}
	}
	for name := range missing {
		faults = append(faults, name+" is in the table, and there is no such package")
	}
	return faults
}

func mayImport(name, path string) bool {
	ours, isOurs := strings.CutPrefix(path, "fgbootstrap/")
	switch {
	case isOurs:
		return slices.Contains(imports[name], ours)
	case name == "adapter" && strings.Contains(path, "."): // the standard library and zap are all it may
		return within(path, "go.uber.org/zap")
	}
	return !restricted(name, path)
}

func restricted(name, path string) bool {
	for module, users := range only {
		if within(path, module) && !slices.Contains(users, name) {
			return true
		}
	}
	return false
}

// within tells whether the path is the root's, or of a package below it.
func within(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

func TestTheTableOfImportsFindsFaults(t *testing.T) {
	all := packagesOfOurs(t)
	for want, change := range map[string]func() []listed{
		"": func() []listed { return all },
		"modes/pipe imports fgbootstrap/config": func() []listed {
			return append(all, listed{ImportPath: "fgbootstrap/modes/pipe", Imports: []string{"fgbootstrap/adapter", "fgbootstrap/config"}})
		},
		"config imports github.com/valyala/fasthttp": func() []listed {
			return append(all, listed{ImportPath: "fgbootstrap/config", Imports: []string{"github.com/valyala/fasthttp"}})
		},
		"config imports github.com/valyala/fasthttp/fasthttputil": func() []listed {
			return append(all, listed{ImportPath: "fgbootstrap/config", Imports: []string{"github.com/valyala/fasthttp/fasthttputil"}})
		},
		"a test of config imports github.com/valyala/fasthttp/fasthttputil": func() []listed {
			return append(all, listed{ImportPath: "fgbootstrap/config", XTestImports: []string{"github.com/valyala/fasthttp/fasthttputil"}})
		},
		"a test of config imports github.com/alecthomas/kong": func() []listed {
			return append(all, listed{ImportPath: "fgbootstrap/config", TestImports: []string{"github.com/alecthomas/kong"}})
		},
		"adapter imports go.uber.org/multierr": func() []listed {
			return append(all, listed{ImportPath: "fgbootstrap/adapter", Imports: []string{"go.uber.org/zap/zapcore", "go.uber.org/multierr"}})
		},
		"modes/new is not in the table: which packages may it import?": func() []listed {
			return append(all, listed{ImportPath: "fgbootstrap/modes/new"})
		},
		"adapter is in the table, and there is no such package": func() []listed {
			return slices.DeleteFunc(slices.Clone(all), func(p listed) bool { return p.name() == "adapter" })
		},
	} {
		if got := strings.Join(importFaults(change()), "\n"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The binary that goes into every ZIP has to stay small, and what tests and
// fgdev need must not end up in it.
func TestBootstrapHoldsOnlyWhatItNeeds(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "./cmd/bootstrap")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range strings.Fields(string(out)) {
		for _, no := range []string{"testing", "debug/elf", "fgbootstrap/internal/modetest", "fgbootstrap/internal/testkit", "fgbootstrap/platform", "github.com/alecthomas/kong"} {
			if within(path, no) {
				t.Errorf("bootstrap holds %s", path)
			}
		}
	}
}

// Without cgo and another goroutine that waits for the kernel, Go calls an empty select a
// deadlock and ends the program. Tests run programs of both kinds; time.Sleep(time.Hour)
// is the same in both.
func TestNoProgramWaitsInAnEmptySelect(t *testing.T) {
	empty := regexp.MustCompile(`\bselect\s*\{\s*\}`)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		if at := empty.FindIndex(text); at != nil {
			t.Errorf("%s:%d: an empty select", path, 1+strings.Count(string(text[:at[0]]), "\n"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
