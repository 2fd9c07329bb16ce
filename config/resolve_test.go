package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheAddressOfTheRuntimeAPIIsHostAndPort(t *testing.T) {
	const name = "RUNTIME_API_ADDR"
	for _, good := range []string{"", "127.0.0.1:8080", "localhost:1", "[::1]:65535"} {
		if c := mustLoad(t, vars{name: good}); c.APIAddr != good {
			t.Errorf("%q became %q", good, c.APIAddr)
		}
	}
	for value, want := range map[string]struct{ used, allowed string }{
		"http://127.0.0.1:80":    {"127.0.0.1:80", "must be host:port, without a scheme"},
		"http://127.0.0.1:80/v1": {"127.0.0.1:80", "must be host:port, without a scheme"},
		"127.0.0.1:80/v1":        {"127.0.0.1:80", "must be host:port, with nothing before or after it"},
		" 127.0.0.1:80 ":         {"127.0.0.1:80", "must be host:port, with nothing before or after it"},
		"127.0.0.1":              {"", "must be host:port, without a scheme or path"},
		":80":                    {"", "must be host:port, without a scheme or path"},
		"127.0.0.1:0":            {"", "must be host:port, without a scheme or path"},
		"127.0.0.1:http":         {"", "must be host:port, without a scheme or path"},
		"127.0.0.1:65536":        {"", "must be host:port, without a scheme or path"},
		"user@127.0.0.1:80":      {"", "must be host:port, without a scheme or path"},
		"a b:80":                 {"", "must be host:port, without a scheme or path"},
	} {
		c, problems := load(t, vars{name: value})
		wantProblem(t, problems, name+` is "`+value+`": `+want.allowed)
		if c.APIAddr != want.used {
			t.Errorf("%q gives %q, want %q", value, c.APIAddr, want.used)
		}
	}
}

func TestTheProgramRunsInTheCodeFolderUnlessToldOtherwise(t *testing.T) {
	root, elsewhere := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "app"), 0o755); err != nil {
		t.Fatal(err)
	}
	for set, want := range map[string]string{
		"": root, "app": filepath.Join(root, "app"), "./app/": filepath.Join(root, "app"), ".": root, elsewhere: elsewhere,
	} {
		c := mustLoad(t, vars{"RUNTIME_CODE_ROOT": root, "BOOTSTRAP_DIR": set})
		if c.Dir != want {
			t.Errorf("%q gives %s, want %s", set, c.Dir, want)
		}
	}
}

func TestAFileIsNoWorkingDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "handler")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems := load(t, vars{"BOOTSTRAP_DIR": file})
	if len(problems) != 1 || !strings.Contains(problems[0], "must be an existing directory") || c.Dir != c.CodeRoot {
		t.Errorf("dir %s, problems %q", c.Dir, problems)
	}
}

func TestAMissingCodeFolderIsAProblem(t *testing.T) {
	_, problems := load(t, vars{"RUNTIME_CODE_ROOT": "/no/such/folder"})
	wantProblem(t, problems, `RUNTIME_CODE_ROOT is "/no/such/folder": there is no such directory`)
	_, problems = loadEnviron(t, nil, "/no/such/folder/bootstrap")
	wantProblem(t, problems, "the folder of bootstrap is not a directory; set RUNTIME_CODE_ROOT or BOOTSTRAP_DIR")
}

func TestARelativeSelfGivesAnAbsoluteCodeFolder(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	c, problems := loadEnviron(t, nil, "./bootstrap")
	if len(problems) > 0 || c.CodeRoot != folder || c.Dir != folder {
		t.Errorf("code folder %s, dir %s, problems %v, want %s", c.CodeRoot, c.Dir, problems, folder)
	}
}

func TestASocketPathIsResolvedWhereTheProgramRuns(t *testing.T) {
	const name = "BOOTSTRAP_HTTP_SOCKET"
	for set, want := range map[string]string{"/tmp/a.sock": "/tmp/a.sock", "@abstract": "@abstract"} {
		if c := mustLoad(t, vars{name: set}); c.HTTPSocket != want {
			t.Errorf("%q gives %q", set, c.HTTPSocket)
		}
	}
	if c := mustLoad(t, vars{name: "a.sock", "BOOTSTRAP_DIR": "/tmp"}); c.HTTPSocket != "/tmp/a.sock" {
		t.Errorf("a relative one gives %q", c.HTTPSocket)
	}
	c, problems := load(t, vars{name: "/tmp/" + strings.Repeat("x", 103)})
	if len(problems) != 1 || !strings.HasSuffix(problems[0], "at most 107 bytes") || c.HTTPSocket != "" {
		t.Errorf("socket %q, problems %q", c.HTTPSocket, problems)
	}
	mustLoad(t, vars{name: "/tmp/" + strings.Repeat("x", 102)})
}

func TestASocketAndAPortAreNotSetTogether(t *testing.T) {
	for _, port := range []string{"3000", "8000", "auto"} {
		c, problems := load(t, vars{"BOOTSTRAP_HTTP_SOCKET": "/tmp/a.sock", "BOOTSTRAP_HTTP_PORT": port})
		wantProblem(t, problems, `BOOTSTRAP_HTTP_SOCKET is "/tmp/a.sock": set this or BOOTSTRAP_HTTP_PORT, not both`)
		if c.HTTPSocket != "" {
			t.Errorf("the socket is %q", c.HTTPSocket)
		}
	}
	mustLoad(t, vars{"BOOTSTRAP_HTTP_SOCKET": "/tmp/a.sock", "BOOTSTRAP_HTTP_PORT": ""})
	mustLoad(t, vars{"BOOTSTRAP_HTTP_SOCKET": "", "BOOTSTRAP_HTTP_PORT": "3000"})
}

func TestAnAbstractSocketHasAName(t *testing.T) {
	const name = "BOOTSTRAP_HTTP_SOCKET"
	_, problems := load(t, vars{name: "@"})
	wantProblem(t, problems, name+` is "@": an abstract socket needs a name after the @`)
	mustLoad(t, vars{name: "@" + strings.Repeat("x", 107)})
	_, problems = load(t, vars{name: "@" + strings.Repeat("x", 108)})
	if len(problems) != 1 || !strings.HasSuffix(problems[0], "at most 107 bytes") {
		t.Errorf("problems %q", problems)
	}
}

func TestASocketInAFolderThatIsNotThereIsWarnedOf(t *testing.T) {
	want := "BOOTSTRAP_HTTP_SOCKET is in a folder that does not exist; unless the program makes it, it can't listen there"
	for path, warned := range map[string]bool{"/tmp/a.sock": false, "a.sock": false, "@/no/a.sock": false, "/no/such/a.sock": true, "run/a.sock": true} {
		c := mustLoad(t, vars{"BOOTSTRAP_MODE": "http", "BOOTSTRAP_HTTP_SOCKET": path})
		if slices.Contains(c.Warnings, want) != warned {
			t.Errorf("%s: warnings %q", path, c.Warnings)
		}
	}
}
