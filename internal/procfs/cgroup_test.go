package procfs_test

import (
	"path/filepath"
	"runtime"
	"testing"

	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/testkit"
)

func TestAShareOfTheCPUsIsFound(t *testing.T) {
	all := float64(runtime.NumCPU())
	for name, test := range map[string]struct {
		groups string
		files  map[string]string
		want   float64
	}{
		"version 2":                {"0::/a\n", map[string]string{"a/cpu.max": "30000 100000\n"}, 0.3},
		"version 2 in a container": {"0::/docker/4711\n", map[string]string{"cpu.max": "50000 100000\n"}, 0.5},
		"version 2 without limit":  {"0::/a\n", map[string]string{"a/cpu.max": "max 100000\n"}, all},
		"version 1": {
			"5:cpu,cpuacct:/a\n", map[string]string{"cpu/a/cpu.cfs_quota_us": "20000\n", "cpu/a/cpu.cfs_period_us": "100000\n"}, 0.2,
		},
		"version 1 without limit": {
			"5:cpu:/\n", map[string]string{"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, all,
		},
		"the least counts":     {"0::/a\n", map[string]string{"a/cpu.max": "90000 100000\n", "cpu.max": "10000 100000\n"}, 0.1},
		"more than there are":  {"0::/\n", map[string]string{"cpu.max": "900000000 100000\n"}, all},
		"no period":            {"5:cpu:/\n", map[string]string{"cpu/cpu.cfs_quota_us": "20000\n"}, all},
		"nonsense":             {"0::/\n", map[string]string{"cpu.max": "a lot\n"}, all},
		"another's controller": {"5:cpuset:/\n", map[string]string{"cpu/cpu.cfs_quota_us": "20000\n", "cpu/cpu.cfs_period_us": "100000\n"}, all},
		"no groups":            {"", nil, all},
	} {
		root := t.TempDir()
		g := procfs.CGroup{Root: filepath.Join(root, "cgroup"), Groups: filepath.Join(root, "self")}
		testkit.WriteFile(t, g.Groups, test.groups, 0o644)
		for file, text := range test.files {
			testkit.WriteFile(t, filepath.Join(g.Root, file), text, 0o644)
		}
		if got := g.CPUs(); got != test.want {
			t.Errorf("%s: %g CPUs, want %g", name, got, test.want)
		}
	}
}
