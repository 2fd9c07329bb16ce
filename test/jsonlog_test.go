package test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"fgbootstrap/internal/testkit"
)

// logsObjects logs JSON to stderr, and answers with the event.
func logsObjects(event []byte, out io.Writer) int {
	for _, line := range []string{
		`{"level":"warning","time":"2026-11-28T01:02:03Z","msg":"one","n":1e999,"token":"PLANTED-PASSWORD"}`,
		`{"requestId":"forged","password":19283746,"PLANTED-PASSWORD":{"a": [1, 2]}}`,
		`{"msg":"broken"`,
	} {
		fmt.Fprintln(os.Stderr, line)
	}
	_, err := out.Write(event)
	return code(err)
}

func TestAnObjectThatAProgramLogsIsALineOfTheJSONLogInEveryMode(t *testing.T) {
	t.Parallel()
	modes := map[string]settings{"actionloop": {"BOOTSTRAP_MODE": "worker", "BOOTSTRAP_WORKER_PROTOCOL": "actionloop"}}
	for name, mode := range modesWithSecrets {
		modes[name] = mode
	}
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := deploy(t, mode.with("BOOTSTRAP_COMMAND", command(aProgram()), testkit.Variable, "logs objects",
				"BOOTSTRAP_LOG_FORMAT", "json", "DB_PASSWORD", "PLANTED-PASSWORD", "PIN_SECRET", "19283746"))
			id := c.invoke(`{"a":1}`).RequestID
			c.logs(`{"level":"WARN","time":"2026-11-28T01:02:03Z","requestId":"` + id + `","msg":"one","n":1e999,"token":"****"}` + "\n")
			c.logs(`,"requestId":"` + id + `","programRequestId":"forged","password":"****","****":{"a": [1, 2]}}` + "\n")
			c.logs(`"message":"{\"msg\":\"broken\"","requestId":"` + id + `"}` + "\n")
		})
	}
}

func TestAnObjectOnAStdoutThatIsLogIsALineOfTheJSONLog(t *testing.T) {
	t.Parallel()
	script := `while read -r line; do echo '{"level":50,"a":1}'; echo '{}' >&3; done`
	c := deploy(t, worker("lines", "sh", "-c", script).with("BOOTSTRAP_WORKER_RESPONSE", "fd3", "BOOTSTRAP_LOG_FORMAT", "json"))
	id := c.invoke(`{}`).RequestID
	c.logs(`"requestId":"` + id + `","a":1}` + "\n")
	c.logs(`{"level":"ERROR","time":"`)
}

func TestAnObjectInALogNotificationIsALineOfTheJSONLog(t *testing.T) {
	t.Parallel()
	script := `
while read -r line; do
	case $line in
	*initialize*) echo '{"jsonrpc":"2.0","id":"initialize","result":1}' ;;
	*)
		id=${line#*\"id\":\"} id=${id%%\"*}
		echo '{"jsonrpc":"2.0","method":"log","params":{"level":"error","id":"'"$id"'","message":{"a":12.50,"pin":19283746}}}'
		printf '%s\n' '{"jsonrpc":"2.0","method":"log","params":{"level":"error","id":"'"$id"'","message":"{\n\"level\":\"warn\",\r\n \"b\":2}"}}'
		echo '{"jsonrpc":"2.0","id":"'"$id"'","result":{}}' ;;
	esac
done`
	c := deploy(t, worker("jsonrpc", "sh", "-c", script).with("BOOTSTRAP_LOG_FORMAT", "json", "PIN_SECRET", "19283746"))
	id := c.invoke(`{}`).RequestID
	c.logs(`"requestId":"` + id + `","a":12.50,"pin":"****"}` + "\n")
	c.logs(`"requestId":"` + id + `","b":2}` + "\n")
	for _, level := range []string{`{"level":"ERROR","time":"`, `{"level":"WARN","time":"`} {
		if !strings.Contains(c.log.String(), level) {
			t.Errorf("%s is missing", level)
		}
	}
}

func TestATextLogHasObjectsAsTheyAre(t *testing.T) {
	t.Parallel()
	c := deploy(t, sh(`echo '{"level":"warn","pin":19283746}' >&2`).with("PIN_SECRET", "19283746"))
	id := c.invoke(`{}`).RequestID
	c.logs(id + ` INFO {"level":"warn","pin":****}` + "\n")
}
