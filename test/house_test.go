package test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// imports says which packages of ours each may import; see docs/adr/0001. What
// is not listed may not be imported, and every package has to be listed.
var imports = map[string][]string{
	"adapter":          {},
	"config":           {},
	"internal/process": {"internal/rawio", "internal/retry"},
	"internal/rawio":   {},
	"internal/retry":   {},
	"internal/testrun": {},
	"modes": {
		"adapter", "config", "internal/process", "modes/failure", "modes/httpproxy", "modes/pipe", "modes/worker", "modes/worker/codec",
	},
	"modes/failure":            {"adapter", "internal/process"},
	"modes/httpproxy":          {"adapter", "internal/process", "internal/rawio", "modes/failure", "modes/output"},
	"modes/output":             {"adapter", "internal/process", "internal/rawio"},
	"modes/pipe":               {"adapter", "internal/process", "internal/retry", "modes/failure", "modes/output"},
	"modes/worker":             {"adapter", "internal/process", "internal/rawio", "modes/failure", "modes/output", "modes/worker/codec"},
	"modes/worker/codec":       {"adapter"},
	"runtimeapi/functiongraph": {"adapter", "internal/rawio", "internal/retry"},
	"platform":                 {"internal/retry"},
	"cmd/bootstrap":            {"adapter", "config", "internal/process", "modes", "runtimeapi/functiongraph"},
	"cmd/fgdev":                {"platform"},
	"test":                     {},
	"examples/pipe-go":         {},
	"examples/http-go":         {},

	"bench":                      {},
	"bench/core":                 {"adapter", "runtimeapi/functiongraph"},
	"bench/minimal":              {},
	"bench/loops/nethttp-exec":   {},
	"bench/loops/nethttp-http":   {},
	"bench/loops/nethttp-null":   {},
	"bench/loops/nethttp-worker": {},
}

// only says which packages alone may import a module of somebody else.
var only = map[string][]string{
	"github.com/valyala/fasthttp":       {"runtimeapi/functiongraph", "modes/httpproxy", "platform"},
	"github.com/caarlos0/env/v11":       {"config"},
	"github.com/kballard/go-shellquote": {"config"},
	"github.com/alecthomas/kong":        {"cmd/fgdev"},
	"github.com/joho/godotenv":          {"cmd/fgdev"},
}

func TestImportsPointOneWay(t *testing.T) {
	list := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		checkImports(t, strings.TrimPrefix(p.ImportPath, "fgbootstrap/"), p.Imports)
	}
}

func checkImports(t *testing.T, name string, imported []string) {
	allowed, known := imports[name]
	if !known {
		t.Errorf("%s is not in the table: which packages may it import?", name)
	}
	for _, path := range imported {
		if ours, found := strings.CutPrefix(path, "fgbootstrap/"); found && !slices.Contains(allowed, ours) {
			t.Errorf("%s imports %s", name, ours)
		}
		if users, restricted := only[path]; restricted && !slices.Contains(users, name) {
			t.Errorf("%s imports %s", name, path)
		}
		if name == "adapter" && strings.Contains(path, ".") && !strings.HasPrefix(path, "go.uber.org/zap") {
			t.Errorf("adapter imports %s: the standard library and zap are all it may", path)
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
		for _, no := range []string{"testing", "debug/elf", "fgbootstrap/platform", "github.com/alecthomas/kong"} {
			if path == no {
				t.Errorf("bootstrap holds %s", path)
			}
		}
	}
}
