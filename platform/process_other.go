//go:build !linux

package platform

import (
	"errors"
	"time"
)

// process only lets the rest build; it never runs.
type process struct{ exited chan struct{} }

func startProcess(string, string, []string, *journal, string) (*process, error) {
	return nil, errors.New("running a function needs Linux (its bootstrap is a Linux program, and /proc is needed to find the processes that it starts); use a container or a virtual machine")
}

func (*process) terminate(time.Duration) {}
func (*process) kill() error             { return nil }
func (*process) how() string             { return "" }
func (*process) memory() int64           { return 0 }
func (*process) flush()                  {}
