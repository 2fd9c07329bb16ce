//go:build linux

package doctor_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fgbootstrap/internal/doctor"

	"golang.org/x/sys/unix"
)

// tree makes files under a new folder; a name that ends in / is a folder, one
// that begins with - is not executable.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		mode := os.FileMode(0o755)
		if rest, plain := strings.CutPrefix(name, "-"); plain {
			name, mode = rest, 0o644
		}
		path := filepath.Join(root, name)
		folder := filepath.Dir(path)
		if strings.HasSuffix(name, "/") {
			folder = path
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if folder != path {
			if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

func TestACommandIsLookedFor(t *testing.T) {
	root := tree(t, "code/run", "code/both", "code/sub/deep", "-code/plain", "code/folder/", "code/data/tool",
		"bin/both", "bin/tool", "bin/plain", "bin/folder", "more/tool", "more/last", "work/here", "work/sub/deep")
	t.Setenv("PATH", filepath.Join(root, "more")) // ours does not count
	for word, want := range map[string]string{
		"run":                             "code/run",
		"both":                            "code/both",
		"tool":                            "bin/tool",
		"plain":                           "bin/plain",
		"folder":                          "bin/folder",
		"here":                            "work/here", // an empty entry of PATH is the working directory
		"./here":                          "work/here",
		"sub/deep":                        "work/sub/deep",
		"../code/run":                     "code/run",
		filepath.Join(root, "more/last"):  "more/last",
		filepath.Join(root, "/code/both"): "code/both",
		"last":                            "",
		"./run":                           "",
		"code/run":                        "",
	} {
		c := doctor.Command{
			Words: []string{word, "an argument"}, Handler: "run",
			CodeRoot: filepath.Join(root, "code"), Dir: filepath.Join(root, "work"),
			Path: filepath.Join(root, "nowhere") + ":" + filepath.Join(root, "bin") + "::",
		}
		path, args, err := c.Find()
		if want == "" {
			if err == nil {
				t.Errorf("%s is %s", word, path)
			}
			continue
		}
		if path != filepath.Join(root, want) || err != nil || !slices.Equal(args, c.Words) {
			t.Errorf("%s is %s with %q, %v; want %s", word, path, args, err, want)
		}
	}
}

func TestWithoutACommandTheHandlerIsIt(t *testing.T) {
	for _, test := range []struct {
		handler string
		files   []string
		want    string
	}{
		{"run", []string{"run", "handler"}, "run"},
		{"run -a  b", []string{"run", "handler"}, "run -a b"},
		{"sub/run", []string{"sub/run"}, "sub/run"},
		{"bootstrap", []string{"bootstrap", "handler"}, "handler"},
		{"index.handler", []string{"handler"}, "handler"},
		{"run", []string{"-run", "handler"}, "handler"},
		{"", []string{"handler"}, "handler"},
		{" ", []string{"handler"}, "handler"},
	} {
		root := tree(t, test.files...)
		for _, words := range [][]string{nil, {}} {
			c := doctor.Command{Words: words, Handler: test.handler, CodeRoot: root, Dir: "/", Path: "/bin"}
			path, args, err := c.Find()
			want := strings.Fields(filepath.Join(root, test.want))
			if err != nil || path != want[0] || !slices.Equal(args, want) {
				t.Errorf("handler %q among %q is %s with %q, %v", test.handler, test.files, path, args, err)
			}
		}
	}
}

func TestATypoInAProgramOfThePathIsNamed(t *testing.T) {
	path := tree(t, "python3", "jq")
	c := doctor.Command{Words: []string{"pyton3", "app.py"}, CodeRoot: t.TempDir(), Dir: "/", Path: "/nowhere:" + path}
	_, _, err := c.Find()
	if err == nil {
		t.Fatal("it was found")
	}
	mustSay(t, err.Error(), "Did you mean "+path+"/python3?")
	c.Words = []string{"yq"} // one letter from jq, and not meant for it
	if _, _, err := c.Find(); err == nil || strings.Contains(err.Error(), "Did you mean") {
		t.Errorf("got %v", err)
	}
}

func TestAProgramThatIsCloseByChanceIsNotSuggested(t *testing.T) {
	path := tree(t, "pkmon", "python3", "note", "nodes", "perf", "tar", "rustc")
	for word, want := range map[string]string{
		"pymton": "python3", "phyton": "python3", "python": "python3", "node": "nodes", "rusct": "rustc", "ruztk": "", "mktar": "", "xpkmon2": "", "deno": "", "jq": "",
	} {
		c := doctor.Command{Words: []string{word}, CodeRoot: t.TempDir(), Dir: "/", Path: path}
		_, _, err := c.Find()
		if want == "" && strings.Contains(err.Error(), "Did you mean") || want != "" && !strings.Contains(err.Error(), "Did you mean "+path+"/"+want+"?") {
			t.Errorf("%s: %v", word, err)
		}
	}
	c := doctor.Command{Words: []string{"pymton"}, CodeRoot: t.TempDir(), Dir: "/", Path: tree(t, "pkmon")}
	if _, _, err := c.Find(); strings.Contains(err.Error(), "pkmon") && strings.Contains(err.Error(), "Did you mean") {
		t.Error(err)
	}
}

func TestAHandlerThatCantRunIsDiagnosed(t *testing.T) {
	for _, test := range []struct {
		handler string
		files   []string
		want    string
	}{
		{"", []string{"-handler"}, "ROOT/handler is not executable. Run chmod +x handler"},
		{"run.sh", []string{"-run.sh", "-handler"}, "ROOT/run.sh is not executable. Run chmod +x run.sh"},
		{"", []string{"handler/"}, "ROOT/handler is a directory"},
	} {
		root := tree(t, test.files...)
		c := doctor.Command{Handler: test.handler, CodeRoot: root, Dir: root, Path: "/bin"}
		_, _, err := c.Find()
		var start *doctor.StartError
		if !errors.As(err, &start) || start.Missing {
			t.Fatalf("handler %q among %q: %v", test.handler, test.files, err)
		}
		mustSay(t, start.Message, strings.ReplaceAll(test.want, "ROOT", root))
	}
}

func TestWithoutAnyProgramItIsSaidWhatWasLookedFor(t *testing.T) {
	const set = "Set BOOTSTRAP_COMMAND to the program and its arguments"
	for _, test := range []struct {
		handler string
		files   []string
		want    []string
	}{
		{"index.handler", nil, []string{`neither the function's handler "index.handler" nor handler is an executable file of ROOT`, set}},
		{"", nil, []string{"there is no executable file ROOT/handler", set}},
		{"bootstrap", []string{"bootstrap"}, []string{"there is no executable file ROOT/handler", set}},
	} {
		root := tree(t, test.files...)
		c := doctor.Command{Handler: test.handler, CodeRoot: root, Dir: root, Path: "/bin"}
		_, _, err := c.Find()
		var start *doctor.StartError
		if !errors.As(err, &start) || !start.Missing {
			t.Fatalf("handler %q among %q: %v", test.handler, test.files, err)
		}
		mustSay(t, start.Message, "There is no program to run: BOOTSTRAP_COMMAND is not set, and ")
		for _, want := range test.want {
			mustSay(t, start.Message, strings.ReplaceAll(want, "ROOT", root))
		}
	}
}

func TestAWrongCommandIsExplained(t *testing.T) {
	root := tree(t, "code/handler.py", "-code/plain.sh", "code/src/main", "bin/tool", "bin/python", "-bin/dull",
		"runtime/python/3.9/bin/python3", "runtime/nodejs/node", "runtime/odd/[")
	if err := os.Symlink("/nowhere/python3", filepath.Join(root, "code/link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", filepath.Join(root, "code/loop")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		word  string
		path  string
		want  string
		cause error
	}{
		{"handlr.py", "ROOT/bin", `There is no program "handlr.py", neither in ROOT/code nor on the PATH (ROOT/bin).` +
			` Did you mean ROOT/code/handler.py?`, unix.ENOENT},
		{"./handlr.py", "", `There is no file ROOT/code/handlr.py. Did you mean ROOT/code/handler.py?`, unix.ENOENT},
		{"tool", "", `There is no program "tool" in ROOT/code, and PATH is not set. Put it into the ZIP`, unix.ENOENT},
		{"plain.sh", "ROOT/bin", `ROOT/code/plain.sh is not executable. Run chmod +x plain.sh`, unix.EACCES},
		{"./plain.sh", "ROOT/bin", `ROOT/code/plain.sh is not executable. Run chmod +x plain.sh`, unix.EACCES},
		{"dull", "ROOT/bin", `ROOT/bin/dull is not executable.`, unix.EACCES},
		{"src", "ROOT/bin", `ROOT/code/src is a directory, not a program.`, unix.EACCES},
		{"./src", "ROOT/bin", `ROOT/code/src is a directory, not a program.`, unix.EACCES},
		{"bin", "ROOT", `There is no program "bin"`, unix.ENOENT}, // a folder on the PATH is none
		{"python3", "ROOT/bin", `The platform has one at ROOT/runtime/python/3.9/bin/python3: put that into BOOTSTRAP_COMMAND.`, unix.ENOENT},
		{"node", "ROOT/bin", `The platform has one at ROOT/runtime/nodejs/node`, unix.ENOENT},
		{"[", "ROOT/bin", `The platform has one at ROOT/runtime/odd/[:`, unix.ENOENT},
		{"*", "ROOT/bin", `There is no program "*", neither in ROOT/code nor on the PATH (ROOT/bin). Put it into the ZIP`, unix.ENOENT},
		{"python3 handler.py", "ROOT/bin", `It is one word with a space in it: was the whole command quoted?`, unix.ENOENT},
		{"/bin/sh /opt/run.sh", "ROOT/bin", `There is no file /bin/sh /opt/run.sh. It is one word with a space in it`, unix.ENOENT},
		{"./link", "ROOT/bin", `ROOT/code/link is a symbolic link to /nowhere/python3, which is not here.`, unix.ENOENT},
		{"./loop", "ROOT/bin", `ROOT/code/loop can't be started: too many levels of symbolic links (ELOOP).`, unix.ELOOP},
		{"./handler.py/x", "ROOT/bin", `There is no file ROOT/code/handler.py/x.`, unix.ENOTDIR},
		{"sh", "ROOT/bin", `There is no program "sh"`, unix.ENOENT},
		{"/dev/null", "ROOT/bin", `/dev/null can't be started: permission denied (EACCES).`, unix.EACCES},
	} {
		c := doctor.Command{
			Words: []string{test.word, "x"}, CodeRoot: filepath.Join(root, "code"), Dir: filepath.Join(root, "code"),
			Path: strings.ReplaceAll(test.path, "ROOT", root), Runtimes: filepath.Join(root, "runtime"),
		}
		_, _, err := c.Find()
		var start *doctor.StartError
		if !errors.As(err, &start) || start.Missing {
			t.Errorf("%s: %v", test.word, err)
			continue
		}
		if !errors.Is(err, test.cause) {
			t.Errorf("%s: caused by %v, want %v", test.word, start.Cause, test.cause)
		}
		mustSay(t, start.Message, strings.ReplaceAll(test.want, "ROOT", root))
	}
}
