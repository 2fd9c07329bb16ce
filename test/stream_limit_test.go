package test

import (
	"strings"
	"testing"
	"time"
)

// What is over the limit need not be written to its end, and is not kept.
func TestAGigabyteThatIsNotStreamedIsStoppedEarly(t *testing.T) {
	eachFlow(t, func(t *testing.T, f flow) {
		for _, verb := range []string{"write", "text"} {
			c := deploy(t, f.settings.with("BOOTSTRAP_STREAMING", "off"), timeout(60*time.Second))
			count := t.TempDir() + "/count"
			result := c.invoke(f.event("count "+count, verb+" 1000000000"))
			if e := c.failureOf(result); e.Type != "FunctionResponseTooLarge" || !strings.Contains(e.Message, "6291456") {
				t.Errorf("got %s: %s", e.Type, e.Message)
			}
			if !f.stays {
				c.alone()
			}
			written := stopped(t, count)
			t.Logf("%s: the event ended after %s, the program after %d KB", verb, result.Duration, written>>10)
			if written > 300000000 || result.Duration > 15*time.Second {
				t.Errorf("%s: the event took %s, and the program could write %d bytes", verb, result.Duration, written)
			}
			c.remains(24)
			if r := c.invoke(f.event("write 1000")); r.Failed || r.Size < 1000 {
				t.Errorf("the next event got %.300q", r.Payload)
			}
		}
	})
}
