package worker

import (
	"fgbootstrap/adapter"
	"fgbootstrap/internal/output"
	"fgbootstrap/modes/worker/codec"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// beginning is how much is looked at of a line that is too long.
const beginning = 4 << 10

// read hands out what the worker writes, until there is no more to come. It goes
// on whatever comes: an event that waits must not be lost for a line about
// another.
func (m *multiplexed) read() error {
	for {
		line, long, ok := m.worker.channel.lines.next()
		switch {
		case long:
			if err := m.tooLong(line); err != nil {
				return err
			}
		case ok:
			m.dispatch(line)
		case m.worker.channel.lines.endless():
			return m.worker.story.unquoted("wrote a line without an end", m.worker.channel.lines.memory[:beginning])
		default:
			n, err := m.worker.channel.source.Read(m.worker.channel.lines.room())
			m.worker.channel.lines.added(n)
			if err != nil {
				return err
			}
		}
	}
}

func (m *multiplexed) dispatch(line []byte) {
	msg, err := m.worker.mode.Codec.Read(line)
	if err != nil {
		m.broken(err, line)
		return
	}
	if msg.Ready && m.worker.life.MarkReady() {
		return
	}
	if msg.Kind == codec.Answer || msg.Kind == codec.Failure {
		m.worker.proven.Store(true)
	}
	switch msg.Kind {
	case codec.Log:
		m.print(msg)
	case codec.Fragment:
		if c := m.calls.find(msg.ID); c != nil {
			c.fragment(msg.Body)
			return
		}
		m.unasked(msg.ID)
	case codec.Answer:
		if c := m.calls.remove(msg.ID); c != nil {
			c.answer(msg.Body)
			return
		}
		m.unasked(msg.ID)
	case codec.Failure:
		c := m.calls.remove(msg.ID)
		if c == nil && msg.ID == "" { // it could not even read the id
			c = m.calls.only()
		}
		if c != nil {
			c.finish(m.worker.mode.masked(msg.Err))
			return
		}
		m.unasked(msg.ID)
	}
}

// unasked is an answer to an event that is not in flight, or not any more.
func (m *multiplexed) unasked(id string) {
	m.worker.mode.Resident.Log.Warn("the program answered an event that is not in flight: " + m.worker.mode.keys.Quote([]byte(id)))
}

// broken is a line that breaks the protocol. If it is about an event in flight,
// that has failed; else it is noise, and maybe the reason why an event gets no
// answer.
func (m *multiplexed) broken(err error, line []byte) {
	did := "wrote " + err.Error()
	found := m.calls.named(line)
	switch len(found) {
	case 0:
		quote := m.worker.mode.keys.Quote(line)
		m.worker.story.hear(quote, err.Error())
		m.worker.mode.Resident.Log.Warn("the program " + did + ": " + quote + ". " + m.worker.story.channelAdvice())
	case 1:
		found[0].finish(m.worker.story.misbehaved(did, line, found[0].visit.Tail()))
	default:
		mixed := m.worker.story.unquoted(did+" and names several events", line)
		for _, c := range found {
			c.finish(mixed)
		}
	}
}

// tooLong fails the event of a line that is over the limit. If it can't be told
// whose it is, the worker can't go on.
func (m *multiplexed) tooLong(line []byte) error {
	begin := line[:beginning]
	found := m.calls.named(begin)
	if len(found) == 0 && m.calls.isDisowned(begin) {
		return nil // more of the response that was too large: not of the event that is in flight now
	}
	if len(found) == 0 {
		if c := m.calls.only(); c != nil {
			found = append(found, c)
		}
	}
	if len(found) == 0 {
		return m.worker.story.unquoted("wrote a line that is too long and does not tell whose it is", begin)
	}
	for _, c := range found {
		c.finish(adapter.TooLarge(m.worker.mode.MaxResponse, 0))
	}
	return nil
}

// levels are those of log notifications; others are told as info.
var levels = map[string]zapcore.Level{
	"debug": zapcore.DebugLevel, "warn": zapcore.WarnLevel, "warning": zapcore.WarnLevel, "error": zapcore.ErrorLevel,
}

// print logs what a worker wants to be logged.
func (m *multiplexed) print(msg codec.Message) {
	masked := m.worker.mode.keys.Bytes
	if m.worker.mode.Resident.LogObjects {
		masked = m.worker.mode.keys.Object
	}
	text := masked(msg.Body)
	if len(text) > output.LineBytes {
		text = text[:m.worker.mode.keys.Cut(text[:output.LineBytes])]
	}
	var event []zap.Field
	if m.calls.find(msg.ID) != nil { // another id could be any text
		event = []zap.Field{zap.String("requestId", msg.ID)}
	}
	m.worker.mode.Resident.Output.Log(levels[msg.Level], string(text), event...)
	_ = m.worker.mode.Resident.Output.Sync()
}
