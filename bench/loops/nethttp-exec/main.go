// Command nethttp-exec is the loop that people write by hand to run a program per event: net/http
// on one side, os/exec on the other. We have to be better than this, so it is written as an able
// programmer would write it, with kept connections but without further tuning.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
)

func main() {
	pollers := flag.Int("pollers", 1, "how many events may be in flight")
	flag.Parse()
	if flag.NArg() == 0 || *pollers < 1 {
		log.Fatal("usage: RUNTIME_API_ADDR=host:port nethttp-exec [-pollers N] PROGRAM [ARGUMENT ...]")
	}
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = *pollers // where it keeps two
	base := "http://" + os.Getenv("RUNTIME_API_ADDR") + "/v1/runtime/invocation"
	failed := make(chan error)
	for range *pollers {
		go func() { failed <- loop(base, flag.Args()) }()
	}
	log.Fatal(<-failed)
}

func loop(base string, command []string) error {
	for {
		if err := serve(base, command); err != nil {
			return err
		}
	}
}

// serve takes one event to its answer.
func serve(base string, command []string) error {
	poll, err := http.Get(base + "/request")
	if err != nil {
		return err
	}
	event, err := io.ReadAll(poll.Body)
	_ = poll.Body.Close()
	if err != nil {
		return err
	}
	result, err := invoke(command, event)
	if err != nil {
		return err
	}
	id := poll.Header.Get("X-Cff-Request-Id")
	report, err := http.Post(base+"/response/"+id, "application/json", bytes.NewReader(result))
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, report.Body) // or the connection is not used again
	_ = report.Body.Close()
	return err
}

func invoke(command []string, event []byte) ([]byte, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin = bytes.NewReader(event)
	cmd.Stderr = os.Stderr
	result, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", command[0], err)
	}
	return result, nil
}
