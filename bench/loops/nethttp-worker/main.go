// Command nethttp-worker is the loop that people write by hand: net/http on one side, os/exec
// with bufio on the other. We have to be better than this, so it is written as an able programmer
// would write it, but without tuning.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
)

// worker is a program that answers every line with a line.
type worker struct {
	in  io.WriteCloser
	out *bufio.Reader
}

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: RUNTIME_API_ADDR=host:port nethttp-worker PROGRAM [ARGUMENT ...]")
	}
	w, err := start(os.Args[1:])
	if err != nil {
		log.Fatal(err)
	}
	base := "http://" + os.Getenv("RUNTIME_API_ADDR") + "/v1/runtime/invocation"
	for {
		if err := serve(base, w); err != nil {
			log.Fatal(err)
		}
	}
}

func start(command []string) (*worker, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &worker{in, bufio.NewReader(out)}, cmd.Start()
}

// serve takes one event to its answer.
func serve(base string, w *worker) error {
	poll, err := http.Get(base + "/request")
	if err != nil {
		return err
	}
	event, err := io.ReadAll(poll.Body)
	_ = poll.Body.Close()
	if err != nil {
		return err
	}
	answer, err := w.answer(event)
	if err != nil {
		return err
	}
	id := poll.Header.Get("X-Cff-Request-Id")
	report, err := http.Post(base+"/response/"+id, "application/json", bytes.NewReader(answer))
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, report.Body) // or the connection is not used again
	_ = report.Body.Close()
	return err
}

func (w *worker) answer(event []byte) ([]byte, error) {
	if _, err := w.in.Write(append(event, '\n')); err != nil {
		return nil, fmt.Errorf("write to the worker: %w", err)
	}
	line, err := w.out.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("read from the worker: %w", err)
	}
	return bytes.TrimSuffix(line, []byte("\n")), nil
}
