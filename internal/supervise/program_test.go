package supervise_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

var (
	errCrash   = errors.New("exited with code 7")
	errStopped = errors.New("stopped")
)

// program is an Instance that does what a test says.
type program struct {
	ready, ended chan struct{}
	stopTakes    time.Duration // set before it is stopped

	once   sync.Once
	reason error // valid once ended is closed
	load   atomic.Int64
	stops  atomic.Int64
}

func newProgram() *program {
	return &program{ready: make(chan struct{}), ended: make(chan struct{})}
}

func (p *program) Ready() <-chan struct{} { return p.ready }
func (p *program) Ended() <-chan struct{} { return p.ended }
func (p *program) Reason() error          { return p.reason }

func (p *program) Stop() {
	p.stops.Add(1)
	time.Sleep(p.stopTakes)
	p.end(errStopped)
}

func (p *program) end(reason error) {
	p.once.Do(func() {
		p.reason = reason
		close(p.ended)
	})
}

// What a start may do.
func ready(p *program) error           { close(p.ready); return nil }
func refused(*program) error           { return errCrash }
func endsAtOnce(p *program) error      { p.end(errCrash); return nil }
func isReadyThenEnds(p *program) error { _ = ready(p); return endsAtOnce(p) }
