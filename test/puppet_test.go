package test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stageVariable is where a puppet finds who plays it.
const stageVariable = "FGTEST_STAGE"

// puppet is a worker that does what the player of a transcript tells it, and tells
// him what it gets: its side of the transcript, line by line in both directions.
func puppet() int {
	player, err := net.Dial("unix", os.Getenv(stageVariable))
	if err != nil {
		return code(err)
	}
	var turn sync.Mutex // no end while it does something
	leave := func(why string) {
		turn.Lock()
		say(player, why)
		os.Exit(0)
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	go func() {
		<-told
		leave("TERM")
	}()
	go func() {
		eachLine(func(line []byte) int {
			say(player, "> "+string(line))
			return 0
		})
		leave("end")
	}()
	for cues := bufio.NewReader(player); ; {
		cue, err := cues.ReadString('\n')
		if err != nil {
			return code(err)
		}
		turn.Lock()
		exit, err := act(strings.TrimSuffix(cue, "\n"))
		if err != nil {
			return code(err)
		}
		say(player, "done")
		if exit >= 0 {
			return exit
		}
		turn.Unlock()
	}
}

func say(player io.Writer, line string) { _, _ = fmt.Fprintln(player, line) }

// act does what a line of a transcript says; exit is not negative if that is to end.
func act(cue string) (exit int, err error) {
	verb, text, _ := strings.Cut(strings.ReplaceAll(cue, "⏎", "\n"), " ")
	answers := os.Stdout
	if os.Getenv("BOOTSTRAP_WORKER_PROTOCOL") == "actionloop" || os.Getenv("BOOTSTRAP_WORKER_RESPONSE") == "fd3" {
		answers = os.NewFile(3, "answers")
	}
	switch verb {
	case "<":
		_, err = fmt.Fprintln(answers, text)
	case "1>":
		_, err = fmt.Fprintln(os.Stdout, text)
	case "2>":
		_, err = fmt.Fprintln(os.Stderr, text)
	case "exit":
		exit, err = strconv.Atoi(text)
		return exit, err
	default:
		err = fmt.Errorf("no such cue: %s", cue)
	}
	return -1, err
}

// actor is a puppet, seen from its player.
type actor struct {
	conn net.Conn
	says chan string // its stdin's lines as "> LINE", then "end"; or "TERM"
	done chan bool   // an answer to each cue
	// Both are closed when it is gone.
}

func newActor(conn net.Conn) *actor {
	a := &actor{conn: conn, says: make(chan string, 100), done: make(chan bool, 1)}
	go func() {
		defer close(a.done)
		defer close(a.says)
		for lines := bufio.NewReader(conn); ; {
			line, err := lines.ReadString('\n')
			switch line = strings.TrimSuffix(line, "\n"); {
			case err != nil:
				return
			case line == "done":
				a.done <- true
			default:
				a.says <- line
			}
		}
	}()
	return a
}

// tell returns when the actor has done it.
func (a *actor) tell(cue string) error {
	say(a.conn, cue)
	if !<-a.done {
		return errors.New("the worker is gone")
	}
	return nil
}

// expect wants that to be the next that the actor gets.
func (a *actor) expect(want string) error {
	select {
	case got, here := <-a.says:
		switch {
		case !here:
			return errors.New("the worker is gone")
		case !alike(got, want):
			return fmt.Errorf("the worker got %s", got)
		}
		return nil
	case <-time.After(patience):
		return errors.New("the worker got nothing")
	}
}
