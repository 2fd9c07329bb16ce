package config_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"fgbootstrap/config"

	"go.uber.org/zap/zapcore"
)

func TestAllProblemsAreListedAtOnce(t *testing.T) {
	c, problems := load(t, vars{
		"RUNTIME_USERDATA":      `{"A=b": "c", "BOOTSTRAP_CONCURRENCY": 0}`,
		"RUNTIME_API_ADDR":      "http://127.0.0.1:8080",
		"RUNTIME_TIMEOUT":       "soon",
		"BOOTSTRAP_MODE":        "pip",
		"BOOTSTRAP_COMMAND":     `sh -c 'exit`,
		"BOOTSTRAP_DIR":         "gone",
		"BOOTSTRAP_INIT_WAIT":   "5",
		"BOOTSTRAP_HTTP_PORT":   "70000",
		"BOOTSTRAP_LOG_LEVLE":   "debug",
		"BOOTSTRAP_LOG_LEVEL":   "debug",
		"BOOTSTRAP_CREDENTIALS": "yes please",
	})
	want := config.Problems{
		`RUNTIME_USERDATA has a key with = in it, after "A"; no variable can have that name`,
		`RUNTIME_TIMEOUT is "soon": must be a number of seconds without a unit, at least 0.001`,
		`BOOTSTRAP_MODE is "pip": must be one of: pipe, worker, http`,
		`BOOTSTRAP_COMMAND: the single quote at byte 7 is never closed`,
		`BOOTSTRAP_INIT_WAIT is "5": must be a duration with a unit, such as 500ms, 2.5s or 1m`,
		`BOOTSTRAP_CONCURRENCY is "0": must be a whole number from 1 to 1000`,
		`BOOTSTRAP_CREDENTIALS is "yes please": must be on or off`,
		`BOOTSTRAP_HTTP_PORT is "70000": must be a port from 1 to 65535, or auto`,
		`RUNTIME_API_ADDR is "http://127.0.0.1:8080": must be host:port, without a scheme`,
		`BOOTSTRAP_DIR is "gone": must be an existing directory, absolute or relative to the code folder`,
		`BOOTSTRAP_LOG_LEVLE is not a setting; did you mean BOOTSTRAP_LOG_LEVEL?`,
	}
	if !slices.Equal(problems, want) {
		t.Errorf("problems:\n%s\nwant:\n%s", strings.Join(problems, "\n"), strings.Join(want, "\n"))
	}
	if got := problems.Error(); got != strings.Join(want, "; ") {
		t.Errorf("the error reads %q", got)
	}
	usable := c.APIAddr == "127.0.0.1:8080" && c.Timeout == 3*time.Second && c.Margin == 150*time.Millisecond &&
		c.LogLevel == zapcore.DebugLevel && c.LogFormat == "text" && c.Concurrency == 1 && c.Mode == "pipe" &&
		c.Dir == c.CodeRoot && c.Command == nil && c.InitWait == 2500*time.Millisecond && c.HTTPPort == 8000
	if !usable {
		t.Errorf("the config is not usable: %+v", c)
	}
}

func TestABadValueLeavesEverythingElseAlone(t *testing.T) {
	for _, s := range config.Settings() {
		t.Run(s.Name, func(t *testing.T) {
			want := mustLoad(t, nil)
			got, problems := load(t, vars{s.Name: "\x01['"})
			switch {
			case s.Name == "BOOTSTRAP_HTTP_SOCKET": // any name of a file will do
				return
			case len(problems) != 1 || !strings.HasPrefix(problems[0], s.Name):
				t.Errorf("problems %q, want one that starts with %s", problems, s.Name)
			}
			got.Env, got.CodeRoot, got.Dir = want.Env, want.CodeRoot, want.Dir
			if !reflect.DeepEqual(got, want) {
				t.Errorf("config\n%+v, want\n%+v", got, want)
			}
		})
	}
}

func TestALongValueIsCutAtWholeCharacters(t *testing.T) {
	_, problems := load(t, vars{"BOOTSTRAP_MODE": "x" + strings.Repeat("é", 60)})
	wantProblem(t, problems, fmt.Sprintf("BOOTSTRAP_MODE is %q: must be one of: pipe, worker, http", "x"+strings.Repeat("é", 39)+"…"))
}

func TestASecretPastedIntoASettingIsMasked(t *testing.T) {
	_, problems := load(t, vars{"BOOTSTRAP_MODE": "pipe hunter2hunter2", "DB_PASSWORD": "hunter2hunter2"})
	wantProblem(t, problems, `BOOTSTRAP_MODE is "pipe ****": must be one of: pipe, worker, http`)
}

// Each plant is a value that no message may hold, put where its variable is faulty in as many ways as there are.
func TestNoMessageHoldsAValueOfUserData(t *testing.T) {
	const plant = "s3cr3t-pl4nt"
	environments := map[string]vars{
		"broken JSON":          {"RUNTIME_USERDATA": `{"A": "` + plant},
		"junk":                 {"RUNTIME_USERDATA": plant},
		"not an object":        {"RUNTIME_USERDATA": `["` + plant + `"]`},
		"a string":             {"RUNTIME_USERDATA": `"` + plant + `"`},
		"key with equal sign":  {"RUNTIME_USERDATA": `{"A=` + plant + `": "` + plant + `"}`},
		"empty key":            {"RUNTIME_USERDATA": `{"": "` + plant + `"}`},
		"NUL in the value":     {"RUNTIME_USERDATA": `{"A": "` + plant + `\u0000"}`},
		"NUL in the key":       {"RUNTIME_USERDATA": `{"A\u0000": "` + plant + `"}`},
		"a name of the system": {"RUNTIME_USERDATA": `{"RUNTIME_X": "` + plant + `"}`},
		"a near name":          {"RUNTIME_USERDATA": `{"BOOTSTRAP_COMAND": "` + plant + `"}`},
		"an unknown name":      {"RUNTIME_USERDATA": `{"BOOTSTRAP_SERVERS": "` + plant + `"}`},
		"an open single quote": {"BOOTSTRAP_COMMAND": "run --token '" + plant},
		"an open double quote": {"BOOTSTRAP_COMMAND": `run --token "` + plant},
		"a last backslash":     {"BOOTSTRAP_COMMAND": "run " + plant + `\`},
		"a bad array":          {"BOOTSTRAP_COMMAND": `["run", "` + plant},
		"a number in an array": {"BOOTSTRAP_COMMAND": `["` + plant + `", 1]`},
		"a NUL in an array":    {"BOOTSTRAP_COMMAND": `["` + plant + `\u0000"]`},
		"a shell operator":     {"BOOTSTRAP_COMMAND": "run | " + plant},
		"a secret in a scalar": {"BOOTSTRAP_MODE": plant, "API_TOKEN": plant},
	}
	for name, v := range environments {
		t.Run(name, func(t *testing.T) {
			c, problems := load(t, v)
			said := slices.Concat(problems, c.Warnings)
			if len(said) == 0 {
				t.Error("nothing was said at all")
			}
			for _, sentence := range said {
				if strings.Contains(sentence, plant) {
					t.Errorf("%q holds the planted value", sentence)
				}
			}
		})
	}
}
