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

func TestAShellOperatorIsWarnedOf(t *testing.T) {
	for _, op := range []string{"|", ">", ">>", "<", "&&", "||", ";", "&", "2>&1"} {
		c := mustLoad(t, vars{"BOOTSTRAP_COMMAND": "run " + op + " it"})
		want := "BOOTSTRAP_COMMAND has the word " + op + `, but no shell is involved; use ["sh","-c","…"] if you want one`
		if !slices.Equal(c.Warnings, []string{want}) {
			t.Errorf("%s: warnings %q", op, c.Warnings)
		}
	}
	if c := mustLoad(t, vars{"BOOTSTRAP_COMMAND": `["grep", "|"]`}); len(c.Warnings) > 0 {
		t.Errorf("a word of a JSON array is warned of: %q", c.Warnings)
	}
}

func TestAVariableInACommandIsWarnedOf(t *testing.T) {
	for command, name := range map[string]string{
		"python3 -m http.server $PORT": "$PORT", "php -S 127.0.0.1:${PORT} index.php": "$PORT", "$APP/run": "$APP", "run '$APP' $PORT": "$APP",
		"sh -c 'exec run $PORT'": "", "sh -c $APP": "", "awk '$NF' '{print $PORT}'": "", "run $OTHER $ $1 a$": "", `["run", "$PORT"]`: "",
	} {
		c := mustLoad(t, vars{"BOOTSTRAP_COMMAND": command, "APP": "/opt/app"})
		want := "BOOTSTRAP_COMMAND has the word " + name + `, but no shell is involved; use ["sh","-c","…"] if you want one`
		if (name == "" && len(c.Warnings) > 0) || (name != "" && !slices.Equal(c.Warnings, []string{want})) {
			t.Errorf("%s: warnings %q", command, c.Warnings)
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
