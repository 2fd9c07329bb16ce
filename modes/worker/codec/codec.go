// Package codec has the line protocols that a worker may speak: what bootstrap
// writes to it, and what the lines mean that it writes back. docs/worker-protocol.md
// specifies them. A codec knows bytes only: no process, no time, no goroutine.
//
// A fourth protocol is a file and a line in All.
package codec

import (
	"io"

	"fgbootstrap/adapter"
)

// Protocol is a row of the table of protocols.
type Protocol struct {
	// Name is the one that BOOTSTRAP_WORKER_PROTOCOL knows.
	Name string
	// Descriptor3 says that answers always come on descriptor 3.
	Descriptor3 bool
	// Multiplexed says that answers carry the id of their event, so that several
	// events may be in flight in one worker.
	Multiplexed bool
	New         func(Options) Codec
}

// Options are what codecs are made of.
type Options struct {
	// Getenv looks a variable of the program's environment up.
	Getenv func(name string) string
	// Credentials hands the platform's keys and tokens over with each event.
	Credentials bool
}

// All lists the protocols.
func All() []Protocol {
	return []Protocol{
		{Name: "lines", New: newLines},
		{Name: "jsonrpc", Multiplexed: true, New: newJSONRPC},
		{Name: "actionloop", Descriptor3: true, New: newActionLoop},
	}
}

// Get is the protocol of that name.
func Get(name string) (p Protocol, known bool) {
	for _, p := range All() {
		if p.Name == name {
			return p, true
		}
	}
	return Protocol{}, false
}

// Codec speaks one protocol. It holds no state of any one worker and may be used by
// several goroutines.
type Codec interface {
	// Greeting is the line that a new worker is sent, with its end, or nil. waits
	// says that the worker is not to be given events before a Ready message.
	Greeting() (line []byte, waits bool)
	// Awaited completes a sentence about a worker that is not ready: what is waited
	// for.
	Awaited() string
	// Carries is why the protocol can't carry an event, or nil.
	Carries(event []byte) *adapter.Error
	// WriteEvent writes the line of an event that the protocol carries. Its errors
	// are w's.
	WriteEvent(w io.Writer, inv *adapter.Invocation) error
	// Cancel is the line that tells a worker that nobody waits for an event any
	// more, or nil.
	Cancel(id string) []byte
	// Read says what a line means, which comes without its end and may be changed.
	// What it returns refers to the line. The error is a *Malformed.
	Read(line []byte) (Message, error)
}

// Kind says what a message is.
type Kind int

// The kinds of messages.
const (
	Nothing  Kind = iota // a line without a meaning, such as a blank one
	Answer               // the response, or its end
	Failure              // the event has failed
	Fragment             // a piece of the response
	Log                  // a line for the log
)

// Message is what a line means.
type Message struct {
	Kind Kind
	// ID is the event's, where the protocol has ids.
	ID string
	// Ready says that a worker may be ready by this, answer or failure: it is no
	// event's if it was waited for or no event was there.
	Ready bool
	// Body is the response of an Answer, the data of a Fragment, the text of a Log. That of a Failure
	// is an answer all the same if it is one for a gateway.
	Body []byte
	// Err is why the event has failed.
	Err *adapter.Error
	// Level is that of a Log: debug, info, warn, error.
	Level string
}

// Malformed is a line that breaks the protocol. Its text follows "the program wrote".
type Malformed struct {
	// Why completes "The program wrote a line that …".
	Why string
}

func (m *Malformed) Error() string { return "a line that " + m.Why }
