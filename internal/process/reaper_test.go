package process_test

import (
	"os"
	"slices"
	"testing"

	"fgbootstrap/internal/process"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/testkit"

	"golang.org/x/sys/unix"
)

func TestAnOrphanIsCollected(t *testing.T) {
	p := start(t, child("adopted"))
	pid := p.number()
	p.ended()
	p.answers("adopted")
	_ = p.Stdin.Close() // ends the echo
	p.silent()
	testkit.Eventually(t, "no zombie is left of the orphan", func() bool { return !alive(pid) })
}

// strays are a daemon that a program has left behind, and two processes that it started.
func strays(t *testing.T) (p *program, pids []int) {
	t.Helper()
	p = start(t, child("stray"))
	for range 3 {
		pids = append(pids, p.number())
	}
	_ = p.Stdin.Close()
	p.ended()
	p.KillGroup(testkit.Patience)
	return p, pids
}

func TestSweepKillsWhatIsLeftBehindAndWhatThatStarted(t *testing.T) {
	p, pids := strays(t)
	for _, pid := range pids {
		if !alive(pid) {
			t.Errorf("%d, which left the group, was killed with it", pid)
		}
	}
	// As a rule one sweep does; its patience is short for a busy machine.
	for _, pid := range pids {
		testkit.Eventually(t, "it is collected", func() bool {
			reaper().Sweep()
			return !alive(pid)
		})
	}
	p.silent()
}

func TestSweepSparesTheGroupsOfOurPrograms(t *testing.T) {
	p := start(t, child("orphan"))
	pid := p.number() // the adopted one's
	p.number()
	if !slices.Contains(process.ChildrenByScan(), pid) {
		t.Fatal("the orphan is not ours")
	}
	reaper().Sweep()
	p.answers("at work")
}

func TestSweepSparesWhatWasThereBeforeUs(t *testing.T) {
	p := start(t, child("wrapper"))
	p.number() // printed after the sweep
	p.answers("still here")
}

func TestOrphansAreFoundWithoutTheListOfChildren(t *testing.T) {
	p := start(t, child("adopted"))
	pid := p.number()
	p.ended()
	p.answers("here")
	if listed, scanned := process.Inherited(), process.ChildrenByScan(); !slices.Contains(listed, pid) ||
		!slices.Contains(scanned, pid) {
		t.Errorf("the orphan is %d; listed %d, found by a scan %d", pid, listed, scanned)
	}
}

func TestWithoutProcProgramsStartAndEnd(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("it takes root to hide /proc")
	}
	unshare := testkit.Need(t, "unshare")
	spec := child("no-proc")
	spec.Args = []string{"unshare", "-m", "sh", "-c", `mount -t tmpfs none /proc || exit 77; exec "$0"`, spec.Path}
	spec.Path = unshare
	p := start(t, spec)
	line, _ := p.out.ReadString('\n')
	status := p.ended()
	if code := status.ExitStatus(); line == "" && (code == 1 || code == 77) {
		t.Skip("no mounts are allowed here")
	}
	if line != "exited with code 7\n" || !status.Success() {
		t.Errorf("without /proc: %q, and the program %s", line, status)
	}
}

func TestADaemonCanBeAdopted(t *testing.T) {
	p, pids := strays(t)
	child := 0
	testkit.Eventually(t, "all descend from one child of ours", func() bool {
		first, ok := procfs.Processes().ChildOf(pids[0])
		for _, pid := range pids {
			kin, known := procfs.Processes().ChildOf(pid)
			ok = ok && known && kin == first
		}
		child = first
		return ok && slices.Contains(pids, child)
	})
	daemon, ok := reaper().Adopt(child)
	if !ok {
		t.Fatalf("%d can't be adopted", child)
	}
	if _, again := reaper().Adopt(child); again {
		t.Error("it was adopted twice")
	}
	for _, pid := range pids {
		if _, ok := reaper().Adopt(pid); ok && pid != child {
			t.Errorf("%d was adopted, which is not our child", pid)
		}
	}
	reaper().Sweep()
	if !alive(child) {
		t.Fatal("the sweep has ended it")
	}
	if !daemon.Stop(process.Step{Signal: unix.SIGTERM, Wait: testkit.Patience}) {
		t.Fatal("it did not stop")
	}
	if daemon.Status().String() == "" || daemon.Status().Success() {
		t.Errorf("it ended with %s", daemon.Status())
	}
	for _, pid := range pids {
		testkit.Eventually(t, "what it had started is swept", func() bool {
			reaper().Sweep()
			return !alive(pid)
		})
	}
	p.silent()
}
