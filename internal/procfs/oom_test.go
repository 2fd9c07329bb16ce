package procfs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/testkit"
)

func TestTheCounterOfOutOfMemoryIsFound(t *testing.T) {
	const (
		v2 = "low 0\nhigh 0\nmax 12\noom 9\noom_kill %d\noom_group_kill 0\n"
		v1 = "oom_kill_disable 0\nunder_oom 0\noom_kill %d\n"
	)
	for name, test := range map[string]struct {
		groups, file, text string
		known              bool
	}{
		"version 2":                 {"0::/a/b\n", "a/b/memory.events", v2, true},
		"version 2 in a container":  {"0::/docker/4711\n", "memory.events", v2, true},
		"version 2 with namespaces": {"0::/../../a\n", "memory.events", v2, true},
		"version 1":                 {"5:cpu,cpuacct:/c\n4:memory:/a/b\n0::/\n", "memory/a/b/memory.oom_control", v1, true},
		"version 1, many at once":   {"4:hugetlb,memory,pids:/a\n", "memory/a/memory.oom_control", v1, true},
		"version 1 in a container":  {"4:memory:/kubepods/pod:1/2\n", "memory/memory.oom_control", v1, true},
		"both, memory in version 1": {"0::/x\n4:memory:/a\n", "memory/a/memory.oom_control", v1, true},
		"a kernel before 4.13":      {"4:memory:/a\n", "memory/a/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n#%d", false},
		"another controller":        {"4:memoryless:/a\n", "memory/a/memory.oom_control", v1, false},
		"no number":                 {"0::/\n", "memory.events", "oom_kill many%d\n", false},
		"no groups":                 {"", "memory.events", v2, false},
		"nonsense":                  {"a\n::\nb:c\n", "elsewhere", v2, false},
	} {
		root := t.TempDir()
		groups := filepath.Join(root, "self")
		testkit.WriteFile(t, groups, test.groups, 0o644)
		counter := filepath.Join(root, "cgroup", test.file)
		testkit.WriteFile(t, counter, fmt.Sprintf(test.text, 3), 0o644)
		o := procfs.NewOOM(procfs.CGroup{Root: filepath.Join(root, "cgroup"), Groups: groups})
		o.Begin()
		for step, count := range []int{3, 4, 4, 7, 2, 3} {
			testkit.WriteFile(t, counter, fmt.Sprintf(test.text, count), 0o644)
			want := test.known && (step == 1 || step == 3 || step == 5)
			if rose, known := o.Rose(); rose != want || known != test.known {
				t.Errorf("%s, step %d: rose %v, known %v; want %v, %v", name, step, rose, known, want, test.known)
			}
		}
		if err := os.Remove(counter); err != nil {
			t.Fatal(err)
		}
		if rose, known := o.Rose(); rose || known {
			t.Errorf("%s: rose %v, known %v without the file", name, rose, known)
		}
	}
	if rose, known := procfs.NewOOM(procfs.CGroup{Root: "/nowhere", Groups: "/nowhere"}).Rose(); rose || known {
		t.Error("known without any file")
	}
}

func TestARiseIsToldOnce(t *testing.T) {
	root := t.TempDir()
	groups, counter := filepath.Join(root, "self"), filepath.Join(root, "memory.events")
	testkit.WriteFile(t, groups, "0::/\n", 0o644)
	testkit.WriteFile(t, counter, "oom_kill 0\n", 0o644)
	o := procfs.NewOOM(procfs.CGroup{Root: root, Groups: groups})
	o.Begin()
	testkit.WriteFile(t, counter, "oom_kill 1\n", 0o644)
	var told atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if rose, _ := o.Rose(); rose {
				told.Add(1)
			}
		})
	}
	all.Wait()
	if told.Load() != 1 {
		t.Errorf("one rise was told %d times", told.Load())
	}
}
