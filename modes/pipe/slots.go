package pipe

import (
	"errors"
	"sync"

	"fgbootstrap/internal/doctor"
	"fgbootstrap/internal/output"
)

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

// finder finds the program's file and arguments. They are remembered until a start fails,
// so that a program repaired on disk runs again.
type finder struct {
	command *doctor.Command

	mu    sync.Mutex
	known bool
	path  string
	args  []string
}

func (f *finder) find() (path string, args []string, remembered bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known {
		return f.path, f.args, true, nil
	}
	f.path, f.args, err = f.command.Find()
	f.known = err == nil
	return f.path, f.args, false, err
}

func (f *finder) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known = false
}
