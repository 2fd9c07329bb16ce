package process_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"fgbootstrap/internal/process"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

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
		write(t, groups, test.groups)
		counter := filepath.Join(root, "cgroup", test.file)
		write(t, counter, fmt.Sprintf(test.text, 3))
		o := process.NewOOM(process.CGroup{Root: filepath.Join(root, "cgroup"), Groups: groups})
		o.Begin()
		for step, count := range []int{3, 4, 4, 7, 2, 3} {
			write(t, counter, fmt.Sprintf(test.text, count))
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
	if rose, known := process.NewOOM(process.CGroup{Root: "/nowhere", Groups: "/nowhere"}).Rose(); rose || known {
		t.Error("known without any file")
	}
}

func TestARiseIsToldOnce(t *testing.T) {
	root := t.TempDir()
	groups, counter := filepath.Join(root, "self"), filepath.Join(root, "memory.events")
	write(t, groups, "0::/\n")
	write(t, counter, "oom_kill 0\n")
	o := process.NewOOM(process.CGroup{Root: root, Groups: groups})
	o.Begin()
	write(t, counter, "oom_kill 1\n")
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
	write(t, self, groups)
	o := process.NewOOM(process.CGroup{Root: "/sys/fs/cgroup", Groups: self})

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
	p.KillGroup(patience)
}
