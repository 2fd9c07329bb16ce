package test

import (
	"strings"
	"testing"
	"time"

	"fgbootstrap/platform"
)

func TestAWrongConfigurationAnswersEachEventWithAllThatIsWrong(t *testing.T) {
	c := deploy(t, settings{
		"BOOTSTRAP_MODE":           "pip",
		"BOOTSTRAP_TIMEOUT_MARGIN": "soon",
		"BOOTSTRAP_COMAND":         "cat",
		"BOOTSTRAP_CONCURRENCY":    "0",
		"BOOTSTRAP_SERVERS":        "kafka:9092",
	})
	for range 3 {
		f := c.fails("{}", "Runtime.ConfigError",
			`BOOTSTRAP_MODE is "pip"`, "pipe, worker, http",
			`BOOTSTRAP_TIMEOUT_MARGIN is "soon"`,
			"BOOTSTRAP_COMAND", "did you mean BOOTSTRAP_COMMAND?",
			`BOOTSTRAP_CONCURRENCY is "0"`,
			"There is no program to run")
		if len(f.Stack) != 5 {
			t.Errorf("got %d problems: %q", len(f.Stack), f.Stack)
		}
	}
	c.logs("WARN BOOTSTRAP_SERVERS")
}

func TestARefusedCommandIsNotCalledMissing(t *testing.T) {
	f := deploy(t, settings{"BOOTSTRAP_COMMAND": `sh "x.sh`}).fails("{}", "Runtime.ConfigError", "the double quote at byte 4 is never closed")
	if len(f.Stack) != 1 {
		t.Errorf("got %q", f.Stack)
	}
}

func TestBrokenUserDataIsExplainedWithoutItsContent(t *testing.T) {
	c := deploy(t, nil, func(f *platform.Function, _ *platform.Options) {
		wrap(t, f, `RUNTIME_USERDATA='{"PASSWORD":"PLANTED-IN-USERDATA" oops' exec `)
	})
	f := c.fails("{}", "Runtime.ConfigError", "RUNTIME_USERDATA", "byte")
	if strings.Contains(f.Message+c.log.String(), "PLANTED") {
		t.Errorf("the content shows in %s and %s", f.Message, c.log)
	}
}

func TestSettingsOfOtherModesAreKnown(t *testing.T) {
	c := deploy(t, sh("echo ok").with("BOOTSTRAP_WORKER_PROTOCOL", "jsonrpc", "BOOTSTRAP_HTTP_PORT", "auto"))
	if got := c.answer("{}"); got != "ok\n" {
		t.Errorf("got %q", got)
	}
	c.logs("BOOTSTRAP_WORKER_PROTOCOL has no effect: it is for BOOTSTRAP_MODE=worker")
}

func TestNoSecretShowsInAnyLogOrError(t *testing.T) {
	secrets := settings{"DB_PASSWORD": "PLANTED-PASSWORD-1", "API_TOKEN": "PLANTED-TOKEN-2"}
	encrypted := func(f *platform.Function, o *platform.Options) {
		withAgency(f, o)
		f.Encrypted = map[string]string{"SIGNING_KEY": "PLANTED-KEY-3"}
	}
	// Everything the program knows goes to stderr, in one line and in pieces,
	// and to stdout as its own error.
	tells := `env >&2; cat "$BOOTSTRAP_CONTEXT_FILE" >&2; head -c 65530 /dev/zero | tr '\0' x >&2; echo "$API_TOKEN" >&2; `
	for name, script := range map[string]string{
		"success":   tells + `echo fine`,
		"exit":      tells + `exit 3`,
		"own error": tells + `printf '{"errorType":"%s","errorMessage":"%s","stackTrace":["%s"]}' "$API_TOKEN" "$DB_PASSWORD" "$X_CFF_AUTH_TOKEN"; exit 1`,
		"timeout":   tells + `sleep 60`,
		"stdout":    `printf '%s%s' "$API_TOKEN" "$(head -c 390 /dev/zero | tr '\0' x)"; exit 1`,
		"start":     "",
	} {
		t.Run(name, func(t *testing.T) {
			s := sh(script)
			if script == "" {
				s = settings{"BOOTSTRAP_COMMAND": "./missing --password PLANTED-PASSWORD-1"}
			}
			for k, v := range secrets {
				s[k] = v
			}
			c := deploy(t, s.with("BOOTSTRAP_LOG_LEVEL", "debug", "BOOTSTRAP_CREDENTIALS", "on").with(ampleMargin...), encrypted, timeout(5*time.Second))
			result := c.invoke("{}")
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if all := c.log.String() + string(result.Payload); strings.Contains(all, "PLANTED") {
				at := strings.Index(all, "PLANTED")
				t.Errorf("a secret shows: …%s", all[max(0, at-60):min(len(all), at+40)])
			}
		})
	}
}

func TestASecretDoesNotShowInTheUserDataThatAProgramPrints(t *testing.T) {
	// As JSON its quote is escaped, so it looks different from the variable.
	c := deploy(t, sh(`env >&2; exit 3`).with("DB_PASSWORD", `PLANTED"<&\PASSWORD`))
	result := c.invoke("{}")
	if all := c.log.String() + string(result.Payload); strings.Contains(all, "PLANTED") {
		at := strings.Index(all, "PLANTED")
		t.Errorf("a secret shows: …%s", all[max(0, at-60):min(len(all), at+40)])
	}
}

func TestTheLogCanBeJSON(t *testing.T) {
	c := deploy(t, sh(`echo "a \"quoted\" line" >&2`).with("BOOTSTRAP_LOG_FORMAT", "json"))
	id := c.invoke("{}").RequestID
	c.logs(`"level":"INFO"`)
	c.logs(`"message":"a \"quoted\" line","requestId":"` + id + `"}`)
}

func TestAProgramsLinesAreLoggedAtEveryLevel(t *testing.T) {
	c := deploy(t, sh(`echo "listen" >&2`).with("BOOTSTRAP_LOG_LEVEL", "error"))
	c.answer("{}")
	c.logs("INFO listen")
	if strings.Contains(c.log.String(), "bootstrap development") {
		t.Error("our own information shows at level error")
	}
}

func TestALimitThatNoMemoryHoldsIsAnAnsweredMistake(t *testing.T) {
	c := deploy(t, sh("cat").with("BOOTSTRAP_MAX_RESPONSE", "500000GB"))
	c.fails("{}", "Runtime.ConfigError", "BOOTSTRAP_MAX_RESPONSE", "500000GB")
}

// The platform would not stream, and nobody is to find that out by the first large result.
func TestStreamingWithATimeoutThatIsTooLongForItIsAnAnsweredMistake(t *testing.T) {
	t.Parallel()
	c := deploy(t, sh("cat").with("BOOTSTRAP_STREAMING", "on"), streaming, timeout(301*time.Second))
	for range 3 {
		c.fails("{}", "Runtime.ConfigError", "BOOTSTRAP_STREAMING", "at most 300 s", "RUNTIME_TIMEOUT is 301 s")
	}
	c.logsBeforeTheFirstEventEnds("RUNTIME_TIMEOUT is 301 s")
	c = deploy(t, sh("sleep 0.1; echo fine").with("BOOTSTRAP_STREAMING", "on"), streaming, timeout(300*time.Second))
	if got := c.answer("{}"); got != "fine\n" {
		t.Errorf("at the limit got %q", got)
	}
}

func TestALimitThatIsNoSizeIsAnAnsweredMistake(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"lots", "-1", "0", "6 parsecs", "1e6"} {
		c := deploy(t, sh("cat").with("BOOTSTRAP_MAX_RESPONSE", value))
		for range 2 {
			c.fails("{}", "Runtime.ConfigError", `BOOTSTRAP_MAX_RESPONSE is "`+value+`"`, "MiB")
		}
		c.logsBeforeTheFirstEventEnds(`BOOTSTRAP_MAX_RESPONSE is "` + value + `"`)
	}
}

// logsBeforeTheFirstEventEnds wants a line of the start's that is no event's.
func (c *cloud) logsBeforeTheFirstEventEnds(text string) {
	c.t.Helper()
	for line := range strings.SplitSeq(c.log.String(), "\n") {
		if strings.Contains(line, " - ERROR ") && strings.Contains(line, text) {
			return
		}
		if strings.Contains(line, "Finish invoke request") {
			break
		}
	}
	c.t.Errorf("the log of the start does not say %s:\n%s", text, c.log)
}
