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

	"fgbootstrap/platform/api"
)

// alike tells whether got is what a transcript says, where … stands for anything.
func alike(got, want string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*")
	return regexp.MustCompile(`^(?s:` + pattern + `)$`).MatchString(got)
}

// stage is where a transcript is played.
type stage struct {
	*cloud
	entrances chan *actor // the workers, as they start
	cast      []*actor    // those that have, the last of them at work
	results   map[string]<-chan *api.Result
	stopping  bool
}

// play plays the transcript in the order of its lines. The error says which of them
// is wrong.
func (script transcript) play(t *testing.T) error {
	listener, err := net.Listen("unix", "@"+api.NewID())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	s := &stage{entrances: make(chan *actor, 100), results: map[string]<-chan *api.Result{}}
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			s.entrances <- newActor(conn)
		}
	}()
	variables := settings{
		"BOOTSTRAP_MODE": "worker", "BOOTSTRAP_COMMAND": command(aProgram()), "BOOTSTRAP_WORKER_PROTOCOL": script.protocol,
		behaviourVariable: "puppet", stageVariable: listener.Addr().String(),
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
	s.cloud = deploy(t, variables, setups...)
	// It takes an event to have an instance: the first one waits for its turn.
	if first := slices.IndexFunc(script.lines, isEvent); first >= 0 {
		s.begin(script.lines[first])
	}
	for i, line := range script.lines {
		if err := s.step(line); err != nil {
			return fmt.Errorf("line %d of it, %s: %w", i+1, line, err)
		}
	}
	return s.curtain()
}

func (s *stage) step(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	id, text, _ := strings.Cut(rest, " ")
	switch verb {
	case "start":
		select {
		case a := <-s.entrances:
			s.cast = append(s.cast, a)
		case <-time.After(patience):
			return errors.New("no worker was started")
		}
		return nil
	case "event":
		if s.results[id] == nil {
			s.begin(line)
		}
		return nil
	case "result", "error":
		return s.outcome(verb, id, text)
	case "log":
		return s.logged(rest)
	case "stop":
		s.stop()
		return nil
	case "wait":
		pause, err := time.ParseDuration(rest)
		time.Sleep(pause)
		return err
	}
	if len(s.cast) == 0 {
		return errors.New("there is no worker yet")
	}
	worker := s.cast[len(s.cast)-1]
	if verb == ">" || verb == "end" || verb == "TERM" {
		return worker.expect(line)
	}
	return worker.tell(line)
}

func isEvent(line string) bool { return strings.HasPrefix(line, "event ") }

// begin hands an event in.
func (s *stage) begin(line string) {
	part := strings.SplitN(line, " ", 3)
	event := api.Event{RequestID: part[1], Payload: []byte(strings.ReplaceAll(part[2], "⏎", "\n"))}
	done := make(chan *api.Result, 1)
	go func() {
		result, _ := s.Invoke(s.t.Context(), event) // nil if the stage is closed before
		done <- result
	}()
	s.results[event.RequestID] = done
}

func (s *stage) stop() {
	s.stopping = true
	s.signal(syscall.SIGTERM)
}

// outcome compares what the caller of an event gets.
func (s *stage) outcome(verb, id, want string) error {
	if s.results[id] == nil {
		return errors.New("there is no such event")
	}
	result := <-s.results[id]
	delete(s.results, id)
	if result == nil {
		return errors.New("the event was refused")
	}
	got := "result " + string(result.Payload)
	if result.Failed {
		f := s.failureOf(result)
		got = "error " + f.Type + ": " + f.Message
	}
	if !alike(got, verb+" "+want) {
		return fmt.Errorf("the caller got %s", got)
	}
	return nil
}

func (s *stage) logged(want string) error {
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		for _, line := range strings.Split(s.log.String(), "\n") {
			if alike(line, "…"+want+"…") {
				return nil
			}
		}
		if time.Now().After(end) {
			return errors.New("the log does not say so")
		}
	}
}

// curtain stops the instance and wants nothing else to have happened.
func (s *stage) curtain() error {
	if len(s.results) > 0 {
		return errors.New("an event is left without result or error")
	}
	if !s.stopping {
		s.stop()
	}
	s.logs("bootstrap has stopped")
	if len(s.entrances) > 0 {
		return errors.New("another worker was started")
	}
	for _, worker := range s.cast {
		for got := range worker.says { // until it is gone
			if got != "end" && got != "TERM" {
				return fmt.Errorf("a worker got %s too", got)
			}
		}
	}
	return nil
}
