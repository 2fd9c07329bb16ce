package worker

import (
	"context"
	"errors"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/process"
	"fgbootstrap/internal/resident"
	"fgbootstrap/internal/retry"
)

// smallEvent is what any pipe holds. From the first larger one on, a worker's pipes are
// large: 64 KB went back and forth in two thirds of the time.
const smallEvent = 32 << 10

// inline tells whether an event is written by the goroutine that then reads the
// answer. A larger one, which the pipe may not hold, is written by another: a program
// that answers while it reads would wait for us to read, as we for it.
func (s *sequential) inline(size int) bool {
	if size > smallEvent && s.holds == 0 {
		_ = process.GrowPipe(s.worker.channel.answers, process.LargePipe)
		s.holds = max(smallEvent, process.GrowPipe(s.worker.channel.in.file, process.LargePipe)/2)
	}
	return size <= max(smallEvent, s.holds)
}

// sending is an event that is being written while its answer is read. nil is one
// that has been written.
type sending struct {
	in   *input
	over chan struct{}
	err  error // valid once over is closed
}

// send writes the event, a large one beside. The error is that nothing of it could be
// written.
func (s *sequential) send(ctx context.Context, inv *adapter.Invocation) (*sending, error) {
	if s.inline(len(inv.Payload)) {
		err := s.worker.write(ctx, inv)
		if !errors.Is(err, errUnsent) {
			err = nil // a program may answer what it has read
		}
		return nil, err
	}
	beside := &sending{in: s.worker.channel.in, over: make(chan struct{})}
	go func() {
		beside.err = s.worker.write(ctx, inv)
		close(beside.over)
		if errors.Is(beside.err, errUnsent) {
			s.interrupt() // there will be no answer
		}
	}()
	return beside, nil
}

// unsent tells whether it is known already that nothing could be written.
func (s *sending) unsent() bool {
	if s == nil {
		return false
	}
	select {
	case <-s.over:
		return errors.Is(s.err, errUnsent)
	default:
		return false
	}
}

// whole waits until nothing refers to the event any more, and tells whether all of it
// was written. A program that has answered and does not read the rest is not waited
// for.
func (s *sending) whole() bool {
	if s == nil {
		return true
	}
	if !retry.Await(context.Background(), s.over, resident.Drain) {
		_ = s.in.file.SetWriteDeadline(past)
		<-s.over
	}
	return s.err == nil
}
