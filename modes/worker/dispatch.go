package worker

import (
	"bytes"
	"errors"
	"slices"

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
		line, long, ok := m.lines.next()
		switch {
		case long:
			if err := m.tooLong(line); err != nil {
				return err
			}
		case ok:
			m.dispatch(line)
		case m.lines.endless():
			return m.endless()
		default:
			n, err := m.source.Read(m.lines.room())
			m.lines.added(n)
			if err != nil {
				return err
			}
		}
	}
}

func (m *multiplexed) dispatch(line []byte) {
	msg, err := m.Codec.Read(line)
	if err != nil {
		m.broken(err, line)
		return
	}
	if msg.Ready && m.up() {
		return
	}
	if msg.Kind == codec.Answer || msg.Kind == codec.Failure {
		m.proven.Store(true)
	}
	switch msg.Kind {
	case codec.Log:
		m.print(msg)
	case codec.Fragment:
		if c := m.find(msg.ID); c != nil {
			c.fragment(msg.Body)
			return
		}
		m.unasked(msg.ID)
	case codec.Answer:
		if c := m.remove(msg.ID); c != nil {
			c.answer(msg.Body)
			return
		}
		m.unasked(msg.ID)
	case codec.Failure:
		c := m.remove(msg.ID)
		if c == nil && msg.ID == "" { // it could not even read the id
			c = m.only()
		}
		if c != nil {
			c.finish(m.masked(msg.Err))
			return
		}
		m.unasked(msg.ID)
	}
}

func (m *multiplexed) find(id string) *call {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[id]
}

// only takes out the event in flight, if it is the only one.
func (m *multiplexed) only() *call {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.calls) != 1 {
		return nil
	}
	for id, c := range m.calls {
		delete(m.calls, id)
		c.visit.Leave()
		return c
	}
	return nil
}

// named takes out the events in flight whose ids occur in text. They may be
// several: of two messages that a program mixed up, both are lost.
func (m *multiplexed) named(text []byte) (found []*call) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, c := range m.calls {
		if id != "" && bytes.Contains(text, []byte(id)) {
			delete(m.calls, id)
			c.visit.Leave()
			m.disown(id)
			found = append(found, c)
		}
	}
	return found
}

// mostDisowned is how many ids are remembered of events that were ended by a bad line.
const mostDisowned = 64

// disown remembers an event that we have ended while the program may go on about it;
// m.mu is held.
func (m *multiplexed) disown(id string) {
	m.disowned = append(m.disowned[max(0, len(m.disowned)-mostDisowned+1):], id)
}

// isDisowned tells whether text is about such an event.
func (m *multiplexed) isDisowned(text []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.disowned, func(id string) bool { return bytes.Contains(text, []byte(id)) })
}

// unasked is an answer to an event that is not in flight, or not any more.
func (m *multiplexed) unasked(id string) {
	m.Log.Warn("the program answered an event that is not in flight: " + m.keys.Quote([]byte(id)))
}

// broken is a line that breaks the protocol. If it is about an event in flight,
// that has failed; else it is noise, and maybe the reason why an event gets no
// answer.
func (m *multiplexed) broken(err error, line []byte) {
	found := m.named(line)
	for _, c := range found {
		c.finish(m.malformed(err, line))
	}
	var why *codec.Malformed
	if len(found) > 0 || !errors.As(err, &why) {
		return
	}
	quote := m.keys.Quote(line)
	m.hear(quote)
	m.Log.Warn("the program wrote a line that " + why.Why + ": " + quote + ". " + m.channelAdvice())
}

// tooLong fails the event of a line that is over the limit. If it can't be told
// whose it is, the worker can't go on.
func (m *multiplexed) tooLong(line []byte) error {
	begin := line[:beginning]
	found := m.named(begin)
	if len(found) == 0 && m.isDisowned(begin) {
		return nil // more of the response that was too large: not of the event that is in flight now
	}
	if len(found) == 0 {
		if c := m.only(); c != nil {
			found = append(found, c)
		}
	}
	if len(found) == 0 {
		return m.protocolError("wrote a line that is too long and does not tell whose it is", begin)
	}
	for _, c := range found {
		c.finish(adapter.TooLarge(m.MaxResponse, 0))
	}
	return nil
}

// loseAll ends all events: the worker does not write any more.
func (m *multiplexed) loseAll() {
	m.mu.Lock()
	calls := m.calls
	m.calls = nil
	m.mu.Unlock()
	for _, c := range calls {
		c.visit.Leave()
		c.lose()
	}
}

// levels are those of log notifications; others are told as info.
var levels = map[string]zapcore.Level{
	"debug": zapcore.DebugLevel, "warn": zapcore.WarnLevel, "warning": zapcore.WarnLevel, "error": zapcore.ErrorLevel,
}

// print logs what a worker wants to be logged.
func (m *multiplexed) print(msg codec.Message) {
	text := m.keys.Bytes(msg.Body)
	if len(text) > output.LineBytes {
		text = text[:m.keys.Cut(text[:output.LineBytes])]
	}
	var event []zap.Field
	if m.find(msg.ID) != nil { // another id could be any text
		event = []zap.Field{zap.String("requestId", msg.ID)}
	}
	m.Output.Log(levels[msg.Level], string(text), event...)
	_ = m.Output.Sync()
}
