package worker

import (
	"bytes"

	"fgbootstrap/modes/worker/codec"

	"go.uber.org/zap"
)

// strays are what a worker wrote that nobody asked for.
type strays struct {
	worker *worker
	lines  [][]byte // a few of them
	half   []byte   // one whose end has not come
	told   bool     // that the worker writes more than its answers
}

const (
	// mostStrays is how many are kept to be told.
	mostStrays = 20
	// mostReads bounds how long a worker that writes without end holds up who looks.
	mostReads = 64
)

func (s *strays) any() bool { return len(s.lines) > 0 || len(s.half) > 0 }

// first is the one that is told.
func (s *strays) first() []byte {
	if len(s.lines) > 0 {
		return s.lines[0]
	}
	return s.half
}

// take takes what the worker has written, without waiting for more; used says that it has
// had an event. The error is that there is nothing more to be read.
func (s *strays) take(used bool) error {
	channel := s.worker.channel
	for range mostReads {
		line, long, ok := channel.lines.next()
		for ; ok; line, long, ok = channel.lines.next() {
			if (long || !s.meaningless(line, used)) && len(s.lines) < mostStrays {
				s.lines = append(s.lines, bytes.Clone(s.begin(line)))
			}
		}
		n, err := channel.source.ReadNow(channel.lines.room())
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		channel.lines.added(n)
	}
	s.half = append(s.half[:0], s.begin(channel.lines.rest())...)
	return nil
}

// begin is what is kept of a line, with no half of a secret at its end.
func (s *strays) begin(line []byte) []byte {
	if len(line) <= beginning {
		return line
	}
	return line[:s.worker.mode.keys.Cut(line[:beginning])]
}

// tellEarly logs what the worker wrote before its first event, if anything.
func (s *strays) tellEarly() {
	if !s.any() {
		return
	}
	for _, line := range s.lines {
		s.worker.mode.Resident.Output.Info(string(s.worker.mode.keys.Bytes(line)))
	}
	_ = s.worker.mode.Resident.Output.Sync()
	s.worker.mode.Resident.Log.Warn("the program wrote to its response channel before its first event: " +
		s.worker.mode.keys.Quote(s.first()) + ". That is logged and is no answer. " + s.worker.story.channelAdvice())
	s.forget()
}

// tellDropped logs, once a worker, that it writes more than its answers.
func (s *strays) tellDropped() {
	if !s.told {
		s.told = true
		s.worker.mode.Resident.Log.Warn("the program wrote more than its answer, which is dropped: "+s.worker.mode.keys.Quote(s.first())+
			". "+s.worker.story.channelAdvice(), zap.String("requestId", s.worker.life.Printed.LastID()))
	}
	s.forget()
}

func (s *strays) forget() { s.lines, s.half = nil, nil }

// meaningless reports whether a line may be there before an event: a blank one, or a sign of
// being ready that nobody waited for.
func (s *strays) meaningless(line []byte, used bool) bool {
	m, err := s.worker.mode.Codec.Read(line)
	return err == nil && (m.Kind == codec.Nothing || m.Ready && !used)
}
