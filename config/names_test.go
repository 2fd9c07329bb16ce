package config_test

import (
	"slices"
	"strings"
	"testing"

	"fgbootstrap/config"
)

func TestANameWithinTwoEditsOfASettingIsAProblem(t *testing.T) {
	for _, s := range config.Settings() {
		body := s.Name[len("BOOTSTRAP_"):]
		for _, slip := range []string{
			s.Name + "0", s.Name[:len(s.Name)-1], "BOOTSTRAP_0" + body[1:], // one edit
			s.Name + "00", "BOOTSTRAP_00" + body[2:], "BOOTSTRAP_0" + body + "0", // two
			"BOOTSTRAP_" + body[1:2] + body[:1] + body[2:], // two neighbours swapped
		} {
			_, problems := load(t, vars{slip: "x"})
			wantProblem(t, problems, slip+" is not a setting; did you mean "+s.Name+"?")
		}
	}
}

func TestANameThreeEditsAwayIsAWarning(t *testing.T) {
	for _, s := range config.Settings() {
		for _, other := range []string{s.Name + "000", "BOOTSTRAP_000" + s.Name[len("BOOTSTRAP_")+3:]} {
			c := mustLoad(t, vars{other: "x"})
			want := other + " is not a setting of bootstrap; it is only passed on to the program"
			if !slices.Equal(c.Warnings, []string{want}) {
				t.Errorf("%s: warnings %q", other, c.Warnings)
			}
		}
	}
}

func TestANameWithTheWordsOfASettingIsAProblem(t *testing.T) {
	for slip, meant := range map[string]string{
		"BOOTSTRAP_HTTP_STATUS_FAIL": "BOOTSTRAP_HTTP_FAIL_STATUS", "BOOTSTRAP_RESPONSE_MAX": "BOOTSTRAP_MAX_RESPONSE",
		"BOOTSTRAP_max_invocations_worker": "BOOTSTRAP_WORKER_MAX_INVOCATIONS",
	} {
		_, problems := load(t, vars{slip: "x"})
		wantProblem(t, problems, slip+" is not a setting; did you mean "+meant+"?")
	}
	if c := mustLoad(t, vars{"BOOTSTRAP_HTTP_FAIL_FAIL_STATUS": "x", "BOOTSTRAP_STATUS_FAIL": "x"}); len(c.Warnings) != 2 {
		t.Errorf("warnings %q", c.Warnings)
	}
}

func TestNamesOfOthersAreLeftAlone(t *testing.T) {
	for name, want := range map[string]string{
		"BOOTSTRAP_SERVERS": "BOOTSTRAP_SERVERS is not a setting of bootstrap; it is only passed on to the program",
		"BOOSTRAP_MODE":     "BOOSTRAP_MODE is not a setting of bootstrap; did you mean BOOTSTRAP_MODE?",
		"_BOOTSTRAP_MODE":   "_BOOTSTRAP_MODE is not a setting of bootstrap; did you mean BOOTSTRAP_MODE?",
		"B0OTSTRA_MODE":     "B0OTSTRA_MODE is not a setting of bootstrap; did you mean BOOTSTRAP_MODE?",
		"BOOTS-TR4P_MODE":   "BOOTS-TR4P_MODE is not a setting of bootstrap; did you mean BOOTSTRAP_MODE?",
		"bootstrap_mode":    "bootstrap_mode is not a setting of bootstrap; did you mean BOOTSTRAP_MODE?",
	} {
		if c := mustLoad(t, vars{name: "x"}); !slices.Equal(c.Warnings, []string{want}) {
			t.Errorf("%s: warnings %q", name, c.Warnings)
		}
	}
	for name, meant := range map[string]string{"BOOTSTRAP_PORT": "BOOTSTRAP_HTTP_PORT", "BOOTSTRAP_PROTOCOL": "BOOTSTRAP_WORKER_PROTOCOL", "BOOTSTRAP_SPARES": "BOOTSTRAP_PIPE_SPARES"} {
		if c := mustLoad(t, vars{name: "x"}); !slices.Equal(c.Warnings, []string{name + " is not a setting of bootstrap; did you mean " + meant + "?"}) {
			t.Errorf("%s: warnings %q", name, c.Warnings)
		}
	}
	if c := mustLoad(t, vars{"MODE": "x", "BOOTSTRAP": "x", "COMMAND": "x"}); len(c.Warnings) > 0 {
		t.Errorf("warnings %q", c.Warnings)
	}
}

func TestANameThatCanNotBeSeenIsQuoted(t *testing.T) {
	_, problems := load(t, vars{"BOOTSTRAP_MODE ": "http"})
	wantProblem(t, problems, `"BOOTSTRAP_MODE " is not a setting; did you mean BOOTSTRAP_MODE?`)
}

func TestAWrongCaseIsASlip(t *testing.T) {
	_, problems := load(t, vars{"BOOTSTRAP_Command": "x"})
	wantProblem(t, problems, "BOOTSTRAP_Command is not a setting; did you mean BOOTSTRAP_COMMAND?")
}

func TestAnEmptyUnknownNameIsNotWorthAWord(t *testing.T) {
	if c := mustLoad(t, vars{"BOOTSTRAP_COMAND": "", "BOOTSTRAP_SERVERS": ""}); len(c.Warnings) > 0 {
		t.Errorf("warnings %q", c.Warnings)
	}
}

func TestASettingOfAnotherModeIsWarnedOf(t *testing.T) {
	for mode, warned := range map[string]bool{"": true, "pipe": true, "http": true, "worker": false, "nonsense": false} {
		c, _ := config.Load([]string{"BOOTSTRAP_MODE=" + mode, "BOOTSTRAP_WORKER_PROTOCOL=jsonrpc", "RUNTIME_CODE_ROOT=" + t.TempDir()}, "")
		said := slices.ContainsFunc(c.Warnings, func(w string) bool {
			return strings.Contains(w, "BOOTSTRAP_WORKER_PROTOCOL has no effect") && strings.Contains(w, "BOOTSTRAP_MODE=worker")
		})
		if said != warned {
			t.Errorf("mode %q: %q", mode, c.Warnings)
		}
	}
}

func TestASettingOfRequestsIsNotWarnedOfWhereThePipeReadsRequests(t *testing.T) {
	for input, warned := range map[string]bool{"event": true, "body": false, "cgi": false} {
		for _, setting := range []string{"BOOTSTRAP_HTTP_EVENT_PATH=/in", "BOOTSTRAP_HTTP_PATH=encoded", "BOOTSTRAP_HTTP_STRIP_PREFIX=/api"} {
			c, _ := config.Load([]string{"BOOTSTRAP_PIPE_INPUT=" + input, setting, "RUNTIME_CODE_ROOT=" + t.TempDir()}, "")
			if said := strings.Contains(strings.Join(c.Warnings, " "), "has no effect"); said != warned {
				t.Errorf("%s, %s: %q", input, setting, c.Warnings)
			}
		}
	}
}

func TestABodyIsWrappedAlwaysUnlessItIsSaidOtherwise(t *testing.T) {
	for _, row := range [][4]string{
		{"pipe", "event", "", "auto"}, {"pipe", "body", "", "always"}, {"pipe", "body", "off", "off"},
		{"pipe", "body", "auto", "auto"}, {"worker", "body", "", "auto"}, {"pipe", "event", "always", "always"},
	} {
		c, _ := config.Load([]string{
			"BOOTSTRAP_MODE=" + row[0], "BOOTSTRAP_PIPE_INPUT=" + row[1], "BOOTSTRAP_APIG_WRAP=" + row[2], "RUNTIME_CODE_ROOT=" + t.TempDir(),
		}, "")
		if c.APIGWrap != row[3] {
			t.Errorf("%q: %s", row, c.APIGWrap)
		}
	}
}

func TestCGIWithSparesIsAProblem(t *testing.T) {
	for input, problem := range map[string]bool{"event": false, "body": false, "cgi": true} {
		_, err := config.Load([]string{"BOOTSTRAP_PIPE_INPUT=" + input, "BOOTSTRAP_PIPE_SPARES=1", "RUNTIME_CODE_ROOT=" + t.TempDir()}, "")
		if said := err != nil && strings.Contains(err.Error(), `BOOTSTRAP_PIPE_SPARES is "1": must be 0 with BOOTSTRAP_PIPE_INPUT=cgi`); said != problem {
			t.Errorf("%s: %v", input, err)
		}
	}
}
