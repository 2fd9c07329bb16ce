package procfs

import (
	"bytes"
	"os"
	"strconv"
	"sync"
)

// OOM watches how often the kernel has killed for want of memory in our
// control group. The zero value knows nothing.
type OOM struct {
	group CGroup
	once  sync.Once
	file  string // "" where there is none

	mu    sync.Mutex
	count int
}

// NewOOM looks at nothing yet.
func NewOOM(g CGroup) *OOM { return &OOM{group: g} }

// Begin finds the counter, unless it was found before: version 2 of control groups has it
// in memory.events, version 1 in memory.oom_control. What was counted up to now is nobody's.
// Call it with the first program that is started, and where that comes after the first
// poll not before: it takes a tenth of a millisecond.
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

// Rose tells whether the counter rose since the last call, and whether there is
// one.
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
