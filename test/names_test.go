package test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mostNames is how many fields and methods a type of modes/ or internal/ may offer: who
// reads a method of it has to hold them all in mind.
const mostNames = 30

func TestATypeOffersFewNamesAndEachIsItsOwn(t *testing.T) {
	for _, p := range typed(t, "./modes/...", "./internal/...") {
		for _, fault := range faultsOfNames(p) {
			t.Error(fault)
		}
	}
}

// The rule is seen to fail, for each of its parts.
func TestTheRuleOfNamesFindsWhatBreaksIt(t *testing.T) {
	source := `package p
		type Config struct{ A, B int }
		type part struct{ n int }
		type good struct { Config; error; part part }
		type embeds struct { *part }
		type pair struct { stop, Stop int }
		type wide struct { Config; a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, bb, cc, dd int }
		func (*wide) method() {}
	`
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	p, err := (&types.Config{}).Check("fgbootstrap/p", fset, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"fgbootstrap/p.embeds embeds part: give the field a name",
		"fgbootstrap/p.pair has stop and Stop, which differ by case alone",
		"fgbootstrap/p.wide offers 31 fields and methods, more than 30: give its parts types of their own",
	}
	if got := faultsOfNames(p); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// typed are our packages that match patterns, as the compiler sees them.
func typed(t *testing.T, patterns ...string) (all []*types.Package) {
	t.Helper()
	list := func(format string, more ...string) [][]string {
		cmd := exec.Command("go", append(append([]string{"list", "-f", format}, more...), patterns...)...)
		cmd.Dir = ".."
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var rows [][]string
		for line := range strings.Lines(string(out)) {
			rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
		}
		return rows
	}
	exports := map[string]string{}
	for _, row := range list("{{.ImportPath}}\t{{.Export}}", "-export", "-deps") {
		exports[row[0]] = row[1]
	}
	fset := token.NewFileSet()
	compiled := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		data, err := os.ReadFile(exports[path])
		return io.NopCloser(bytes.NewReader(data)), err
	})
	for _, row := range list("{{.ImportPath}}\t{{.Dir}}\t{{range .GoFiles}}{{.}}\t{{end}}") {
		var files []*ast.File
		for _, name := range row[2 : len(row)-1] {
			file, err := parser.ParseFile(fset, filepath.Join(row[1], name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		p, err := (&types.Config{Importer: compiled}).Check(row[0], fset, files, nil)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// faultsOfNames says what breaks the rule in a package.
func faultsOfNames(p *types.Package) (faults []string) {
	for _, name := range p.Scope().Names() {
		object, isType := p.Scope().Lookup(name).(*types.TypeName)
		if !isType || object.IsAlias() {
			continue
		}
		named, _ := object.Type().(*types.Named)
		structure, isStruct := named.Underlying().(*types.Struct)
		if !isStruct || name == "Config" { // what is set is read field by field
			continue
		}
		var names, given []string // its own, and all that it offers
		for method := range named.Methods() {
			names = append(names, method.Name())
		}
		for field := range structure.Fields() {
			switch {
			case !field.Embedded():
				names = append(names, field.Name())
			case isOurStruct(field.Type()) && field.Name() != "Config":
				faults = append(faults, fmt.Sprintf("%s embeds %s: give the field a name", named, field.Name()))
			case field.Name() != "Config":
				given = append(given, promoted(field)...)
			}
		}
		slices.Sort(names)
		given = append(given, names...)
		slices.Sort(given)
		if n := len(slices.Compact(given)); n > mostNames {
			faults = append(faults, fmt.Sprintf("%s offers %d fields and methods, more than %d: give its parts types of their own", named, n, mostNames))
		}
		lower := map[string]string{}
		for _, name := range slices.Backward(names) {
			if other, known := lower[strings.ToLower(name)]; known {
				faults = append(faults, fmt.Sprintf("%s has %s and %s, which differ by case alone", named, other, name))
			}
			lower[strings.ToLower(name)] = name
		}
	}
	return faults
}

// promoted are the names that an embedded interface, or type of a library, gives away.
func promoted(field *types.Var) (names []string) {
	methods := types.NewMethodSet(field.Type())
	for method := range methods.Methods() {
		names = append(names, method.Obj().Name())
	}
	return append(names, field.Name())
}

func isOurStruct(t types.Type) bool {
	if pointer, ok := t.(*types.Pointer); ok {
		t = pointer.Elem()
	}
	named, ok := t.(*types.Named)
	if !ok || named.Obj().Pkg() == nil || !strings.HasPrefix(named.Obj().Pkg().Path(), "fgbootstrap") {
		return false
	}
	_, isStruct := named.Underlying().(*types.Struct)
	return isStruct
}
