package procfs_test

import (
	"path/filepath"
	"testing"

	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/testkit"
)

func TestTheLimitOfProcessesIsFound(t *testing.T) {
	for name, test := range map[string]struct {
		groups string
		files  map[string]string
		want   int // 0: none
	}{
		"version 2":                {"0::/a\n", map[string]string{"a/pids.max": "1024\n"}, 1024},
		"version 2 in a container": {"0::/docker/4711\n", map[string]string{"pids.max": "100\n"}, 100},
		"version 2 without limit":  {"0::/a\n", map[string]string{"a/pids.max": "max\n"}, 0},
		"version 1":                {"7:pids:/a\n", map[string]string{"pids/a/pids.max": "55\n"}, 55},
		"the least counts":         {"0::/a\n", map[string]string{"a/pids.max": "90\n", "pids.max": "10\n"}, 10},
		"another's controller":     {"7:cpu:/a\n", map[string]string{"pids/a/pids.max": "55\n"}, 0},
		"no groups":                {"", nil, 0},
	} {
		root := t.TempDir()
		g := procfs.CGroup{Root: filepath.Join(root, "cgroup"), Groups: filepath.Join(root, "self")}
		testkit.WriteFile(t, g.Groups, test.groups, 0o644)
		for file, text := range test.files {
			testkit.WriteFile(t, filepath.Join(g.Root, file), text, 0o644)
		}
		if got, ok := g.Processes(); got != test.want || ok != (test.want > 0) {
			t.Errorf("%s: %d, %t, want %d", name, got, ok, test.want)
		}
	}
}
