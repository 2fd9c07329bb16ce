package test

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"
)

// alike tells whether got is what a transcript says, where … stands for anything.
func alike(got, want string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*")
	return regexp.MustCompile(`^(?s:` + pattern + `)$`).MatchString(got)
}

// transcriptPlayer plays a transcript: as the platform, and by scripted workers.
type transcriptPlayer struct {
	*cloud
	started  chan *scriptedWorker // as they start
	workers  []*scriptedWorker    // those of which the transcript says so; the last is at work
	results  map[string]<-chan *api.Result
	stopping bool
}

// play plays the transcript in the order of its lines. The error says which of them
// is wrong.
func (script transcript) play(t *testing.T) error {
	listener, err := net.Listen("unix", "@"+api.NewID())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	p := &transcriptPlayer{started: make(chan *scriptedWorker, 100), results: map[string]<-chan *api.Result{}}
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			p.started <- newScriptedWorker(conn)
		}
	}()
	variables := settings{
		"BOOTSTRAP_MODE": "worker", "BOOTSTRAP_COMMAND": command(aProgram()), "BOOTSTRAP_WORKER_PROTOCOL": script.protocol,
		testkit.Variable: "scripted worker", playerVariable: listener.Addr().String(),
	}
	maps.Copy(variables, script.variables)
	var setups []setup
	if seconds := variables["RUNTIME_TIMEOUT"]; seconds != "" { // which the platform sets
		delete(variables, "RUNTIME_TIMEOUT")
		limit, err := time.ParseDuration(seconds + "s")
		if err != nil {
			t.Fatal(err)
		}
		setups = append(setups, timeout(limit))
	}
	p.cloud = deploy(t, variables, setups...)
	// It takes an event to have an instance: the first one waits for its turn.
	if first := slices.IndexFunc(script.lines, isEvent); first >= 0 {
		p.begin(script.lines[first])
	}
	for i, line := range script.lines {
		if err := p.step(line); err != nil {
			return fmt.Errorf("line %d of it, %s: %w", i+1, line, err)
		}
	}
	return p.finish()
}

func (p *transcriptPlayer) step(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	id, text, _ := strings.Cut(rest, " ")
	switch verb {
	case "start":
		select {
		case worker := <-p.started:
			p.workers = append(p.workers, worker)
		case <-time.After(testkit.Patience):
			return errors.New("no worker was started")
		}
		return nil
	case "event":
		if p.results[id] == nil {
			p.begin(line)
		}
		return nil
	case "result", "error":
		return p.outcome(verb, id, text)
	case "log":
		return p.logged(rest)
	case "stop":
		p.stop()
		return nil
	case "wait":
		pause, err := time.ParseDuration(rest)
		time.Sleep(pause)
		return err
	}
	if len(p.workers) == 0 {
		return errors.New("there is no worker yet")
	}
	worker := p.workers[len(p.workers)-1]
	if verb == ">" || verb == "end" || verb == "TERM" {
		return worker.expect(line)
	}
	return worker.tell(line)
}

func isEvent(line string) bool { return strings.HasPrefix(line, "event ") }

// begin hands an event in.
func (p *transcriptPlayer) begin(line string) {
	part := strings.SplitN(line, " ", 3)
	event := api.Event{RequestID: part[1], Payload: []byte(strings.ReplaceAll(part[2], "⏎", "\n"))}
	done := make(chan *api.Result, 1)
	go func() {
		result, _ := p.Invoke(p.t.Context(), event) // nil if the platform is closed before
		done <- result
	}()
	p.results[event.RequestID] = done
}

func (p *transcriptPlayer) stop() {
	p.stopping = true
	p.signal(syscall.SIGTERM)
}

// outcome compares what the caller of an event gets.
func (p *transcriptPlayer) outcome(verb, id, want string) error {
	if p.results[id] == nil {
		return errors.New("there is no such event")
	}
	result := <-p.results[id]
	delete(p.results, id)
	if result == nil {
		return errors.New("the event was refused")
	}
	got := "result " + string(result.Payload)
	if result.Failed {
		f := p.failureOf(result)
		got = "error " + f.Type + ": " + f.Message
	}
	if !alike(got, verb+" "+want) {
		return fmt.Errorf("the caller got %s", got)
	}
	return nil
}

func (p *transcriptPlayer) logged(want string) error {
	for end := time.Now().Add(testkit.Patience); ; time.Sleep(2 * time.Millisecond) {
		for _, line := range strings.Split(p.log.String(), "\n") {
			if alike(line, "…"+want+"…") {
				return nil
			}
		}
		if time.Now().After(end) {
			return errors.New("the log does not say so")
		}
	}
}

// finish stops the instance and wants nothing else to have happened.
func (p *transcriptPlayer) finish() error {
	if len(p.results) > 0 {
		return errors.New("an event is left without result or error")
	}
	if !p.stopping {
		p.stop()
	}
	p.logs("bootstrap has stopped")
	if len(p.started) > 0 {
		return errors.New("another worker was started")
	}
	for _, worker := range p.workers {
		for got := range worker.says { // until it is gone
			if got != "end" && got != "TERM" {
				return fmt.Errorf("a worker got %s too", got)
			}
		}
	}
	return nil
}
