package process

import (
	"bytes"
	"os"
	"strconv"
	"sync"
)

// OOM watches how often the kernel has killed for want of memory in our
// control group.
type OOM struct {
	file string // "" where there is none

	mu    sync.Mutex
	count int
}

// NewOOM finds the counter of this process's control group: version 2 has it in
// memory.events, version 1 in memory.oom_control.
func NewOOM(g CGroup) *OOM {
	for file := range g.files("memory.events", "memory", "memory.oom_control") {
		if count, ok := readCounter(file); ok {
			return &OOM{file: file, count: count}
		}
	}
	return &OOM{}
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
