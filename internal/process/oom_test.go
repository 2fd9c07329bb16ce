package process_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/testkit"
)

// The real thing needs a control group that may be made.
func TestAProgramThatTakesTooMuchMemoryIsRecognised(t *testing.T) {
	name := "fgbootstrap-test-" + strconv.Itoa(os.Getpid())
	var folder, groups string
	for _, version := range []struct{ root, limit, groups string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "4:memory:/" + name + "\n"},
		{"/sys/fs/cgroup", "memory.max", "0::/" + name + "\n"},
	} {
		path := filepath.Join(version.root, name)
		if os.Mkdir(path, 0o755) != nil {
			continue
		}
		defer func() { _ = os.Remove(path) }() // the program is dead by then
		if os.WriteFile(filepath.Join(path, version.limit), []byte(strconv.Itoa(64<<20)), 0) == nil {
			folder, groups = path, version.groups
			break
		}
	}
	if folder == "" {
		t.Skip("no control group with a memory limit can be made here (it takes root and a writable /sys/fs/cgroup)")
	}
	// Where there is swap, it must not help.
	_ = os.WriteFile(filepath.Join(folder, "memory.memsw.limit_in_bytes"), []byte(strconv.Itoa(64<<20)), 0)
	_ = os.WriteFile(filepath.Join(folder, "memory.swap.max"), []byte("0"), 0)
	self := filepath.Join(t.TempDir(), "self")
	testkit.WriteFile(t, self, groups, 0o644)
	o := procfs.NewOOM(procfs.CGroup{Root: "/sys/fs/cgroup", Groups: self})

	p := start(t, child("hog"))
	p.number()
	if err := os.WriteFile(filepath.Join(folder, "cgroup.procs"), []byte(strconv.Itoa(p.PID)), 0); err != nil {
		t.Fatal(err)
	}
	if rose, known := o.Rose(); rose || !known {
		t.Errorf("before: rose %v, known %v", rose, known)
	}
	_ = p.Stdin.Close()
	if status := p.ended(); !status.Killed() {
		t.Errorf("the program %s", status)
	}
	if rose, known := o.Rose(); !rose || !known {
		t.Errorf("after: rose %v, known %v", rose, known)
	}
	p.KillGroup(testkit.Patience)
}
