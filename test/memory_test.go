package test

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"
)

// parrot is a jsonrpc worker that echoes events without a look at them: to read JSON of
// 6 MB takes its time, and much more where races are looked for.
func parrot() int {
	return eachLine(func(line []byte) int {
		head, params, _ := bytes.Cut(line, []byte(`,"method":`))
		_, event, _ := bytes.Cut(params, []byte(`"event":`))
		if end := bytes.LastIndex(event, []byte(`,"context":`)); end >= 0 {
			event = event[:end]
		} else {
			event = []byte("{}") // the answer to initialize
		}
		_, err := fmt.Fprintf(os.Stdout, `%s,"result":%s}`+"\n", head, event)
		return code(err)
	})
}

// What an event of 6 MB takes is given back after it, and the hundredth finds as much
// as the first.
func TestAHundredEventsOfSixMegabytesLeaveNothingBehind(t *testing.T) {
	http := settings{"BOOTSTRAP_MODE": "http", "BOOTSTRAP_HTTP_PORT": "auto", "BOOTSTRAP_COMMAND": command(aProgram()), testkit.Variable: "echo"}
	text := strings.Repeat("0123456789abcdef", 6000000/16)
	call := func(body string) string {
		return `{"httpMethod":"POST","path":"/","requestContext":{},"isBase64Encoded":false,"body":"` + body + `"}`
	}
	for _, row := range []struct {
		name         string
		settings     settings
		small, large string
		ending       string // of the answer; "": it is the event
		peak         int    // MB: the event and the answer, and one of them in another form where there is one
	}{
		{"pipe", settings{"BOOTSTRAP_COMMAND": "cat"}, "small", strings.Repeat("x", 6<<20), "", 24},
		{"http", http, "small", strings.Repeat("x", 6<<20), "", 24},
		{"http for the gateway", http, call("small"), call(text), text + `"}`, 28},
		{"worker", worker("jsonrpc", aProgram()).with(testkit.Variable, "parrot"), `"small"`, `"` + text + `"`, "", 28},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := deploy(t, row.settings)
			for range 10 {
				c.answer(row.small)
			}
			pid := c.bootstrap()
			before := status(t, pid, "VmRSS:")
			large, ending := []byte(row.large), []byte(row.ending)
			events := 100
			if racing() {
				events = 10
			}
			for range events {
				got := c.call(api.Event{Payload: large}).Payload
				if len(ending) == 0 && !bytes.Equal(got, large) || !bytes.HasSuffix(got, ending) {
					t.Fatalf("got %d bytes", len(got))
				}
			}
			c.answer(row.small)
			if now := c.bootstrap(); now != pid {
				t.Fatal("another bootstrap serves: the first one died")
			}
			after, peak := status(t, pid, "VmRSS:"), status(t, pid, "VmHWM:")
			t.Logf("RSS %d KB before, %d KB after %d events of 6 MB, %d KB at the peak", before, after, events, peak)
			if after > before+3072 || peak > row.peak<<10 {
				t.Errorf("RSS %d KB before, %d KB after, peak %d KB", before, after, peak)
			}
		})
	}
}

// racing tells whether races are looked for in the test binary, so also in the platform:
// then an event of 6 MB takes it a second, and 100 MB of base64 half a minute.
func racing() bool {
	info, _ := debug.ReadBuildInfo()
	return slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
