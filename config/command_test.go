package config_test

import (
	"slices"
	"strings"
	"testing"
)

func TestACommandIsWordsOrAJSONArray(t *testing.T) {
	for value, want := range map[string][]string{
		"./run":                     {"./run"},
		"python3  -u handler.py":    {"python3", "-u", "handler.py"},
		`sh -c 'echo "a b"; exit'`:  {"sh", "-c", `echo "a b"; exit`},
		`run "a \"b\"" c\ d ''`:     {"run", `a "b"`, "c d", ""},
		"run\n--flag\tx":            {"run", "--flag", "x"},
		"run it\r\n":                {"run", "it"},
		"run \\\n it":               {"run", "it"},
		"run é":                     {"run", "é"},
		`["sh", "-c", "a | b"]`:     {"sh", "-c", "a | b"},
		"\n [\"run\", \"\", \"é\"]": {"run", "", "é"},
	} {
		c := mustLoad(t, vars{"BOOTSTRAP_COMMAND": value})
		if !slices.Equal(c.Command, want) || len(c.Warnings) > 0 {
			t.Errorf("%q gives %q, warnings %q, want %q", value, c.Command, c.Warnings, want)
		}
	}
}

func TestABrokenCommandSaysWhere(t *testing.T) {
	const noWord = "it has no words; write words with shell quoting, or a JSON array of strings"
	const noArray = "it starts with [ but is not a JSON array of strings"
	for value, want := range map[string]string{
		" ":                  noWord,
		"\r\n":               noWord,
		"\\\n":               noWord,
		"[]":                 noWord,
		`''`:                 "its first word, the program, is empty",
		`["", "x"]`:          "its first word, the program, is empty",
		`run 'it`:            "the single quote at byte 5 is never closed",
		`run 'a' 'it"`:       "the single quote at byte 9 is never closed",
		`run "it`:            "the double quote at byte 5 is never closed",
		`run "a" "it \" 'x'`: "the double quote at byte 9 is never closed",
		`run it\`:            "it ends in a backslash with nothing after it",
		`["run"`:             noArray + ": syntax error at byte 6",
		`["run", it]`:        noArray + ": syntax error at byte 9",
		`['run', 'it']`:      noArray + `: syntax error at byte 2; JSON wants straight double quotes (")`,
		`[“run”, “it”]`:      noArray + `: syntax error at byte 2; JSON wants straight double quotes (")`,
		`["run", 1]`:         "element 2 of its JSON array is not a string",
		`[null]`:             "element 1 of its JSON array is not a string",
		`["a\u0000"]`:        "a word contains a NUL byte, which can't be passed to a program",
	} {
		c, problems := load(t, vars{"BOOTSTRAP_COMMAND": value})
		wantProblem(t, problems, "BOOTSTRAP_COMMAND: "+want)
		if c.Command != nil {
			t.Errorf("%q gives the command %q", value, c.Command)
		}
	}
}

// hintOf is the hint that a command gets. It must be the only warning, too.
func hintOf(t *testing.T, command string) string {
	t.Helper()
	c := mustLoad(t, vars{"BOOTSTRAP_COMMAND": command, "APP": "/opt/app"})
	if said := strings.Join(c.Warnings, " "); said != c.CommandHint {
		t.Errorf("%s: the warnings are %q, the hint %q", command, said, c.CommandHint)
	}
	return c.CommandHint
}

func TestNoCommandExpectsAShellWithoutBeingTold(t *testing.T) {
	const around = "write sh -c '…' around the whole command if you want one"
	for command, want := range map[string]string{
		"FOO=bar prog":                   "FOO=…, but no shell reads it: set the variable in the function's settings, or " + around,
		`FOO="a b" BAR=c prog`:           "FOO=…, but no shell reads it: set the variable in the function's settings, or " + around,
		"cd sub; ./prog":                 ";, but no shell reads it: set BOOTSTRAP_DIR to the folder instead of cd, or " + around,
		"cd sub && ./prog":               "&&, but no shell reads it: set BOOTSTRAP_DIR to the folder instead of cd, or " + around,
		"$HOME/x":                        "$HOME, but no shell reads it: " + around,
		"${HOME}/x":                      "$HOME, but no shell reads it: " + around,
		"$VENV/bin/python app.py":        "$VENV, but no shell reads it: " + around,
		"$APP/run":                       "$APP, but no shell reads it: " + around,
		"run '$OTHER' $PORT":             "$PORT, but no shell reads it: " + around,
		"run --id=$X_CFF_REQUEST_ID":     "$X_CFF_REQUEST_ID, but no shell reads it: " + around,
		`run "$PORT"`:                    "$PORT, but no shell reads it: " + around,
		"php -S 127.0.0.1:${PORT} a.php": "$PORT, but no shell reads it: " + around,
		"grep x *.txt":                   "*, but no shell reads it: " + around,
		"cat data/?.txt":                 "?, but no shell reads it: " + around,
		"~/x":                            "~, but no shell reads it: write the whole path, or " + around,
		"run --config=~/x":               "~, but no shell reads it: write the whole path, or " + around,
		"~me/x":                          "~, but no shell reads it: write the whole path, or " + around,
		"run | it":                       "|, but no shell reads it: " + around,
		"cat x|grep y":                   "|, but no shell reads it: " + around,
		"run || it":                      "||, but no shell reads it: " + around,
		"run > /tmp/x":                   ">, but no shell reads it: " + around,
		"run >/tmp/x":                    ">, but no shell reads it: " + around,
		"run >> /tmp/x":                  ">>, but no shell reads it: " + around,
		"run 2>/dev/null":                "2>, but no shell reads it: " + around,
		"run 2> /dev/null":               "2>, but no shell reads it: " + around,
		"run 2>&1":                       "2>&1, but no shell reads it: " + around,
		"run &> x":                       "&>, but no shell reads it: " + around,
		"run < x":                        "<, but no shell reads it: " + around,
		"run &":                          "&, but no shell reads it: " + around,
		"server& client":                 "&, but no shell reads it: " + around,
		"run ; it":                       ";, but no shell reads it: " + around,
		"run `date`":                     "`, but no shell reads it: " + around,
		"run $(date)":                    "$(, but no shell reads it: " + around,
		`run "$(date)"`:                  "$(, but no shell reads it: " + around,
		"run # every day":                "#, but no shell reads it: leave the comment out",
		"sh -c “echo”":                   "",
		"run “it”":                       "the typographic quote “, but no shell reads it: quote with ' or \"",
	} {
		if want != "" {
			want = "BOOTSTRAP_COMMAND has " + want
		}
		if got := hintOf(t, command); got != want {
			t.Errorf("%s: got %q, want %q", command, got, want)
		}
	}
}

func TestACommandThatExpectsNoShellGetsNoHint(t *testing.T) {
	for _, command := range []string{
		"python3 handler.py", "grep '*.txt'", `grep "*.txt"`, `find . -name \*.txt`, `["grep", "|"]`, `["run", "$PORT"]`, "run ';' \"a|b\"",
		"sh -c 'cd sub; ./prog > x'", `bash -lc "run *.txt | $PORT"`, "sh -c $APP", "awk '$NF' '{print $PORT}'", `awk "{print $PORT}"`,
		"curl http://host/path?a=1&b=2", "run $OTHER $ $1 a$", "run --token=$ecret/x", "run key=value FOO=bar", "env FOO=bar run", "run a~b #1", "./a=b",
	} {
		if got := hintOf(t, command); got != "" {
			t.Errorf("%s: %s", command, got)
		}
	}
}

func TestAHintShowsNoPartOfTheCommandThatMayBeSecret(t *testing.T) {
	const plant = "s3cr3t-pl4nt"
	for _, command := range []string{
		"TOKEN=" + plant + " run", "run " + plant + "; it", "run --token=" + plant + ">x", "run *" + plant, "~/" + plant, "run `" + plant + "`", "run “" + plant + "”",
	} {
		if got := hintOf(t, command); got == "" || strings.Contains(got, plant) {
			t.Errorf("%s: %q", command, got)
		}
	}
}

func FuzzCommand(f *testing.F) {
	for _, seed := range []string{"run it", `sh -c 'a b'`, `"a \" b`, `["a","b"]`, `[1`, `a\`, " ", "a | b", "\xff'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if strings.ContainsRune(v, 0) {
			t.Skip("no environment holds a NUL")
		}
		c, problems := loadEnviron(t, []string{"BOOTSTRAP_COMMAND=" + v}, "/bootstrap")
		switch {
		case len(problems) > 1, v == "" && len(problems) > 0:
			t.Errorf("%q has the problems %q", v, problems)
		case (c.Command == nil) != (v == "" || len(problems) == 1):
			t.Errorf("%q gives %q and %q", v, c.Command, problems)
		case c.Command != nil && (c.Command[0] == "" || strings.ContainsRune(strings.Join(c.Command, ""), 0)):
			t.Errorf("%q gives a command that can't be run: %q", v, c.Command)
		}
	})
}
