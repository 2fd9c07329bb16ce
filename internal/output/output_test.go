package output_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/output"
	"fgbootstrap/internal/secret"
	"fgbootstrap/internal/testkit"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// program is the pipe of one that prints, and the Log that follows it.
type program struct {
	*output.Log
	t    *testing.T
	keys *secret.Keyring
	pipe *os.File
	logs *observer.ObservedLogs
}

func follow(t *testing.T) *program {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zapcore.InfoLevel)
	keys := secret.NewKeyring(secret.NewMask("a planted secret"))
	p := &program{Log: output.NewLog(keys, zap.New(core)), t: t, keys: keys, pipe: w, logs: logs}
	if err := p.Follow(r); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.Close()
		p.Wait()
		_ = r.Close()
	})
	return p
}

// print prints a line and waits until it is in the log, whose entry it returns.
func (p *program) print(format string, args ...any) observer.LoggedEntry {
	p.t.Helper()
	before := p.logs.Len()
	if _, err := fmt.Fprintf(p.pipe, format+"\n", args...); err != nil {
		p.t.Fatal(err)
	}
	testkit.Eventually(p.t, "it is in the log", func() bool { return p.logs.Len() > before })
	return p.logs.All()[before]
}

func id(entry observer.LoggedEntry) string {
	id, _ := entry.ContextMap()["requestId"].(string)
	return id
}

func TestALineHasTheIDOfTheEventThatIsAlone(t *testing.T) {
	p := follow(t)
	if got := id(p.print("starting")); got != "" {
		t.Errorf("before any event: got %q", got)
	}
	one := p.Enter("one")
	if got := id(p.print("at work")); got != "one" {
		t.Errorf("got %q", got)
	}
	two := p.Enter("two")
	if got := id(p.print("at work on both")); got != "" {
		t.Errorf("with two events: got %q", got)
	}
	one.Leave()
	if got := id(p.print("at work on the other, or not yet read of the one")); got != "" {
		t.Errorf("got %q", got)
	}
	two.Leave()
	three := p.Enter("three")
	if got := id(p.print("at work again")); got != "three" {
		t.Errorf("got %q", got)
	}
	three.Leave()
	if got := id(p.print("tidying up")); got != "three" {
		t.Errorf("just after the last event: got %q", got)
	}
	time.Sleep(2 * output.Afterwards)
	if got := id(p.print("a tick of its own")); got != "" {
		t.Errorf("long after the last event: got %q", got)
	}
}

func TestNobodyReadsWhatIsAboutTheEventOfAnother(t *testing.T) {
	p := follow(t)
	p.print("starting")
	one := p.Enter("one")
	p.print("about one")
	if got := strings.Join(one.Tail(), ","); got != "starting,about one" { // of before any event it may read
		t.Errorf("got %q", got)
	}
	two := p.Enter("two")
	p.print("about either")
	if !one.Shared() || !two.Shared() || one.Tail() != nil || two.Tail() != nil {
		t.Errorf("got %q and %q", one.Tail(), two.Tail())
	}
	one.Leave()
	if two.Tail() != nil {
		t.Errorf("got %q, which may still be about one", two.Tail())
	}
	two.Leave()
	three := p.Enter("three")
	if got := three.Tail(); len(got) > 0 {
		t.Errorf("got %q, of before", got)
	}
	p.print("about three")
	if got := strings.Join(three.Tail(), ","); got != "about three" {
		t.Errorf("got %q", got)
	}
	three.Leave()
}

func TestSecretsOfThisAndEarlierEventsAreMasked(t *testing.T) {
	p := follow(t)
	p.keys.Add([]string{"credential-of-one"})
	p.keys.Add([]string{"credential-of-two"})
	if got := p.print("a planted secret, credential-of-one, credential-of-two").Message; got != "****, ****, ****" {
		t.Errorf("got %q", got)
	}
	if got := p.keys.Quote([]byte("credential-of-one " + strings.Repeat("é", 300))); !strings.HasPrefix(got, "«**** éé") || !strings.HasSuffix(got, "é…»") || len(got) > 220 {
		t.Errorf("got %q", got)
	}
	if got := p.keys.Quote([]byte(strings.Repeat("x", 190) + "credential-of-two")); strings.Contains(got, "cred") {
		t.Errorf("half a secret is in %q", got)
	}
}
