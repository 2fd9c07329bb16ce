package test

import (
	"strings"
	"syscall"
	"testing"

	"fgbootstrap/platform"
)

// startedBy has a shell start the bootstrap.
func startedBy(t *testing.T, start string) setup {
	return func(f *platform.Function, _ *platform.Options) { wrap(t, f, start) }
}

// What whoever starts the bootstrap has open, by accident or for itself, is not for programs.
func TestAProgramInheritsNoDescriptorThatTheBootstrapWasStartedWith(t *testing.T) {
	t.Parallel()
	const open = "exec 5</dev/null 7<>/dev/zero 9>/dev/null\nexec "
	const show = `for fd in 3 4 5 6 7 8 9; do if [ -e /proc/$$/fd/$fd ]; then readlink /proc/$$/fd/$fd; fi; done`
	for name, s := range map[string]settings{
		"pipe":        sh(show),
		"pipe, spare": sh("read event; "+show).with("BOOTSTRAP_PIPE_SPARES", "1"),
		"worker":      sh(`while read event; do echo $(`+show+`); done`).with("BOOTSTRAP_MODE", "worker"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := deploy(t, s, startedBy(t, open), memory(1024)).answer("{}\n"); strings.Contains(got, "/dev/") {
				t.Errorf("open in the program: %s", got)
			}
		})
	}
}

func TestAHangupIsARequestToStop(t *testing.T) {
	t.Parallel()
	c := deploy(t, sh(`echo started >&2; sleep 1; echo done`))
	result := c.begin("{}")
	c.logs("INFO started")
	c.signal(syscall.SIGHUP)
	if got := <-result; got.Failed || strings.TrimSpace(string(got.Payload)) != "done" {
		t.Errorf("got %d: %s", got.Code, got.Payload)
	}
	c.logs("bootstrap has stopped")
	c.waitFor("it to exit", func() bool { return len(c.processes()) == 0 })
}

func TestAHangupThatWasToBeIgnoredIs(t *testing.T) {
	t.Parallel()
	c := deploy(t, sh(`echo started >&2; read more; echo done`), startedBy(t, "trap '' HUP\nexec "))
	c.answer("{}")
	c.signal(syscall.SIGHUP)
	if got := c.answer("{}"); strings.TrimSpace(got) != "done" {
		t.Errorf("got %s", got)
	}
	if strings.Contains(c.log.String(), "stopping") {
		t.Error("it stops")
	}
}
