package procfs

import (
	"bytes"
	"os"
	"strconv"
	"sync"
)

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
