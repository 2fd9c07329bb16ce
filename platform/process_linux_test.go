package platform_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
	"fgbootstrap/platform/api"
	"fgbootstrap/platform/fgtest"
)

// alive lists the pids in the files of a folder whose processes still run.
func alive(t *testing.T, dir string, want int) (pids []int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "pid*"))
	if err != nil || len(files) != want {
		t.Fatalf("%d pid files, not %d: %v", len(files), want, err)
	}
	for _, f := range files {
		b, _ := os.ReadFile(f)
		pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		if syscall.Kill(pid, 0) == nil { // zombies count, too
			pids = append(pids, pid)
		}
	}
	return pids
}

// family starts a child that ignores TERM, a grandchild, and a daemon in a session of its own.
func family(t *testing.T, dir string) string {
	t.Helper()
	testkit.Need(t, "setsid")
	return fmt.Sprintf(`cd %q; sh -c 'trap "" TERM; echo $$ >pid1.new; mv pid1.new pid1; sleep 1000 & echo $! >pid2; wait' >/dev/null 2>&1 &
setsid sh -c 'setsid sh -c "echo \$\$ >pid3; exec sleep 1000" & exit' >/dev/null 2>&1 </dev/null
until [ -s pid1 -a -s pid2 -a -s pid3 ]; do sleep 0.01; done`, dir)
}

func TestADeadlineKillsAllThatTheInstanceStarted(t *testing.T) {
	p, _ := fgtest.Function(t, "stubborn", func(fn *platform.Function, opt *platform.Options) {
		fn.Timeout, opt.Grace = 700*time.Millisecond, 50*time.Millisecond
	})
	dir := t.TempDir()
	r := fgtest.Call(t, p, "hang "+family(t, dir))
	if r.Code != api.CodeTimeout {
		t.Fatal(r)
	}
	if left := alive(t, dir, 3); len(left) > 0 {
		t.Errorf("%v live on", left)
	}
	if r := fgtest.Call(t, p, "answer next"); string(r.Payload) != "next" || r.Instance != 2 {
		t.Error(r)
	}
}

func TestAnExitTakesTheRestAlong(t *testing.T) {
	p, _ := fgtest.Function(t, "", nil)
	dir := t.TempDir()
	fgtest.Call(t, p, "sh "+family(t, dir))
	if left := alive(t, dir, 3); len(left) != 3 {
		t.Errorf("only %v live", left)
	}
	if r := fgtest.Call(t, p, "exit"); r.Code != api.CodeExited {
		t.Error(r)
	}
	if left := alive(t, dir, 3); len(left) > 0 {
		t.Errorf("%v live on", left)
	}
}

func TestCloseAsksThenKills(t *testing.T) {
	polite, log := fgtest.Function(t, "polite", nil)
	fgtest.Call(t, polite, "")
	if err := polite.Close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "good bye") {
		t.Error("it was not asked")
	}
	stubborn, _ := fgtest.Function(t, "stubborn", func(_ *platform.Function, opt *platform.Options) { opt.Grace = 50 * time.Millisecond })
	pid, _ := strconv.Atoi(string(fgtest.Call(t, stubborn, "pid").Payload))
	start := time.Now()
	if err := stubborn.Close(); err != nil || time.Since(start) < 50*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	if err := syscall.Kill(pid, 0); err == nil {
		t.Error("it lives on")
	}
}
