package worker_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// request is a message to a server.
type request struct {
	ID     json.RawMessage
	Method string
	Params struct {
		Event   json.RawMessage
		Context json.RawMessage
		ID      json.RawMessage
	}
}

// servers are workers for jsonrpc that do something particular with a message. Each
// message has a goroutine, but initialize, which comes first.
var servers = map[string]func(r request){
	// Answers with its process id; says that of itself, too.
	"pid": func(r request) {
		if r.Method != "$/cancelRequest" {
			result(r.ID, os.Getpid())
		}
	},
	// Never says that it is ready.
	"never ready": func(request) { fmt.Fprintln(os.Stderr, "loading the model") },
	// Answers the second event before the first one.
	"in reverse": func(r request) {
		switch string(r.Params.Event) {
		case "1":
			<-second
		case "2":
			defer close(second)
		}
		result(r.ID, r.Params.Event)
	},
	// Gives up an event when it is cancelled, if that is event 1; does not care if 2.
	"cancels": func(r request) {
		switch {
		case r.Method == "$/cancelRequest":
			if _, known := cancelled.LoadAndDelete(string(r.Params.ID)); known {
				say(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32800,"message":"cancelled"}}`, r.Params.ID)
			}
		case string(r.Params.Event) == "1":
			cancelled.Store(string(r.ID), true)
		case string(r.Params.Event) == "2":
		case string(r.Params.Event) == "3": // longer than who sends 2 has
			time.Sleep(3 * time.Second)
			result(r.ID, os.Getpid())
		default:
			result(r.ID, os.Getpid())
		}
	},
	// Event "flood" is answered in 8 MB of chunks, others at once.
	"chunks": func(r request) {
		if string(r.Params.Event) != `"flood"` {
			result(r.ID, r.Params.Event)
			return
		}
		piece := strings.Repeat("0123456789abcdef", 64<<10/16)
		for range 8 << 20 / len(piece) {
			say(`{"jsonrpc":"2.0","method":"chunk","params":{"id":%s,"data":"%s"}}`, r.ID, piece)
		}
		result(r.ID, nil)
	},
	// Mixes chunks and a result.
	"both": func(r request) {
		say(`{"jsonrpc":"2.0","method":"chunk","params":{"id":%s,"data":"a"}}`, r.ID)
		result(r.ID, 1)
	},
	// Logs, with an id and without, and prints.
	"logs": func(r request) {
		say(`{"jsonrpc":"2.0","method":"log","params":{"level":"warn","message":"with id, a planted secret","id":%s}}`, r.ID)
		say(`{"jsonrpc":"2.0","method":"log","params":{"message":"without"}}`)
		say("print: no JSON")
		result(r.ID, r.Params.Context)
	},
	// Says what it has got, and nothing else.
	"chats": func(r request) {
		if r.Method == "initialize" {
			result(r.ID, nil)
		} else if r.Params.Event != nil {
			fmt.Fprintf(os.Stderr, "got %s\n", r.Params.Event)
		}
	},
	"forges": func(r request) {
		say(`{"jsonrpc":"2.0","method":"log","params":{"message":"forged","id":"x\\n2026-01-01 a line of its own"}}`)
		result(r.ID, 1)
	},
	// Prints what it has got where answers belong, and answers nothing.
	"prints": func(r request) {
		if r.Method == "initialize" {
			result(r.ID, nil)
		} else if r.Params.Event != nil {
			fmt.Printf("got %s\n", r.Params.Event)
		}
	},
	// Says what it has got. Of the event "break" it writes half of an answer, of "mix" half of
	// that of all the events that it has.
	"breaks answers": func(r request) {
		switch string(r.Params.Event) {
		case `"break"`:
			say(`{"jsonrpc":"2.0","id":%s,"result":`, r.ID)
		case `"mix"`:
			text, _ := os.ReadFile("others")
			say(`%s{"jsonrpc":"2.0","id":%s,"result":`, text, r.ID)
		case "":
			result(r.ID, nil)
		default:
			_ = os.WriteFile("others", fmt.Appendf(nil, `{"id":%s,"result":%s`, r.ID, r.Params.Event), 0o600)
			fmt.Fprintf(os.Stderr, "got %s\n", r.Params.Event)
		}
	},
	// Reads one event, says what it is and ends a while later.
	"says and dies": func(r request) {
		result(r.ID, nil)
		line, _ := bufio.NewReader(os.Stdin).ReadBytes('\n')
		fmt.Fprintf(os.Stderr, "got %s", line)
		time.Sleep(time.Second)
		os.Exit(3)
	},
	// Does not end at SIGTERM, and starts once.
	"writes an endless line": func(r request) {
		if r.Method != "initialize" {
			signal.Ignore(unix.SIGTERM)
			_ = os.WriteFile("started", nil, 0o600)
			fmt.Print(strings.Repeat("card of "+string(r.Params.Event), 200<<10))
			time.Sleep(time.Hour)
		}
		if _, err := os.Stat("started"); err == nil {
			time.Sleep(time.Hour)
		}
		result(r.ID, nil)
	},
	// Reads no more than the first line and a part of the next.
	"stops reading": func(r request) {
		result(r.ID, os.Getpid())
		if r.Method == "initialize" {
			if _, err := os.Stat("stopped"); err != nil {
				_ = os.WriteFile("stopped", nil, 0o600)
				time.Sleep(time.Hour)
			}
		}
	},
	// Can't read what it gets, and has no id to say so.
	"parse error": func(r request) {
		if r.Method == "initialize" {
			result(r.ID, nil)
			return
		}
		say(`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`)
	},
}

var (
	turn      sync.Mutex
	second    = make(chan struct{})
	cancelled sync.Map
)

func say(format string, args ...any) {
	turn.Lock()
	defer turn.Unlock()
	_, _ = fmt.Fprintf(os.Stdout, format+"\n", args...)
}

func result(id json.RawMessage, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	say(`{"jsonrpc":"2.0","id":%s,"result":%s}`, id, text)
}

func serveJSONRPC(serve func(request)) int {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return 0
		}
		var r request
		if err := json.Unmarshal(line, &r); err != nil {
			return 2
		}
		if r.Method == "initialize" {
			serve(r)
		} else {
			go serve(r)
		}
	}
}
