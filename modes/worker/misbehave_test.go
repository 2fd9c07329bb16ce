package worker_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// order is an event for the worker that misbehaves: who it is, and what to do.
type order struct {
	N  int    `json:"n"`
	Do string `json:"do"`
}

// answer is the right answer to an order.
func (o order) answer() string { return fmt.Sprintf(`{"n":%d}`, o.N) }

// misbehaviours are what a worker may do instead of answering once. say writes a
// text in one piece, right is the line of the right answer, without its end.
var misbehaviours = map[string]func(say func(string), right string){
	"answer":             func(say func(string), right string) { say(right + "\n") },
	"blank lines":        func(say func(string), right string) { say("\n\r\n" + right + "\n\n\n") },
	"answer in pieces":   func(say func(string), right string) { say(right[:3]); say(right[3:] + "\n") },
	"answer twice":       func(say func(string), right string) { say(right + "\n" + right + "\n") },
	"answer and junk":    func(say func(string), right string) { say(right + "\nwhat was that?\n") },
	"answer and half":    func(say func(string), right string) { say(right + "\n" + right[:5]) },
	"half and exit":      func(say func(string), right string) { say(right[:5]); os.Exit(0) },
	"crash before":       func(func(string), string) { fmt.Fprintln(os.Stderr, "crashed before"); os.Exit(3) },
	"crash in an answer": func(say func(string), right string) { say(right); os.Exit(4) },
	"crash after":        func(say func(string), right string) { say(right + "\n"); os.Exit(5) },
	"silence":            func(func(string), string) {},
	"late answer":        func(say func(string), right string) { time.Sleep(400 * time.Millisecond); say(right + "\n") },
	"7 MB":               func(say func(string), _ string) { say(`{"n":"` + strings.Repeat("x", 7<<20) + `"}` + "\n") },
	"endless":            func(say func(string), _ string) { endless(say) },
	"invalid UTF-8":      func(say func(string), _ string) { say("\xff\xfe{}\x80\n") },
	"closes the channel": func(func(string), string) { _ = channel.Close(); time.Sleep(time.Hour) },
	"closes stdin":       func(say func(string), right string) { _ = os.Stdin.Close(); say(right + "\n"); time.Sleep(time.Hour) },
}

func endless(say func(string)) {
	for {
		say(strings.Repeat("y", 1<<20))
	}
}

// jsonrpcMisbehaviours are those that only a protocol with ids knows.
var jsonrpcMisbehaviours = map[string]func(say func(string), right string){
	"unknown id": func(say func(string), right string) {
		say(`{"jsonrpc":"2.0","id":"nobody","result":1}` + "\n" + right + "\n")
	},
	"number for id": func(say func(string), right string) { say(`{"jsonrpc":"2.0","id":7,"result":1}` + "\n" + right + "\n") },
	"junk first":    func(say func(string), right string) { say("debug: here\n" + `{"a":` + "\n" + right + "\n") },
	"broken answer": func(say func(string), right string) { say(strings.Replace(right, "}}", ",NaN}}", 1) + "\n") },
	"no id": func(say func(string), right string) {
		say(`{"jsonrpc":"2.0","id":null,"result":1}` + "\n" + right + "\n")
	},
	"chunks, then it": func(say func(string), right string) { say(chunked(right)) },
}

// chunked is the line of an answer as two chunks and an end.
func chunked(right string) string {
	var m struct {
		ID     json.RawMessage `json:"id"`
		Result json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal([]byte(right), &m); err != nil {
		panic(err)
	}
	out := ""
	for _, piece := range []string{string(m.Result[:2]), string(m.Result[2:])} {
		out += fmt.Sprintf(`{"jsonrpc":"2.0","method":"chunk","params":{"id":%s,"data":%q}}`+"\n", m.ID, piece)
	}
	return out + fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":null}`+"\n", m.ID)
}

// channel is the response channel of misbehave's protocol.
var channel = os.Stdout

// misbehave is a worker that does with each event what that says.
func misbehave(protocol string) int {
	if protocol == "actionloop" {
		channel = os.NewFile(3, "answers")
	}
	var turn sync.Mutex
	say := func(text string) {
		turn.Lock()
		defer turn.Unlock()
		_, _ = io.WriteString(channel, text)
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return 0
		}
		var o order
		switch protocol {
		case "jsonrpc":
			var m struct {
				ID     json.RawMessage
				Method string
				Params struct{ Event order }
			}
			if err := json.Unmarshal(line, &m); err != nil {
				return 2
			}
			switch {
			case m.Method == "initialize":
				say(`{"jsonrpc":"2.0","id":"initialize","error":{"code":-32601,"message":"unknown"}}` + "\n")
			case m.ID != nil:
				o = m.Params.Event
				// Ids of events that were given up are answered too: that's what late means.
				go act(o, say, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, m.ID, o.answer()))
			}
			continue
		case "actionloop":
			var m struct{ Value order }
			if err := json.Unmarshal(line, &m); err != nil {
				return 2
			}
			o = m.Value
		default:
			if err := json.Unmarshal(bytes.TrimSpace(line), &o); err != nil {
				return 2
			}
		}
		act(o, say, o.answer())
	}
}

// act notes the event in a file, too: each line is one that a worker has got.
func act(o order, say func(string), right string) {
	if notes, err := os.OpenFile("received", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
		_, _ = fmt.Fprintln(notes, o.N)
		_ = notes.Close()
	}
	do := misbehaviours[o.Do]
	if do == nil {
		do = jsonrpcMisbehaviours[o.Do]
	}
	do(say, right)
}
