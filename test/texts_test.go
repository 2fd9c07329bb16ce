package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// products are the folders whose texts reach users, but for testParts.
var (
	products  = []string{"adapter", "cmd", "config", "internal", "modes", "platform", "runtimeapi"}
	testParts = []string{"internal/testkit", "internal/testrun", "internal/modetest", "internal/uncompressed", "platform/fgtest"}
)

// text is a string of the code, as a message would be written.
type text struct {
	file, in string
	line     int
	words    string
}

func textsBelow(t *testing.T, top string) (all []text) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		name = filepath.ToSlash(name)
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(testParts, name):
			return fs.SkipDir
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		found, err := textsOf(name, readFile(t, name))
		all = append(all, found...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// textsOf are the strings of a file, but for imports and the tags of fields. What is joined by + is one.
func textsOf(name, source string) (all []text, err error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, name, source, 0)
	if err != nil {
		return nil, err
	}
	for _, top := range parsed.Decls {
		for in, node := range declared(top) {
			each(node, func(at token.Pos, joined string) {
				all = append(all, text{name, in, files.Position(at).Line, written(joined)})
			})
		}
	}
	return all, nil
}

// declared are the parts of a declaration that may hold strings, each with its name.
func declared(top ast.Decl) iter.Seq2[string, ast.Node] {
	return func(yield func(string, ast.Node) bool) {
		switch top := top.(type) {
		case *ast.FuncDecl:
			yield(top.Name.Name, top)
		case *ast.GenDecl:
			for _, spec := range top.Specs {
				if values, ok := spec.(*ast.ValueSpec); ok && !yield(values.Names[0].Name, spec) {
					return
				}
			}
		}
	}
}

// each calls do for every string below node.
func each(node ast.Node, do func(at token.Pos, joined string)) {
	ast.Inspect(node, func(n ast.Node) bool {
		switch e := n.(type) {
		case *ast.Field:
			return false
		case *ast.BasicLit, *ast.BinaryExpr:
			parts := operands(e.(ast.Expr))
			joined := ""
			for _, part := range parts {
				if s, ok := literal(part); ok {
					joined += s
					continue
				}
				joined += "%v"
				if len(parts) > 1 { // there may be strings in it
					each(part, do)
				}
			}
			if joined != strings.Repeat("%v", len(parts)) {
				do(n.Pos(), joined)
				return false
			}
			return len(parts) == 1
		}
		return true
	})
}

// operands are what + joins in e, or e alone.
func operands(e ast.Expr) []ast.Expr {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return operands(e.X)
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return append(operands(e.X), operands(e.Y)...)
		}
	}
	return []ast.Expr{e}
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

var (
	verb   = regexp.MustCompile(`%[-+#0]*(\[\d+\])?[\d.]*[a-zA-Z]`)
	varies = regexp.MustCompile(`…+`)
	word   = regexp.MustCompile(`^[A-Za-z_'-]*[A-Za-z]$`)
)

// written is s as the page has it: … for what varies, one blank between words.
func written(s string) string {
	if strings.HasSuffix(s, " ") { // something will follow
		s += "…"
	}
	s = strings.ReplaceAll(verb.ReplaceAllString(s, "…"), "%…", "…") // %%s becomes %s, and that a value
	return strings.Join(strings.Fields(varies.ReplaceAllString(s, "…")), " ")
}

// isSentence reports whether s has three words in a row; what varies may stand between them.
func isSentence(s string) bool {
	row := 0
	for _, field := range strings.Fields(s) {
		switch bare := strings.Trim(field, ".,:;!?()\"'`…"); {
		case bare == "":
		case word.MatchString(bare):
			row++
		default:
			row = 0
		}
		if row == 3 {
			return true
		}
	}
	return false
}
