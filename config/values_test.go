package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fgbootstrap/config"
)

// rule is one value of one variable: what it becomes, or that it is refused with a sentence ending in want.
type rule struct {
	value   string
	want    string
	refused bool
}

func ok(value, want string) rule  { return rule{value, want, false} }
func bad(value, want string) rule { return rule{value, want, true} }

func check(t *testing.T, name string, field func(*config.Config) any, rules ...rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(fmt.Sprintf("%s=%q", name, r.value), func(t *testing.T) {
			c, problems := load(t, vars{name: r.value})
			if r.refused {
				wantProblem(t, problems, fmt.Sprintf("%s is %q: %s", name, r.value, r.want))
				return
			}
			if got := fmt.Sprint(field(c)); len(problems) > 0 || got != r.want {
				t.Errorf("got %s, problems %q, want %s", got, problems, r.want)
			}
		})
	}
}

func TestWordsAreThoseOfTheTable(t *testing.T) {
	check(t, "BOOTSTRAP_MODE", func(c *config.Config) any { return c.Mode },
		ok("pipe", "pipe"), ok("worker", "worker"), ok("http", "http"), ok("HTTP", "http"), ok(" pipe\r\n", "pipe"),
		bad("pip", "must be one of: pipe, worker, http"), bad(" ", "must be one of: pipe, worker, http"))
	check(t, "BOOTSTRAP_WORKER_PROTOCOL", func(c *config.Config) any { return c.WorkerProtocol },
		ok("lines", "lines"), ok("jsonrpc", "jsonrpc"), ok("actionloop", "actionloop"),
		bad("json", "must be one of: lines, jsonrpc, actionloop"))
	check(t, "BOOTSTRAP_WORKER_RESPONSE", func(c *config.Config) any { return c.WorkerResponse },
		ok("stdout", "stdout"), ok("fd3", "fd3"), bad("3", "must be one of: stdout, fd3"))
	check(t, "BOOTSTRAP_APIG_WRAP", func(c *config.Config) any { return c.APIGWrap },
		ok("auto", "auto"), ok("off", "off"), ok("Always", "always"), bad("on", "must be one of: auto, off, always"))
	check(t, "BOOTSTRAP_PIPE_INPUT", func(c *config.Config) any { return c.PipeInput },
		ok("event", "event"), ok("body", "body"), ok("CGI", "cgi"), bad("stdin", "must be one of: event, body, cgi"))
	check(t, "BOOTSTRAP_APIG_TYPE", func(c *config.Config) any { return c.APIGType },
		ok("image/png", "image/png"), ok(" text/html; charset=utf-8\n", "text/html; charset=utf-8"),
		bad("html", "must be a media type, such as text/html; charset=utf-8"), bad("text/", "must be a media type, such as text/html; charset=utf-8"), bad("text/html\r\nA: b", "must be a media type, such as text/html; charset=utf-8"),
		bad("text/hträml", "must be a media type, such as text/html; charset=utf-8"), bad("text/html; charset", "must be a media type, such as text/html; charset=utf-8"))
	check(t, "BOOTSTRAP_ERROR_DETAIL", func(c *config.Config) any { return c.FullErrors },
		ok("full", "true"), ok("brief", "false"), bad("none", "must be one of: full, brief"))
	check(t, "BOOTSTRAP_LOG_LEVEL", func(c *config.Config) any { return c.LogLevel },
		ok("debug", "debug"), ok("INFO", "info"), ok("warn", "warn"), ok("error", "error"),
		bad("fatal", "must be one of: debug, info, warn, error"))
	check(t, "BOOTSTRAP_LOG_FORMAT", func(c *config.Config) any { return c.LogFormat },
		ok("text", "text"), ok("json", "json"), bad("xml", "must be one of: text, json"))
}

func TestSwitchesAreOnOrOff(t *testing.T) {
	const allowed = "must be on or off"
	check(t, "BOOTSTRAP_CREDENTIALS", func(c *config.Config) any { return c.Credentials },
		ok("on", "true"), ok("On", "true"), ok("true", "true"), ok("1", "true"),
		ok("off", "false"), ok("OFF", "false"), ok("false", "false"), ok("0", "false"),
		bad("yes", allowed), bad("t", allowed), bad("2", allowed))
}

func TestNumbersHaveBounds(t *testing.T) {
	pool, spares := "must be a whole number from 1 to 1000", "must be a whole number from 0 to 100"
	check(t, "BOOTSTRAP_CONCURRENCY", func(c *config.Config) any { return c.Concurrency },
		ok("1", "1"), ok("1000", "1000"), bad("0", pool), bad("1001", pool), bad("-1", pool), bad("1.5", pool),
		bad("two", pool), bad("99999999999999999999", pool))
	check(t, "BOOTSTRAP_WORKER_COUNT", func(c *config.Config) any { return c.WorkerCount },
		ok("4", "4"), bad("0", pool))
	check(t, "BOOTSTRAP_PIPE_SPARES", func(c *config.Config) any { return c.PipeSpares },
		ok("0", "0"), ok("100", "100"), bad("101", spares), bad("-1", spares))
	check(t, "BOOTSTRAP_WORKER_MAX_INVOCATIONS", func(c *config.Config) any { return c.WorkerMaxInvocations },
		ok("0", "0"), ok("1000000", "1000000"), bad("-1", "must be a whole number from 0 to 2147483647"))
	check(t, "RUNTIME_MEMORY", func(c *config.Config) any { return c.MemoryMB },
		ok("128", "128"), bad("128MB", "must be a whole number from 0 to 2147483647"))
}

func TestTheTimeoutIsInSeconds(t *testing.T) {
	const allowed = "must be a number of seconds without a unit, at least 0.001"
	check(t, "RUNTIME_TIMEOUT", func(c *config.Config) any { return c.Timeout },
		ok("3", "3s"), ok("0.5", "500ms"), ok("259200", "72h0m0s"),
		bad("0", allowed), bad("-3", allowed), bad("3s", allowed), bad("NaN", allowed), bad("inf", allowed),
		bad("1e300", allowed), bad("1e-9", allowed), bad("soon", allowed))
}

func TestDurationsHaveAUnit(t *testing.T) {
	const allowed, unit = "must be a duration such as 500ms, 2.5s or 1m", "must be a duration with a unit, such as 500ms, 2.5s or 1m"
	check(t, "BOOTSTRAP_INIT_WAIT", func(c *config.Config) any { return c.InitWait },
		ok("500ms", "500ms"), ok("2.5s", "2.5s"), ok("0", "0s"), ok(" 1m ", "1m0s"),
		bad("5", unit), bad("1.5", unit), bad("-1s", allowed), bad("5 s", allowed), bad("x", allowed))
	check(t, "BOOTSTRAP_SHUTDOWN_GRACE", func(c *config.Config) any { return c.ShutdownGrace },
		ok("3s", "3s"), bad("3", unit))
}

func TestSizesAreBytesOrHaveABinaryUnit(t *testing.T) {
	const allowed = "must be a size above 0 and at most 1GiB, such as 65536, 512KB or 6MiB (1KB = 1KiB = 1024 bytes)"
	check(t, "BOOTSTRAP_MAX_RESPONSE", func(c *config.Config) any { return c.MaxResponse },
		ok("1", "1"), ok("65536", "65536"), ok("10B", "10"), ok("1KB", "1024"), ok("1kib", "1024"), ok("6MB", "6291456"),
		ok("6 MiB", "6291456"), ok("6M", "6291456"), ok("1GB", "1073741824"), ok("1GiB", "1073741824"), bad("1073741825", allowed), bad("9223372036854775807", allowed),
		bad("0", allowed), bad("-1", allowed), bad("1.5MB", allowed), bad("MB", allowed), bad("6TB", allowed), bad("6MBB", allowed),
		bad("9223372036854775808", allowed), bad("9007199254740992KB", allowed), bad("big", allowed))
	check(t, "RUNTIME_MAX_RESP_BODY_SIZE", func(c *config.Config) any { return c.MaxResponse },
		ok("1000", "1000"), bad("lots", allowed))
}

func TestHTTPSettingsAreWhatGoesOnARequestLine(t *testing.T) {
	const ports, path = "must be a port from 1 to 65535, or auto", "must be a path that starts with / and has no spaces and no #"
	const ready = "must be tcp, or a path that starts with / and has no spaces and no #"
	const prefix = "must be a path that starts with / and has no spaces, no # and no query"
	check(t, "BOOTSTRAP_HTTP_PORT", func(c *config.Config) any { return c.HTTPPort },
		ok("1", "1"), ok("65535", "65535"), ok("auto", "0"), bad("0", ports), bad("65536", ports), bad("http", ports))
	check(t, "BOOTSTRAP_HTTP_READY", func(c *config.Config) any { return c.HTTPReady },
		ok("tcp", "tcp"), ok("/healthz?full=1", "/healthz?full=1"),
		bad("healthz", ready), bad("/a b", ready), bad("/a#b", ready), bad("/a\x01", ready), bad("/a\x7f", ready))
	check(t, "BOOTSTRAP_HTTP_EVENT_PATH", func(c *config.Config) any { return c.HTTPEventPath },
		ok("/", "/"), ok("/e?x=1", "/e?x=1"), bad("e", path), bad("http://h/e", path), bad("/e\r\nHost: x", path), bad("/e#x", path), bad("/e\t", path))
	check(t, "BOOTSTRAP_HTTP_STRIP_PREFIX", func(c *config.Config) any { return c.HTTPStripPrefix },
		ok("/prod", "/prod"), ok("/prod/", "/prod"), ok("/", ""), ok("/a/b//", "/a/b"),
		bad("prod", prefix), bad("/a?b", prefix), bad("/a#b", prefix))
}

func TestFailStatusIsAListOfCodesAndRanges(t *testing.T) {
	const allowed = "must be status codes from 100 to 999 or ranges of them, such as 404,500-599"
	check(t, "BOOTSTRAP_HTTP_FAIL_STATUS", func(c *config.Config) any { return c.HTTPFailStatus },
		ok("500-599", "[[500 599]]"), ok("500-599, 404", "[[500 599] [404 404]]"), ok("500-500", "[[500 500]]"),
		bad("5xx", allowed), bad("599-500", allowed), bad("99", allowed), bad("1000", allowed), bad("500,", allowed),
		bad("500-", allowed), bad("-", allowed), bad("400-499-599", allowed))
	set := config.StatusSet{{500, 599}, {404, 404}}
	for code, want := range map[int]bool{499: false, 500: true, 599: true, 600: false, 404: true, 405: false} {
		if set.Contains(code) != want {
			t.Errorf("Contains(%d) is %v", code, !want)
		}
	}
	if config.StatusSet(nil).Contains(500) {
		t.Error("an empty set contains 500")
	}
}

func FuzzSizes(f *testing.F) {
	for _, seed := range []string{"1", "6MiB", "0", "1 GB", "9223372036854775807", "1kb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if strings.ContainsRune(v, 0) {
			t.Skip("no environment holds a NUL")
		}
		c, problems := loadEnviron(t, []string{"BOOTSTRAP_MAX_RESPONSE=" + v}, "/bootstrap")
		if c.MaxResponse <= 0 || len(problems) > 1 || (len(problems) == 1 && c.MaxResponse != 6291456) {
			t.Errorf("%q gives %d and %q", v, c.MaxResponse, problems)
		}
		if c.Margin <= 0 || c.Margin > time.Second {
			t.Errorf("the margin became %v", c.Margin)
		}
	})
}

// A console takes quotes as part of the value.
func TestAValueInQuotesIsNotToldOnlyWhatItMustBe(t *testing.T) {
	for name, value := range map[string]string{
		"BOOTSTRAP_MODE": "pipe", "BOOTSTRAP_CONCURRENCY": "8", "BOOTSTRAP_INIT_WAIT": "2.5s", "BOOTSTRAP_CREDENTIALS": "on",
		"BOOTSTRAP_MAX_RESPONSE": "6 MiB", "BOOTSTRAP_HTTP_PORT": "3000", "BOOTSTRAP_HTTP_READY": "/healthz", "BOOTSTRAP_HTTP_EVENT_PATH": "/e?a=b",
		"BOOTSTRAP_HTTP_FAIL_STATUS": "404,500-599", "BOOTSTRAP_WORKER_PROTOCOL": "jsonrpc", "BOOTSTRAP_DIR": "sub", "RUNTIME_TIMEOUT": "30",
	} {
		for _, quoted := range []string{
			`"` + value + `"`, "'" + value + "'", "“" + value + "”", "„" + value + "“", "‘" + value + "’", "«\u00a0" + value + "\u00a0»", "`" + value + "`",
			` "` + value + `" `, `" ` + value + ` "`, `"` + value, "\u200b" + value,
		} {
			root := t.TempDir()
			if err := os.Mkdir(filepath.Join(root, "sub"), 0o755); err != nil {
				t.Fatal(err)
			}
			_, problems := load(t, vars{name: quoted, "RUNTIME_CODE_ROOT": root})
			if len(problems) != 1 || !strings.Contains(problems[0], ": write "+value+", without the ") {
				t.Errorf("%s=%s: %q", name, quoted, problems)
			}
		}
	}
	_, problems := load(t, vars{"BOOTSTRAP_MODE": `"pip"`})
	wantProblem(t, problems, `BOOTSTRAP_MODE is "\"pip\"": must be one of: pipe, worker, http`)
	_, problems = load(t, vars{"BOOTSTRAP_MODE": `pipe"`})
	wantProblem(t, problems, `BOOTSTRAP_MODE is "pipe\"": write pipe, without the quotes`)
	c := mustLoad(t, vars{"BOOTSTRAP_HTTP_SOCKET": `"/tmp/app.sock"`, "BOOTSTRAP_MODE": "http"})
	if want := "BOOTSTRAP_HTTP_SOCKET has quotes or blanks around its path: write /tmp/app.sock, without the quotes"; !slices.Equal(c.Warnings, []string{want}) {
		t.Errorf("warnings %q", c.Warnings)
	}
}
