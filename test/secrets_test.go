package test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
	"fgbootstrap/platform/api"
)

// secretNames are variables that users have encrypted.
var secretNames = strings.Fields(`DATABASE_URL DBPASS DB_PASS SIGNKEY SIGNING_KEY APIKEY API_KEY api.key PASSPHRASE PGPASSWORD REDIS_DSN MONGO_URI
	WEBHOOK SLACK_HOOK SENTRY SMTP_LOGIN PIN SALT PEPPER SEED NONCE CIPHER MASTER LICENSE LICENCE SIGNATURE CONNECTION CONNECTIONSTRING
	JDBC USERNAME ACCOUNT TENANT CERT PEM X1 MONKEY CONFIG ENDPOINT cookie SESSION`)

// secretValue has characters that each spelling writes in a way of its own.
func secretValue(i int) string { return fmt.Sprintf(`pl4nt/%d=&<'">+ x\%d`, i, i) }

// spellings are the ways in which programs print a value.
var spellings = map[string]func(string) string{
	"as it is": func(s string) string { return s },
	"JSON":     jsonText,
	"JSON of PHP": func(s string) string {
		return strings.ReplaceAll(jsonText(s), "/", `\/`)
	},
	"JSON of Gson": func(s string) string {
		return strings.NewReplacer("=", `\u003D`, "&", `\u0026`, "<", `\u003C`, ">", `\u003E`, "'", `\u0027`, `"`, `\"`, `\`, `\\`).Replace(s)
	},
	"URL": url.PathEscape,
	"form, small": func(s string) string {
		return strings.NewReplacer("%2F", "%2f", "%3D", "%3d", "%3C", "%3c", "%3E", "%3e", "%2B", "%2b", "%5C", "%5c").Replace(url.QueryEscape(s))
	},
	"form":           url.QueryEscape,
	"base64":         func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 of URLs": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
}

func jsonText(s string) string {
	text, _ := json.Marshal(s) // a string: it can't fail
	return string(text[1 : len(text)-1])
}

// told is what a program tells of the variables named in TOLD.
func told(write func(name, spelling, value string)) {
	for _, name := range strings.Split(os.Getenv("TOLD"), ",") {
		for spelling, spell := range spellings {
			write(name, spelling, spell(os.Getenv(name)))
		}
	}
}

// tells fails and tells all on stderr; tellsInAnError does so in an error of its own, tellsAsOutput
// where its result should be, and tellsInTheResult succeeds.
func tells([]byte, io.Writer) int {
	told(func(name, spelling, value string) { fmt.Fprintf(os.Stderr, "%s in %s: '%s'\n", name, spelling, value) })
	return 1
}

func tellsInAnError(_ []byte, out io.Writer) int {
	own := failure{Type: "Told", Stack: []string{}}
	told(func(name, _, value string) {
		own.Message += name + " is " + value + "; "
		own.Stack = append(own.Stack, value)
	})
	own.Type += own.Stack[0]
	text, _ := json.Marshal(own) // strings: it can't fail
	_, _ = out.Write(text)
	return 1
}

func tellsAsOutput([]byte, io.Writer) int {
	told(func(_, _, value string) { fmt.Println(value) })
	return 1
}

func tellsInTheResult(_ []byte, out io.Writer) int {
	for _, name := range strings.Split(os.Getenv("TOLD"), ",") {
		_, _ = fmt.Fprintln(out, os.Getenv(name))
	}
	return 0
}

// withSecrets deploys a program that does this in a mode, with the secrets encrypted.
func withSecrets(t *testing.T, mode settings, behaviour, format string) *cloud {
	t.Helper()
	s := mode.with("BOOTSTRAP_COMMAND", command(aProgram()), testkit.Variable, behaviour, "TOLD", strings.Join(secretNames, ","),
		"BOOTSTRAP_LOG_FORMAT", format, "BOOTSTRAP_LOG_LEVEL", "debug").with(ampleMargin...)
	return deploy(t, s, timeout(8*time.Second), func(f *platform.Function, _ *platform.Options) {
		f.Encrypted = map[string]string{}
		for i, name := range secretNames {
			f.Encrypted[name] = secretValue(i)
		}
	})
}

var modesWithSecrets = map[string]settings{
	"pipe":    {},
	"lines":   {"BOOTSTRAP_MODE": "worker", "BOOTSTRAP_WORKER_PROTOCOL": "lines"},
	"jsonrpc": {"BOOTSTRAP_MODE": "worker", "BOOTSTRAP_WORKER_PROTOCOL": "jsonrpc"},
	"http":    {"BOOTSTRAP_MODE": "http", "BOOTSTRAP_HTTP_PORT": "auto"},
}

func TestNoEncryptedVariableShowsInAnErrorOrLogWhateverItsNameAndSpelling(t *testing.T) {
	t.Parallel()
	for name, mode := range modesWithSecrets {
		for _, behaviour := range []string{"tells", "tells in an error", "tells as output"} {
			if name == "lines" && behaviour != "tells" {
				continue // what it writes to stdout is its answer
			}
			for _, format := range []string{"text", "json"} {
				t.Run(name+" "+behaviour+" "+format, func(t *testing.T) {
					t.Parallel()
					c := withSecrets(t, mode, behaviour, format)
					result := c.invoke("{}")
					f := c.failureOf(result)
					if err := c.Close(); err != nil {
						t.Error(err)
					}
					all := strings.Join(append(f.Stack, f.Type, f.Message, string(result.Payload), c.log.String()), "\n")
					if !strings.Contains(all, "****") {
						t.Error("nothing was told at all")
					}
					for i, secret := range secretNames {
						for spelling, spell := range spellings {
							if at := strings.Index(all, spell(secretValue(i))); at >= 0 {
								t.Fatalf("%s shows in %s: …%q", secret, spelling, all[max(0, at-60):min(len(all), at+60)])
							}
						}
					}
					if at := strings.Index(all, "pl4nt"); at >= 0 {
						t.Errorf("a part of a secret shows: …%q", all[max(0, at-60):min(len(all), at+60)])
					}
				})
			}
		}
	}
}

func TestAResultIsNeverMasked(t *testing.T) {
	t.Parallel()
	want := ""
	for i := range secretNames {
		want += secretValue(i) + "\n"
	}
	for name, mode := range modesWithSecrets {
		if name == "lines" {
			continue // its answer is one line
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := withSecrets(t, mode, "tells in the result", "text").answer("{}"); got != want {
				t.Errorf("got %q", got)
			}
		})
	}
}

// The event's credentials may be in a file that an earlier event has left.
func TestTheTokenOfAnOldEventIsMaskedAsLongAsTheInstanceLives(t *testing.T) {
	t.Parallel()
	const events = 90
	script := `cat >/dev/null; echo "$X_CFF_SECURITY_TOKEN" >>tokens; [ $(wc -l <tokens) -lt 90 ] || { head -n 1 tokens >&2; exit 1; }`
	c := deploy(t, sh(script).with("BOOTSTRAP_CREDENTIALS", "on"))
	token := func(i int) string { return fmt.Sprintf("PLANTED-TOKEN/%d", i) }
	for i := range events {
		result := c.call(api.Event{Payload: []byte("{}"), Headers: map[string]string{"X-CFF-Security-Token": token(i)}})
		if result.Failed != (i == events-1) {
			t.Fatalf("event %d: %s", i, result.Payload)
		}
		if strings.Contains(string(result.Payload), "PLANTED") {
			t.Errorf("the first token shows: %s", result.Payload)
		}
	}
	if c.logs("INFO ****"); strings.Contains(c.log.String(), "PLANTED") {
		t.Error("the first token shows in the log")
	}
}

func TestHeadersThatMayHoldACredentialReachAProgramOnlyIfItIsToHaveThem(t *testing.T) {
	t.Parallel()
	headers := map[string]string{"X-CFF-Secret": "PLANTED-1", "X-CFF-Auth-V2": "PLANTED-2", "X-CFF-Db-Password": "PLANTED-3", "X-CFF-Tokens": "PLANTED-4", "X-CFF-Trace-Id": "shown"}
	for switched, want := range map[string]int{"off": 0, "on": 8} {
		c := deploy(t, sh(`env; cat "$BOOTSTRAP_CONTEXT_FILE"`).with("BOOTSTRAP_CREDENTIALS", switched))
		got := string(c.call(api.Event{Payload: []byte("{}"), Headers: headers}).Payload)
		if n := strings.Count(got, "PLANTED"); n != want || strings.Count(got, "shown") != 2 {
			t.Errorf("%s: %d of them in: %s", switched, n, got)
		}
	}
}

func TestAProgramCanNotReadTheBootstrapsEnvironmentWhereItNeedsNoContextFile(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "setpriv")
	if os.Getuid() != 0 {
		t.Skip("only root can start it as another user")
	}
	asUser := func(f *platform.Function, _ *platform.Options) {
		inner := filepath.Join(f.Dir, "inner")
		if err := os.Rename(filepath.Join(f.Dir, "bootstrap"), inner); err != nil {
			t.Fatal(err)
		}
		file("bootstrap", "#!/bin/sh\nexec setpriv --reuid 1003 --regid 1003 --clear-groups "+inner+"\n", 0o755)(f, nil)
		for dir := f.Dir; dir != os.TempDir(); dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // it is to be entered by that user
				t.Fatal(err)
			}
		}
	}
	script := `read -r line; cat "/proc/$PPID/environ" >/dev/null 2>&1 && echo '"read"' || echo '"refused"'; cat >/dev/null`
	if got := deploy(t, worker("lines", "sh", "-c", script), asUser).answer("{}"); got != `"refused"` {
		t.Errorf("got %s", got)
	}
}
