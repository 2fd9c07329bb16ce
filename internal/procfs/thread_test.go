package procfs_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/testkit"
)

// waiting starts a program and returns what its only thread is found doing, once want holds.
func waiting(t *testing.T, want func(procfs.Call) bool, command string, args ...string) {
	t.Helper()
	cmd := exec.Command(testkit.Need(t, command), args...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	thread, err := procfs.OpenThread(cmd.Process.Pid, cmd.Process.Pid)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist) {
		t.Skip("the kernel does not tell what a thread waits in:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer thread.Close()
	buf := make([]byte, 4096)
	testkit.Eventually(t, fmt.Sprintf("%s waits as it should", strings.Join(append([]string{command}, args...), " ")), func() bool {
		call, err := thread.Look(buf)
		return err == nil && want(call)
	})
}

func TestWhatAThreadWaitsInIsSeen(t *testing.T) {
	reads := func(c procfs.Call) bool { return c.Wait == procfs.Reads && c.Descriptor == 0 }
	waiting(t, reads, "cat")
	waiting(t, reads, "sh", "-c", "read -r line")
	waiting(t, func(c procfs.Call) bool { return c.Wait == procfs.Works }, "sleep", "600")
	waiting(t, func(c procfs.Call) bool { return c.Wait == procfs.Waits }, "sh", "-c", "cat; true")
	const python = "import select,sys;p=select.epoll();p.register(0,select.EPOLLIN);p.poll(%s)"
	waiting(t, func(c procfs.Call) bool { return c.Wait == procfs.Epolls && !c.Timed }, "python3", "-c", fmt.Sprintf(python, ""))
	waiting(t, func(c procfs.Call) bool { return c.Wait == procfs.Epolls && c.Timed }, "python3", "-c", fmt.Sprintf(python, "600"))
	waiting(t, func(c procfs.Call) bool { return c.Wait == procfs.Polls && !c.Timed }, "python3", "-c", "import select;p=select.poll();p.register(0);p.poll()")
	waiting(t, func(c procfs.Call) bool { return c.Wait == procfs.Polls && c.Timed }, "python3", "-c", "import select;p=select.poll();p.register(0);p.poll(600000)")
	waiting(t, func(c procfs.Call) bool { return c.Wait == procfs.Polls && !c.Timed }, "python3", "-c", "import select;select.select([0],[],[])")
	waiting(t, func(c procfs.Call) bool { return c.Wait == procfs.Polls && c.Timed }, "python3", "-c", "import select;select.select([0],[],[],600)")
}

func TestAThreadThatGetsTooLittleOfTheCPUIsStarved(t *testing.T) {
	share, ok := procfs.ShareOf(os.Getpid())
	if !ok {
		t.Skip("the kernel does not tell")
	}
	const step = 5 * time.Millisecond
	for name, row := range map[string]struct {
		now     procfs.Share
		starved bool
	}{
		"it sleeps":            {procfs.Share{Ran: share.Ran, Waited: share.Waited}, false},
		"it runs all the time": {procfs.Share{Ran: share.Ran + step, Waited: share.Waited, Ready: true}, false},
		"it has waited":        {procfs.Share{Ran: share.Ran + step/2, Waited: share.Waited + step/2}, true},
		"it still waits":       {procfs.Share{Ran: share.Ran, Waited: share.Waited, Ready: true}, true},
	} {
		if got := row.now.Starved(share, step); got != row.starved {
			t.Errorf("%s: %t", name, got)
		}
	}
	if _, ok := procfs.ShareOf(1 << 30); ok {
		t.Error("a thread that is none has a share")
	}
}
