package process_test

import (
	"errors"
	"testing"
	"time"

	"fgbootstrap/internal/process"
	"fgbootstrap/internal/testkit"

	"golang.org/x/sys/unix"
)

// wrapped is a script that ends at TERM, with a program in it that needs a moment then.
const wrapped = `sh -c 'trap "sleep .5; echo saved; exit" TERM; echo ready; while :; do sleep .02; done'; true`

func TestStopLeavesTheRestOfTheGroupTheTimeOfItsStep(t *testing.T) {
	p := start(t, shell(wrapped))
	p.line()
	if !p.Stop(process.Step{Signal: unix.SIGTERM, Wait: testkit.Patience}) {
		t.Error("Stop says that somebody is left")
	}
	if err := unix.Kill(-p.PID, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("the group is still there: %v", err)
	}
	if got := p.line(); got != "saved" {
		t.Errorf("got %q", got)
	}
}

func TestStopGoesOnDownTheLadderForTheRestOfTheGroup(t *testing.T) {
	p := start(t, shell(`sh -c 'trap "" TERM; echo ready; while :; do sleep .02; done'; true`))
	p.line()
	if !p.Stop(process.Step{Signal: unix.SIGTERM, Wait: 100 * time.Millisecond}, process.Step{Signal: unix.SIGKILL, Wait: testkit.Patience}) {
		t.Error("Stop says that somebody is left")
	}
	if got := p.ended().String(); got != "was killed by SIGTERM" {
		t.Errorf("the wrapper %s", got)
	}
	p.silent()
}

// Between events what left its group is killed: not what is still being stopped.
func TestSweepSparesAGroupThatIsBeingStopped(t *testing.T) {
	p := start(t, shell(wrapped))
	p.line()
	stopped := make(chan bool)
	go func() { stopped <- p.Stop(process.Step{Signal: unix.SIGTERM, Wait: testkit.Patience}) }()
	p.ended()
	for sweeping := true; sweeping; {
		select {
		case <-stopped:
			sweeping = false
		default:
			reaper().Sweep()
		}
	}
	if got := p.line(); got != "saved" {
		t.Errorf("got %q", got)
	}
}
