package test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
	"fgbootstrap/platform/api"
)

// ampleMargin is enough on a busy machine to stop a program and to report before the
// platform steps in. With a timeout of five seconds it leaves an event two.
var ampleMargin = []string{"BOOTSTRAP_TIMEOUT_MARGIN", "3s"}

func TestAtTheDeadlineTheWholeGroupIsGone(t *testing.T) {
	for name, script := range map[string]string{
		"that obeys":         `sleep 600 & sleep 601 | sleep 602; sleep 603`,
		"that ignores TERM":  `trap '' TERM; (trap '' TERM; sleep 600) & while :; do sleep 1; done`,
		"that left its pipe": `trap '' TERM; exec >/dev/null; sleep 600 & while :; do sleep 1; done`,
	} {
		t.Run("one "+name, func(t *testing.T) {
			t.Parallel()
			c := deploy(t, sh(script).with(ampleMargin...), timeout(5*time.Second))
			c.fails("{}", "Runtime.Timeout", "running 2s after", "timeout is 5s")
			c.alone()
			if strings.Contains(c.log.String(), "4010") {
				t.Error("the platform had to step in")
			}
		})
	}
}

// With a margin of 4 s before a timeout of 6 s: TERM after 2 s, KILL a quarter of
// the margin later, and at half of it the error is on its way.
func TestTheStepsAtTheDeadlineComeInTime(t *testing.T) {
	for name, row := range map[string]struct {
		script   string
		from, to time.Duration
	}{
		"a program that obeys is asked":         {`trap 'echo asked >&2; exit 0' TERM; while :; do sleep 0.05; done`, 2 * time.Second, 3 * time.Second},
		"a program that ignores TERM is killed": {`trap '' TERM; while :; do sleep 0.05; done`, 3 * time.Second, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := deploy(t, sh(row.script).with("BOOTSTRAP_TIMEOUT_MARGIN", "4s"), timeout(6*time.Second))
			testkit.SoonerOrLater(t, fmt.Sprint("the error came before ", row.to), func() bool {
				result := c.invoke("{}")
				if f := c.failureOf(result); f.Type != "Runtime.Timeout" {
					t.Errorf("got %+v", f)
				}
				if result.Duration < row.from {
					t.Errorf("the error came after %s, before %s", result.Duration, row.from)
				}
				c.alone()
				return result.Duration <= row.to
			})
		})
	}
}

// reportsATimeoutInTime wants a timeout's report to be there before the platform steps in:
// once is enough, what waits in vain never is in time.
func (c *cloud) reportsATimeoutInTime() {
	c.t.Helper()
	testkit.SoonerOrLater(c.t, "the report was in time", func() bool {
		result := c.invoke("{}")
		if result.Code != 0 {
			return false
		}
		if f := c.failureOf(result); f.Type != "Runtime.Timeout" {
			c.t.Errorf("got %+v", f)
		}
		return true
	})
}

func TestATimeoutSaysWhatTheProgramSaidAndAsksWhetherItFlushes(t *testing.T) {
	t.Parallel()
	f := deploy(t, sh(`echo "loading" >&2; sleep 60`).with(ampleMargin...), timeout(5*time.Second)).fails("{}", "Runtime.Timeout", "raise the timeout")
	if strings.Join(f.Stack, ",") != "loading" {
		t.Errorf("got %q", f.Stack)
	}
	deploy(t, sh(`sleep 60`).with(ampleMargin...), timeout(5*time.Second)).fails("{}", "Runtime.Timeout", "flush")
}

func TestTheMarginIsAsConfigured(t *testing.T) {
	c := deploy(t, sh(`sleep 60`).with("BOOTSTRAP_TIMEOUT_MARGIN", "1500ms"), timeout(2*time.Second))
	c.fails("{}", "Runtime.Timeout", "500ms")
}

func TestWithoutErrorDetailStderrStaysInTheLog(t *testing.T) {
	c := deploy(t, sh(`echo "customer 4711" >&2; exit 1`).with("BOOTSTRAP_ERROR_DETAIL", "brief"))
	if result := c.invoke("{}"); strings.Contains(string(result.Payload), "4711") {
		t.Errorf("got %s", result.Payload)
	}
	c.logs("customer 4711")
}

func TestAResponseOverTheLimitIsAnErrorAndOneAtItIsNot(t *testing.T) {
	const limit = 6291456
	script := `head -c $SIZE /dev/zero`
	if got := deploy(t, sh(script).with("SIZE", fmt.Sprint(limit))).answer("{}"); len(got) != limit {
		t.Errorf("got %d bytes", len(got))
	}
	c := deploy(t, sh(script).with("SIZE", fmt.Sprint(limit+1)))
	c.fails("{}", "FunctionResponseTooLarge", fmt.Sprint(limit))
	c.alone()
	c = deploy(t, sh(`yes`).with("BOOTSTRAP_MAX_RESPONSE", "1MiB"))
	began := time.Now()
	c.fails("{}", "FunctionResponseTooLarge", "1048576")
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("an endless response was followed for %s", took)
	}
	c.alone()
}

func TestTheLimitCanBeConfigured(t *testing.T) {
	c := deploy(t, sh(`head -c 200 /dev/zero`).with("BOOTSTRAP_MAX_RESPONSE", "200"))
	if got := c.answer("{}"); len(got) != 200 {
		t.Errorf("got %d bytes", len(got))
	}
	deploy(t, sh(`head -c 201 /dev/zero`).with("BOOTSTRAP_MAX_RESPONSE", "200")).fails("{}", "FunctionResponseTooLarge", "200")
}

// sample is one of the events that the platform sends.
func sample(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "examples", "events", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// envelope is what the API gateway wants.
type envelope struct {
	Status  int               `json:"statusCode"`
	Headers map[string]string `json:"headers"`
	Base64  bool              `json:"isBase64Encoded"`
	Body    string            `json:"body"`
}

func TestAResultForTheGatewayIsWrappedUnlessItIsAnEnvelope(t *testing.T) {
	apig := sample(t, "apig.json")
	for _, row := range []struct{ output, contentType string }{
		{"hello\n", "text/plain; charset=utf-8"},
		{"", "text/plain; charset=utf-8"},
		{`{"a":[1,2]}`, "application/json"},
		{"<!DOCTYPE html><p>\"quoted\" \\ ü", "text/plain; charset=utf-8"},
		{"\n <h1>hi</h1>", "text/plain; charset=utf-8"},
		{`{"statusCode":"200"}`, "application/json"},
		{"\x00\xff\xfe", "application/octet-stream"},
		{"\x89PNG\r\n\x1a\n\x00\x00", "image/png"},
	} {
		c := deploy(t, settings{"BOOTSTRAP_COMMAND": "cat out"}, file("out", row.output, 0o644))
		var e envelope
		if err := json.Unmarshal([]byte(c.answer(apig)), &e); err != nil {
			t.Fatal(err)
		}
		body := e.Body
		if e.Base64 {
			decoded, err := base64.StdEncoding.DecodeString(e.Body)
			if err != nil {
				t.Fatal(err)
			}
			body = string(decoded)
		}
		if e.Status != 200 || e.Headers["Content-Type"] != row.contentType || e.Headers["X-Content-Type-Options"] != "nosniff" || body != row.output {
			t.Errorf("%q became %+v", row.output, e)
		}
		if timer := sample(t, "timer.json"); c.answer(timer) != row.output {
			t.Errorf("%q was changed for a timer", row.output)
		}
	}
}

func TestAnEnvelopeIsRelayedUntouched(t *testing.T) {
	want := ` { "headers": {}, "statusCode": 404, "body": "x" } ` + "\n"
	got := deploy(t, settings{"BOOTSTRAP_COMMAND": "cat out"}, file("out", want, 0o644)).answer(sample(t, "apig.json"))
	if got != want {
		t.Errorf("got %q", got)
	}
}

func TestWrappingCanBeSwitchedOff(t *testing.T) {
	c := deploy(t, sh(`echo hello`).with("BOOTSTRAP_APIG_WRAP", "off"))
	if got := c.answer(sample(t, "apig.json")); got != "hello\n" {
		t.Errorf("got %q", got)
	}
}

func TestALargeAnswerForTheGatewayIsWrappedWholeOrNotAtAll(t *testing.T) {
	apig := sample(t, "apig.json")
	c := deploy(t, sh(`head -c $SIZE /dev/zero | tr '\0' '"'`).with("SIZE", "3000000"))
	var e envelope
	if err := json.Unmarshal([]byte(c.answer(apig)), &e); err != nil || e.Body != strings.Repeat(`"`, 3000000) {
		t.Errorf("got %d bytes of body, %v", len(e.Body), err)
	}
	deploy(t, sh(`head -c 4800000 /dev/zero | tr '\0' '"'`)).fails(apig, "FunctionResponseTooLarge")
}

func streaming(_ *platform.Function, o *platform.Options) { o.API.Streaming = true }

func TestAStreamedResponseArrivesWhole(t *testing.T) {
	c := deploy(t, sh(`head -c 20000000 /dev/zero`).with("BOOTSTRAP_STREAMING", "on"), streaming)
	if result := c.invoke("{}"); result.Failed || result.Size != 20000000 || !result.Streamed {
		t.Errorf("got %+v", result)
	}
}

func TestAFailureAfterTheCommitCutsTheStreamAndIsReportedOnce(t *testing.T) {
	t.Parallel()
	// As much as no pipe and no socket holds: when the program goes on, the platform has read
	// some of it. Of less the error may overtake the stream, as they come by two connections.
	for name, script := range map[string]string{
		"exit code": `head -c 20000000 /dev/zero; echo "gave up" >&2; exit 3`,
		"signal":    `head -c 20000000 /dev/zero; kill -KILL $$`,
		"deadline":  `head -c 20000000 /dev/zero; sleep 60`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := deploy(t, sh(script).with("BOOTSTRAP_STREAMING", "on", "BOOTSTRAP_TIMEOUT_MARGIN", "20s"), streaming, timeout(30*time.Second))
			result := c.invoke("{}")
			if !result.Failed || !result.Cut {
				t.Errorf("got %+v", result)
			}
			reports := c.API().Reports(result.RequestID)
			if len(reports) != 2 || reports[0].Complete || reports[1].Kind != api.KindError || !reports[1].Counted {
				t.Errorf("got %+v", reports)
			}
			c.alone()
		})
	}
}

func TestAStreamForTheGatewayIsAnEnvelopeInBase64(t *testing.T) {
	c := deploy(t, sh(`printf '<p>start'; sleep 0.1; head -c 1000000 /dev/zero`).with("BOOTSTRAP_STREAMING", "on"), streaming)
	var e envelope
	result := c.invoke(sample(t, "apig.json"))
	if err := json.Unmarshal(result.Payload, &e); err != nil {
		t.Fatal(err)
	}
	body, err := base64.StdEncoding.DecodeString(e.Body)
	if err != nil || !result.Streamed || !e.Base64 || string(body) != "<p>start"+strings.Repeat("\x00", 1000000) {
		t.Errorf("streamed %v, %d bytes of body, %v", result.Streamed, len(body), err)
	}
	own := `{"statusCode":201,"body":"` + strings.Repeat("x", 200000) + `"}`
	c = deploy(t, settings{"BOOTSTRAP_COMMAND": "cat out", "BOOTSTRAP_STREAMING": "on"}, streaming, file("out", own, 0o644))
	if got := c.invoke(sample(t, "apig.json")); string(got.Payload) != own || !got.Streamed {
		t.Errorf("got %.100q", got.Payload)
	}
}
