package procfs

import (
	"bytes"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// CGroup says where to find this process's control groups: Root is the mount point, usually
// /sys/fs/cgroup, Groups the list of its groups, /proc/self/cgroup.
type CGroup struct{ Root, Groups string }

// files yields the paths where a file of our group may be. Version 2 calls it unified, version 1
// has it in a controller's folder. In a container the group's path is often the host's while the
// group itself is mounted at the root.
func (g CGroup) files(unified, controller, file string) iter.Seq[string] {
	return func(yield func(string) bool) {
		text, _ := os.ReadFile(g.Groups)
		for line := range strings.SplitSeq(string(text), "\n") {
			// hierarchy:controllers:path
			parts := strings.SplitN(line, ":", 3)
			if len(parts) != 3 {
				continue
			}
			dir, name := g.Root, unified
			if parts[1] != "" {
				if !strings.Contains(","+parts[1]+",", ","+controller+",") {
					continue
				}
				dir, name = filepath.Join(g.Root, controller), file
			}
			if !yield(filepath.Join(dir, parts[2], name)) || !yield(filepath.Join(dir, name)) {
				return
			}
		}
	}
}

// CPUs returns how many CPUs we may use; 0.3 is a share of one. The value that Go's scheduler
// uses is never below 2 on a machine with two.
func (g CGroup) CPUs() float64 {
	cpus := float64(runtime.NumCPU())
	for file := range g.files("cpu.max", "cpu", "cpu.cfs_quota_us") {
		if share, ok := readShare(file); ok {
			cpus = min(cpus, share)
		}
	}
	return cpus
}

// readShare reads "quota period", or the quota alone, whose period is in a file beside
// it; "max" or -1 is no limit.
func readShare(file string) (share float64, ok bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(text)
	if len(fields) == 1 {
		period, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cpu.cfs_period_us")) // without it there is no second field
		fields = append(fields, bytes.Fields(period)...)
	}
	if len(fields) != 2 {
		return 0, false
	}
	quota, err := strconv.ParseFloat(string(fields[0]), 64)
	period, perr := strconv.ParseFloat(string(fields[1]), 64)
	return quota / period, err == nil && perr == nil && quota > 0 && period > 0
}

// Processes is how many processes and threads our group may have; ok is false where there is no
// limit, or it can't be read.
func (g CGroup) Processes() (most int, ok bool) {
	for file := range g.files("pids.max", "pids", "pids.max") {
		text, _ := os.ReadFile(file)
		n, err := strconv.Atoi(strings.TrimSpace(string(text))) // "max" is none
		if err == nil && (!ok || n < most) {
			most, ok = n, true
		}
	}
	return most, ok
}

// OOM watches how often the kernel has killed a process in our control group because memory ran
// out. The zero value knows nothing.
type OOM struct {
	group CGroup
	once  sync.Once
	file  string // "" where there is none

	mu    sync.Mutex
	count int
}

// NewOOM makes an OOM, which looks at nothing before Begin.
func NewOOM(g CGroup) *OOM { return &OOM{group: g} }

// Begin finds the counter, once: version 2 of control groups has it in memory.events, version 1
// in memory.oom_control. Kills before that are ignored. Call it when the first program has been
// started, and not needlessly before the first poll: it takes a tenth of a millisecond.
func (o *OOM) Begin() {
	o.once.Do(func() {
		for file := range o.group.files("memory.events", "memory", "memory.oom_control") {
			if count, ok := readCounter(file); ok {
				o.file, o.count = file, count
				return
			}
		}
	})
}

func readCounter(file string) (count int, ok bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	for _, line := range bytes.Split(text, []byte("\n")) {
		if value, found := bytes.CutPrefix(line, []byte("oom_kill ")); found {
			count, err = strconv.Atoi(string(bytes.TrimSpace(value)))
			return count, err == nil
		}
	}
	return 0, false
}

// Rose reports whether the counter rose since the last call, and whether there is a counter.
func (o *OOM) Rose() (rose, known bool) {
	o.Begin()
	if o.file == "" {
		return false, false
	}
	// Read under the lock: of two readers the later one must not be overtaken,
	// or its rise would be told twice.
	o.mu.Lock()
	defer o.mu.Unlock()
	count, ok := readCounter(o.file)
	if !ok {
		return false, false
	}
	rose = count > o.count
	o.count = count
	return rose, true
}
