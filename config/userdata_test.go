package config_test

import (
	"slices"
	"strings"
	"testing"

	"fgbootstrap/config"
)

// valueOf looks a variable up in the environment of the program.
func valueOf(c *config.Config, name string) (string, bool) {
	for _, entry := range c.Env {
		if n, v, _ := strings.Cut(entry, "="); n == name {
			return v, true
		}
	}
	return "", false
}

func TestUserDataIsLaidOverTheEnvironment(t *testing.T) {
	c := mustLoad(t, vars{
		"A": "process", "B": "process", "BOOTSTRAP_MODE": "http",
		"RUNTIME_USERDATA": `{"A": "user", "C": "new", "BOOTSTRAP_MODE": "worker"}`,
	})
	for name, want := range map[string]string{"A": "user", "B": "process", "C": "new", "BOOTSTRAP_MODE": "worker"} {
		if got, _ := valueOf(c, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if c.Mode != "worker" {
		t.Errorf("mode is %s, want worker", c.Mode)
	}
}

func TestAValueThatIsNoStringCountsAsItsJSON(t *testing.T) {
	c := mustLoad(t, vars{"RUNTIME_USERDATA": `{
		"INT": 10000000000000000000001, "FLOAT": 1.50e+3, "TRUE": true, "NULL": null,
		"OBJECT": {"a":
			[1, 2.0, "<&>"]}, "STRING": "é\n\"", "BOOTSTRAP_CONCURRENCY": 4, "BOOTSTRAP_STREAMING": true,
		"BOOTSTRAP_COMMAND": ["sh", "-c", "a b"]}`})
	for name, want := range map[string]string{
		"INT": "10000000000000000000001", "FLOAT": "1.50e+3", "TRUE": "true", "NULL": "null",
		"OBJECT": `{"a":[1,2.0,"<&>"]}`, "STRING": "é\n\"",
	} {
		if got, _ := valueOf(c, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if c.Concurrency != 4 || !c.Streaming || !slices.Equal(c.Command, []string{"sh", "-c", "a b"}) {
		t.Errorf("settings that are no strings: %+v", c)
	}
}

func TestUserDataNeverChangesWhatThePlatformSays(t *testing.T) {
	c := mustLoad(t, vars{"RUNTIME_TIMEOUT": "10", "RUNTIME_USERDATA": `{"RUNTIME_TIMEOUT": "99", "RUNTIME_NEW": "x"}`})
	if got, _ := valueOf(c, "RUNTIME_TIMEOUT"); got != "10" || c.Timeout.Seconds() != 10 {
		t.Errorf("the timeout is %v, and %s for the program", c.Timeout, got)
	}
	if _, there := valueOf(c, "RUNTIME_NEW"); there {
		t.Error("RUNTIME_NEW got through")
	}
	want := []string{
		"the key RUNTIME_NEW of RUNTIME_USERDATA is ignored: names that start with RUNTIME_ are the platform's",
		"the key RUNTIME_TIMEOUT of RUNTIME_USERDATA is ignored: names that start with RUNTIME_ are the platform's",
	}
	if !slices.Equal(c.Warnings, want) {
		t.Errorf("warnings %q", c.Warnings)
	}
}

func TestNoUserDataIsFine(t *testing.T) {
	for _, data := range []string{"", " ", "{}", "null"} {
		mustLoad(t, vars{"RUNTIME_USERDATA": data})
	}
}

func TestBrokenUserDataIsAProblemWithItsPlace(t *testing.T) {
	const object = "; it must be a JSON object of variables"
	for data, want := range map[string]string{
		`{"A": `:            "RUNTIME_USERDATA is not valid JSON: syntax error at byte 6" + object,
		`{"A": 1}}`:         "RUNTIME_USERDATA is not valid JSON: syntax error at byte 9" + object,
		`A=1`:               "RUNTIME_USERDATA is not valid JSON: syntax error at byte 1" + object,
		`["A"]`:             "RUNTIME_USERDATA is JSON but not an object" + object,
		`"A"`:               "RUNTIME_USERDATA is JSON but not an object" + object,
		`1`:                 "RUNTIME_USERDATA is JSON but not an object" + object,
		`{"": 1}`:           "RUNTIME_USERDATA has an empty key; a variable needs a name",
		`{"A=B": 1}`:        `RUNTIME_USERDATA has a key with = in it, after "A"; no variable can have that name`,
		`{"A\u0000": 1}`:    `RUNTIME_USERDATA has the key "A\x00" with a NUL byte in it; no variable can have that name`,
		`{"A B": "\u0000"}`: `the value of "A B" in RUNTIME_USERDATA has a NUL byte in it; no variable can hold that`,
	} {
		c, problems := load(t, vars{"RUNTIME_USERDATA": data, "KEPT": "yes"})
		wantProblem(t, problems, want)
		if got, _ := valueOf(c, "KEPT"); got != "yes" {
			t.Errorf("%s: the environment is lost", data)
		}
	}
}

func FuzzUserData(f *testing.F) {
	for _, seed := range []string{`{"A":"b"}`, `{"A":1e400,"B":{"c":[null]}}`, `{"RUNTIME_X":1,"":2,"=":3}`, `[`, `null`, "{\"\xff\":\"\\ud800\"}", `{"BOOTSTRAP_MODE":"pip"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		if strings.ContainsRune(data, 0) {
			t.Skip("no environment holds a NUL")
		}
		c, _ := loadEnviron(t, []string{"RUNTIME_USERDATA=" + data}, "/bootstrap")
		if !sortedByName(c.Env) {
			t.Errorf("the environment is not sorted: %q", c.Env)
		}
		for _, entry := range c.Env {
			name, _, ok := strings.Cut(entry, "=")
			if !ok || name == "" || strings.ContainsRune(entry, 0) {
				t.Errorf("%q is no entry of an environment", entry)
			}
		}
		if c.Timeout <= 0 || c.Margin <= 0 || c.Margin >= c.Timeout || c.Concurrency < 1 || c.MaxResponse <= 0 {
			t.Errorf("the config is not usable: %+v", c)
		}
	})
}

func sortedByName(env []string) bool {
	return slices.IsSortedFunc(env, func(a, b string) int {
		nameA, _, _ := strings.Cut(a, "=")
		nameB, _, _ := strings.Cut(b, "=")
		return strings.Compare(nameA, nameB)
	})
}
