package pipe

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/output"

	"golang.org/x/sys/unix"
)

// contextFileVariable names the file with the invocation's context.
const contextFileVariable = "BOOTSTRAP_CONTEXT_FILE"

// traceVariable begins the variable with the event's trace. No request may set the function's own.
const traceVariable = "TRACEPARENT="

// contextFile is a file that any descendant of ours can read by its path, again and again,
// without inheriting a descriptor: a memory file under /proc/<our pid>/fd, or a temporary file if
// there is no /proc.
type contextFile struct {
	file *os.File
	path string
	temp bool
}

func newContextFile() (*contextFile, error) {
	// A binary that may be executed but not read (chmod 711) hides its /proc from
	// the programs it starts, which run as the same user.
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	if fd, err := unix.MemfdCreate("context.json", unix.MFD_CLOEXEC); err == nil {
		file := os.NewFile(uintptr(fd), "context.json")
		path := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd)
		if _, err := os.Stat(path); err == nil {
			return &contextFile{file: file, path: path}, nil
		}
		_ = file.Close()
	}
	file, err := os.CreateTemp("/tmp", "context-*.json")
	if err != nil {
		return nil, fmt.Errorf("make the context file: %w", err)
	}
	return &contextFile{file: file, path: file.Name(), temp: true}, nil
}

func (c *contextFile) write(text []byte) error {
	if _, err := c.file.WriteAt(text, 0); err != nil {
		return fmt.Errorf("write the context file: %w", err)
	}
	if err := c.file.Truncate(int64(len(text))); err != nil {
		return fmt.Errorf("write the context file: %w", err)
	}
	return nil
}

func (c *contextFile) close() error {
	if c.temp {
		_ = os.Remove(c.path)
	}
	return c.file.Close()
}

// environment is env with the invocation's metadata: X-CFF-Request-Id becomes
// X_CFF_REQUEST_ID.
func environment(env []string, headers []adapter.Header, contextPath string) []string {
	out := make([]string, 0, len(env)+len(headers)+1)
	out = append(out, env...)
	for _, h := range headers {
		if strings.IndexByte(h.Value, 0) < 0 { // no variable can hold it
			out = append(out, strings.Map(variableRune, h.Name)+"="+h.Value)
		}
	}
	return append(out, contextFileVariable+"="+contextPath)
}

func variableRune(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return r - 'a' + 'A'
	case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return r
	default:
		return '_'
	}
}

// slot is what one invocation at a time uses.
type slot struct {
	lines   []byte // for stderr
	context *contextFile
}

// slots holds the slots that are not in use. There are as many in all as there were events or
// spares at once.
type slots struct {
	mu   sync.Mutex
	free []*slot
}

func (s *slots) take() (*slot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free); n > 0 {
		last := s.free[n-1]
		s.free = s.free[:n-1]
		return last, nil
	}
	file, err := newContextFile()
	if err != nil {
		return nil, err
	}
	return &slot{lines: make([]byte, output.LineBytes), context: file}, nil
}

func (s *slots) give(one *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, one)
}

func (s *slots) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []error
	for _, one := range s.free {
		all = append(all, one.context.close())
	}
	s.free = nil
	return errors.Join(all...)
}
