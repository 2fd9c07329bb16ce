package test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"
)

// streamer is the user's program: in every mode it does what its event says, step by
// step, and what it writes is on its way at once.
func streamer() int {
	switch os.Getenv("BOOTSTRAP_MODE") {
	case "worker":
		return streamChunks()
	case "http":
		return streamAnswers()
	}
	event, err := io.ReadAll(os.Stdin)
	if err != nil {
		return code(err)
	}
	return code(newPlay(os.Stdout).perform(event))
}

// streamAnswers is a web server that does it. A client that is gone ends its event,
// not the server.
func streamAnswers() int {
	return code(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		p := newPlay(w)
		p.flush = http.NewResponseController(w).Flush
		if err := p.perform(event); err != nil {
			panic(http.ErrAbortHandler)
		}
	})))
}

// streamChunks is a jsonrpc worker that does it, and pays no heed to a cancel.
func streamChunks() int {
	var turn sync.Mutex
	return eachLine(func(line []byte) int {
		var request struct {
			ID     string
			Method string
			Params struct{ Event json.RawMessage }
		}
		if err := json.Unmarshal(line, &request); err != nil {
			return code(err)
		}
		c := &chunks{id: request.ID, turn: &turn}
		switch request.Method {
		case "initialize":
			c.say(`{"jsonrpc":"2.0","id":"initialize","result":{}}`)
		case "invoke":
			go func() {
				if err := newPlay(c).perform(request.Params.Event); err != nil {
					os.Exit(code(err))
				}
				c.say(`{"jsonrpc":"2.0","id":"` + c.id + `","result":null}`)
			}()
		}
		return 0
	})
}

// chunks makes a chunk of each write.
type chunks struct {
	id   string
	turn *sync.Mutex // one writes at a time
}

func (c *chunks) say(line string) {
	c.turn.Lock()
	defer c.turn.Unlock()
	_, _ = os.Stdout.WriteString(line + "\n")
}

func (c *chunks) Write(p []byte) (int, error) {
	data, encoding := base64.StdEncoding.EncodeToString(p), "base64"
	if utf8.Valid(p) {
		text, err := json.Marshal(string(p))
		if err != nil {
			return 0, err
		}
		data, encoding = string(text[1:len(text)-1]), "utf8"
	}
	c.say(`{"jsonrpc":"2.0","method":"chunk","params":{"id":"` + c.id + `","data":"` + data + `","encoding":"` + encoding + `"}}`)
	return len(p), nil
}

// play is the answer to one event.
type play struct {
	out     io.Writer
	flush   func() error
	pattern *pattern
	count   *os.File // holds how much has been written
}

func newPlay(out io.Writer) *play {
	return &play{out: out, flush: func() error { return nil }, pattern: newPattern()}
}

// perform takes its steps from an event: they are its body, or all there is.
func (p *play) perform(event []byte) error {
	script := struct{ Body string }{string(event)}
	_ = json.Unmarshal(event, &script) // if it is none, it is all steps
	for step := range strings.SplitSeq(script.Body, "; ") {
		verb, what, _ := strings.Cut(step, " ")
		if err := p.act(verb, what); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
	}
	return nil
}

func (p *play) act(verb, what string) (err error) {
	switch verb {
	case "write": // so many bytes of the pattern
		return p.write(what)
	case "text": // so many bytes that are UTF-8
		p.pattern.block = bytes.Repeat([]byte("x"), patternBytes)
		return p.write(what)
	case "clock": // the time, to the nanosecond; blanks, since base64 holds two bytes back
		if _, err := fmt.Fprintf(p.out, "data: %d\n\n\n", time.Now().UnixNano()); err != nil {
			return err
		}
		return p.flush()
	case "await": // a file
		for {
			if _, err := os.Stat(what); err == nil {
				return nil
			}
			time.Sleep(time.Millisecond)
		}
	case "count": // from here on in that file
		p.count, err = os.Create(what)
		return err
	case "child": // in the same process group
		return exec.Command("sleep", "600").Start()
	case "say":
		fmt.Fprintln(os.Stderr, what)
	case "exit":
		status, err := strconv.Atoi(what)
		if err != nil {
			return err
		}
		os.Exit(status)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		time.Sleep(time.Hour)
	case "hang":
		time.Sleep(time.Hour)
	default:
		return errors.New("there is no such step")
	}
	return nil
}

func (p *play) write(size string) error {
	left, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return err
	}
	for left > 0 {
		n, err := p.out.Write(p.pattern.next(left))
		if err != nil {
			return err
		}
		left -= int64(n)
		if p.count == nil {
			continue
		}
		if _, err := p.count.WriteAt(fmt.Appendf(nil, "%20d", p.pattern.at), 0); err != nil {
			return err
		}
	}
	return p.flush()
}
