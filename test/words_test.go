package test

import (
	"strings"
	"testing"

	"fgbootstrap/platform"
)

const forgotten = "function.env is read by fgdev only; set BOOTSTRAP_MODE, BOOTSTRAP_COMMAND in the console"

func TestAFunctionEnvThatNobodyReadsIsInTheLogAndInEveryError(t *testing.T) {
	t.Parallel()
	env := file("function.env", "BOOTSTRAP_MODE=worker\nBOOTSTRAP_COMMAND='python3 handler.py --token PLANTED'\n", 0o644)
	for name, script := range map[string]string{
		"exit": "exit 3", "own error": `echo '{"errorType":"Mine","errorMessage":"It is mine"}'; exit 1`, "no handler": "",
	} {
		c := deploy(t, nil, env, func(f *platform.Function, o *platform.Options) {
			if script != "" {
				file("handler", "#!/bin/sh\n"+script+"\n", 0o755)(f, o)
			}
		})
		for range 2 {
			if f := c.failure("{}"); !strings.HasSuffix(f.Message, ". function.env sets BOOTSTRAP_MODE, BOOTSTRAP_COMMAND, but the function's variables don't: "+forgotten+".") {
				t.Errorf("%s: %s", name, f.Message)
			}
		}
		c.logs("WARN function.env sets BOOTSTRAP_MODE")
		if strings.Contains(c.log.String(), "PLANTED") {
			t.Errorf("%s: the log shows a value", name)
		}
	}
	// The program that pipe mode finds may well succeed; the log says it then.
	c := deploy(t, settings{"BOOTSTRAP_LOG_FORMAT": "json"}, env, file("handler", "#!/bin/sh\n", 0o755))
	if got := c.answer("{}"); got != "" {
		t.Errorf("got %q", got)
	}
	c.logs(`"message":"function.env sets BOOTSTRAP_MODE, BOOTSTRAP_COMMAND`)
	c = deploy(t, settings{"BOOTSTRAP_MODE": "pip"}, env)
	if f := c.failure("{}"); !strings.Contains(f.Message, "set BOOTSTRAP_COMMAND in the console") {
		t.Errorf("with another problem: %s", f.Message)
	}
}

func TestAFunctionEnvWhoseVariablesAreDeliveredIsNotWarnedOf(t *testing.T) {
	t.Parallel()
	env := file("function.env", "BOOTSTRAP_MODE=pipe\nBOOTSTRAP_COMMAND=false\n", 0o644)
	c := deploy(t, settings{"BOOTSTRAP_MODE": "pipe"}, env, func(f *platform.Function, _ *platform.Options) {
		f.Encrypted = map[string]string{"BOOTSTRAP_COMMAND": "false"}
	})
	if f := c.fails("{}", "Runtime.ExitError"); strings.Contains(f.Message+c.log.String(), "function.env") {
		t.Errorf("%s\n%s", f.Message, c.log)
	}
}

// What the author of each command expected, only a shell does.
func TestAShellThatIsMissingIsInTheLogAndInTheErrorOfEachMode(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"FOO=bar ./prog":  "FOO=…",
		"cd sub; ./prog":  "BOOTSTRAP_DIR",
		"cd sub && false": "&&",
		"$HOME/x":         "$HOME",
		"~/x":             "~",
		"ls *.none":       "*",
		"cat none > x":    ">",
		"ls `echo none`":  "`",
		"ls $(none)":      "$(",
		"sleep 0.01 | x":  "|",
	} {
		modes := []string{"pipe"}
		if want == "*" || want == "FOO=…" { // a program that fails, and one that does not start
			modes = []string{"pipe", "worker", "http"}
		}
		for _, mode := range modes {
			c := deploy(t, settings{"BOOTSTRAP_COMMAND": command, "BOOTSTRAP_MODE": mode}, file("sub/prog", "#!/bin/sh\n", 0o755))
			f := c.failure("{}")
			hint := "BOOTSTRAP_COMMAND has "
			if at := strings.Index(f.Message, hint); at < 0 || !strings.Contains(f.Message[at:], want) || !strings.Contains(f.Message[at:], "sh -c '…'") {
				t.Errorf("%s in %s mode: %s", command, mode, f.Message)
			}
			c.logs("WARN " + hint)
		}
	}
}

func TestACommandThatOnlyLooksLikeAShellsRuns(t *testing.T) {
	t.Parallel()
	c := deploy(t, settings{"BOOTSTRAP_COMMAND": "echo *.txt $HOME a|b > ~"})
	if got := c.answer("{}"); got != "*.txt $HOME a|b > ~\n" {
		t.Errorf("got %q", got)
	}
	c.logs("WARN BOOTSTRAP_COMMAND has *, but no shell reads it")
	c = deploy(t, settings{"BOOTSTRAP_COMMAND": `["sh", "-c", "exit 3"]`})
	if f := c.failure("{}"); strings.Contains(f.Message, "no shell reads it") {
		t.Error(f.Message)
	}
}

func TestASettingInQuotesIsAnAnsweredMistake(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`"pipe"`, `'pipe'`, `“pipe”`, ` "pipe" `} {
		deploy(t, settings{"BOOTSTRAP_MODE": value}).fails("{}", "Runtime.ConfigError", "BOOTSTRAP_MODE is ", "write pipe, without the quotes")
	}
}

func TestWhatAShellOrTheLoaderDidNotFindComesWithItsCure(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"no-such-tool":                        "A program that it calls is not there: put it into the ZIP, and call it by its path",
		"./data":                              "A program that it calls is not executable: run chmod +x before you make the ZIP",
		"exec ./data":                         "is not executable",
		"no-such-tool | false;  no-such-tool": "A program that it calls is not there",
		`echo "./app: error while loading shared libraries: libfoo.so.1: cannot open shared object file: No such file or directory" >&2; exit 127`: "A shared library that it needs is not here: put it into the ZIP and set LD_LIBRARY_PATH=/",
		`echo "ImportError: libGL.so.1: cannot open shared object file: No such file or directory" >&2; exit 1`:                                    "A shared library that it needs is not here",
		`echo "Error loading shared library libfoo.so: No such file or directory (needed by ./app)" >&2; exit 127`:                                 "A shared library that it needs is not here",
		"echo './app: /lib64/libc.so.6: version `GLIBC_2.34'\"'\"' not found (required by ./app)' >&2; exit 1":                                     "It was built on a newer Linux than this one",
	} {
		modes := []string{"pipe"}
		if script == "no-such-tool" || strings.Contains(script, "ImportError") {
			modes = []string{"pipe", "worker", "http"}
		}
		for _, mode := range modes {
			s := sh(script).with("BOOTSTRAP_MODE", mode, "BOOTSTRAP_ERROR_DETAIL", "brief")
			deploy(t, s, file("data", "x", 0o644)).fails("{}", "Runtime.ExitError", want)
		}
	}
}

func TestAFileUnderAnotherNameIsNamed(t *testing.T) {
	t.Parallel()
	program := "#!/bin/sh\n"
	for _, row := range []struct{ command, file, errorType, want string }{
		{"", "handler.sh", "Runtime.ConfigError", "There is a file handler.sh: set BOOTSTRAP_COMMAND=/bin/sh handler.sh."},
		{"", "Handler", "Runtime.ConfigError", "set BOOTSTRAP_COMMAND=./Handler, or rename it to handler"},
		{"", "index.py", "Runtime.ConfigError", "There is a file index.py: set BOOTSTRAP_COMMAND="},
		{"", "i.zip", "Runtime.ConfigError", "holds only i.zip"},
		{"", "app/handler", "Runtime.ConfigError", "holds only the folder app"},
		{"my händler.sh", "my händler.sh", "Runtime.InitError", "quote it in BOOTSTRAP_COMMAND"},
		{"sh my händler.sh", "my händler.sh", "Runtime.ExitError", "quote it in BOOTSTRAP_COMMAND"},
		{"sh handler.sh", "i.zip", "Runtime.ExitError", "holds only i.zip"},
		{"./run", "app/run", "Runtime.InitError", "There is one in the folder app"},
	} {
		modes := []string{"pipe"}
		if row.file == "i.zip" || row.file == "my händler.sh" {
			modes = []string{"pipe", "worker", "http"}
		}
		for _, mode := range modes {
			s := settings{"BOOTSTRAP_MODE": mode}
			if row.command != "" {
				s["BOOTSTRAP_COMMAND"] = row.command
			}
			deploy(t, s, file(row.file, program, 0o755)).fails("{}", row.errorType, row.want)
		}
	}
}
