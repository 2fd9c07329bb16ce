package test

import (
	"strings"
	"testing"
	"time"
)

// A result that is nearly an envelope goes out as a page, with all that is in it. That is said.
func TestAResultThatIsNearlyAnEnvelopeDoesNotGoOutWithoutAWord(t *testing.T) {
	t.Parallel()
	const nearly = `{"statusCode":"404","headers":{"Set-Cookie":"session=1"},"body":"x"}`
	for name, s := range map[string]settings{
		"pipe":                       sh(`cat nearly`),
		"pipe, in a stream":          sh(`cat nearly`).with("BOOTSTRAP_STREAMING", "on"),
		"a stream that is under way": sh(`cat noisy; sleep 1; echo bye`).with("BOOTSTRAP_STREAMING", "on"),
		"lines":                      sh(`while read event; do cat nearly; echo; done`).with("BOOTSTRAP_MODE", "worker"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := deploy(t, s, file("nearly", nearly, 0o644), file("noisy", "loading\n"+strings.Replace(nearly, `"404"`, "404", 1), 0o644), streaming)
			const word = "The result looks like an API gateway's envelope but is none"
			for range 3 {
				if r := c.invoke(gatewayGet); r.Failed {
					t.Errorf("got %s", r.Payload)
				}
				c.logs(word)
			}
			if n := strings.Count(c.log.String(), word); n != 1 {
				t.Errorf("it is said %d times", n)
			}
		})
	}
}

func TestAnEventThatIsNearlyACallIsToldWhatItLacksInEveryMode(t *testing.T) {
	t.Parallel()
	const lacks = "it lacks requestContext (an object)"
	const event = `{"httpMethod":"GET","path":"/","headers":{}}`
	for name, s := range map[string]settings{
		"pipe":   sh(`echo hello`),
		"worker": sh(`while read event; do echo hello; done`).with("BOOTSTRAP_MODE", "worker"),
	} {
		c := deploy(t, s)
		if got := c.answer(event); strings.TrimSpace(got) != "hello" {
			t.Errorf("%s: %s", name, got)
		}
		c.logs(lacks)
	}
	c := deploy(t, server("sh", "-c", `exec python3 -m http.server --bind 127.0.0.1 "$PORT"`), timeout(20*time.Second))
	c.fails(event, "HTTP.501", lacks) // it knows no POST
	c.logs(lacks)
}
