package httpproxy_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/modes/httpproxy"

	"golang.org/x/sys/unix"
)

func addGracePrograms() {
	programs["takes a second to finish"] = func() {
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, unix.SIGTERM)
		go func() {
			<-asked
			took, _ := time.ParseDuration(os.Getenv("FINISHES_IN"))
			time.Sleep(took)
			fmt.Println("everything is saved")
			os.Exit(0)
		}()
		serve(listen(), scriptedServer)
	}
}

// behind has the program run behind a wrapper, a script of sh, in which $SELF is the program.
func behind(t *testing.T, script string, more ...string) func(*httpproxy.Config) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "run.sh")
	if err := os.WriteFile(file, []byte(script+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return func(c *httpproxy.Config) {
		c.Resident.Env = append(c.Resident.Env, "SELF="+c.Resident.Program.Command.Words[0])
		c.Resident.Env = append(c.Resident.Env, more...)
		c.Resident.Program.Command.Words = []string{"sh", file}
		c.Resident.Grace = testkit.Patience
		in(dir)(c)
	}
}

// wrappers end at TERM, each in its own way.
var wrappers = map[string]string{
	"dies of it":          `"$SELF"; true`,
	"exits with 0":        `trap 'exit 0' TERM; "$SELF" & wait`,
	"exits with an error": `trap 'exit 143' TERM; "$SELF" & wait`,
	"two deep":            `sh -c '"$SELF"; true'; true`,
	"stays":               `trap : TERM; "$SELF" & wait; wait`,
	"is the server":       `exec "$SELF"`,
}

func (f *fixture) wantsSaved(what string) {
	f.t.Helper()
	if f.logs.FilterMessage("everything is saved").Len() != 1 {
		f.t.Errorf("%s: the server could not finish", what)
	}
}

// The grace is not the wrapper's alone.
func TestAServerBehindAWrapperHasItsGraceAtTheEnd(t *testing.T) {
	t.Parallel()
	for name, script := range wrappers {
		h := open(t, "takes a second to finish", behind(t, script, "FINISHES_IN=1s"))
		h.pid()
		h.shutdown() // which is to end long before the grace
		h.wantsSaved(name)
	}
}

func TestAServerBehindAWrapperHasItsGraceWhenItIsReplaced(t *testing.T) {
	t.Parallel()
	for name, script := range wrappers {
		h := open(t, "takes a second to finish", behind(t, script, "FINISHES_IN=500ms"))
		old := h.answer(call("GET", "/deafen", "")).Body // it takes no connections any more
		time.Sleep(1100 * time.Millisecond)              // and the one that it has is closed
		if got := h.pid(); got == old {
			t.Errorf("%s: it was not replaced", name)
		}
		h.wantsSaved(name)
	}
}

func TestAServerBehindAWrapperThatDoesNotEndIsKilledAfterTheGrace(t *testing.T) {
	t.Parallel()
	h := open(t, "takes a second to finish", all(behind(t, wrappers["dies of it"], "FINISHES_IN=1h"),
		func(c *httpproxy.Config) { c.Resident.Grace = 300 * time.Millisecond }))
	h.pid()
	h.shutdown()
	if h.logs.FilterMessage("everything is saved").Len() > 0 {
		t.Error("an hour is over")
	}
}

func TestAServerBehindNpmStartHasItsGrace(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("npm"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("there is no npm here")
	}
	setting := behind(t, "", "FINISHES_IN=1s")
	h := open(t, "takes a second to finish", func(c *httpproxy.Config) {
		setting(c)
		dir := c.Resident.Program.Command.Dir
		c.Resident.Program.Command.Words = []string{"npm", "start"}
		c.Resident.Env = append(c.Resident.Env, "npm_config_update_notifier=false", "npm_config_cache="+filepath.Join(dir, "cache"))
		manifest := `{"name":"x","version":"1.0.0","scripts":{"start":"\"$SELF\""}}`
		if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(manifest), 0o644); err != nil {
			t.Fatal(err)
		}
	})
	h.pid()
	h.shutdown()
	h.wantsSaved("npm start")
}
