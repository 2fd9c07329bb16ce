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

	"fgbootstrap/internal/testkit"
)

// playerVariable is the address of the player of a scripted worker.
const playerVariable = "FGTEST_PLAYER"

// runScriptedWorker is a worker that does what the player of a transcript tells it, and
// tells the player what it gets: its side of the transcript, line by line in both directions.
func runScriptedWorker() int {
	player, err := net.Dial("unix", os.Getenv(playerVariable))
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
	for lines := bufio.NewReader(player); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return code(err)
		}
		turn.Lock()
		exit, err := act(strings.TrimSuffix(line, "\n"))
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
func act(line string) (exit int, err error) {
	verb, text, _ := strings.Cut(strings.ReplaceAll(line, "⏎", "\n"), " ")
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
		err = fmt.Errorf("a worker can't do this: %s", line)
	}
	return -1, err
}

// scriptedWorker is a scripted worker, seen from its player.
type scriptedWorker struct {
	conn net.Conn
	says chan string // its stdin's lines as "> LINE", then "end"; or "TERM"
	done chan bool   // an answer to each line
	// Both are closed when it is gone.
}

func newScriptedWorker(conn net.Conn) *scriptedWorker {
	w := &scriptedWorker{conn: conn, says: make(chan string, 100), done: make(chan bool, 1)}
	go func() {
		defer close(w.done)
		defer close(w.says)
		for lines := bufio.NewReader(conn); ; {
			line, err := lines.ReadString('\n')
			switch line = strings.TrimSuffix(line, "\n"); {
			case err != nil:
				return
			case line == "done":
				w.done <- true
			default:
				w.says <- line
			}
		}
	}()
	return w
}

// tell returns when the worker has done it.
func (w *scriptedWorker) tell(line string) error {
	say(w.conn, line)
	if !<-w.done {
		return errors.New("the worker is gone")
	}
	return nil
}

// expect wants that to be the next that the worker gets.
func (w *scriptedWorker) expect(want string) error {
	select {
	case got, here := <-w.says:
		switch {
		case !here:
			return errors.New("the worker is gone")
		case !alike(got, want):
			return fmt.Errorf("the worker got %s", got)
		}
		return nil
	case <-time.After(testkit.Patience):
		return errors.New("the worker got nothing")
	}
}
