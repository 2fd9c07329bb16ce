// Command nethttp-null is the loop that people write by hand, without a program behind it: every
// event is its own answer. Our loop has to be better than this, so it is written as an able
// programmer would write it, but without tuning.
package main

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	base := "http://" + os.Getenv("RUNTIME_API_ADDR") + "/v1/runtime/invocation"
	for {
		if err := serve(base); err != nil {
			log.Fatal(err)
		}
	}
}

// serve takes one event to its answer.
func serve(base string) error {
	poll, err := http.Get(base + "/request")
	if err != nil {
		return err
	}
	event, err := io.ReadAll(poll.Body)
	_ = poll.Body.Close()
	if err != nil {
		return err
	}
	id := poll.Header.Get("X-Cff-Request-Id")
	report, err := http.Post(base+"/response/"+id, "application/json", bytes.NewReader(event))
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, report.Body) // or the connection is not used again
	_ = report.Body.Close()
	return err
}
