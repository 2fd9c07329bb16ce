// Command handler sums up what a timer or OBS trigger has brought: a static Go
// program as a function. It reads one event on stdin and writes one result to
// stdout; it does not know who started it.
//
// Build it into its folder, then zip it together with bootstrap:
//
//	CGO_ENABLED=0 go build -trimpath -o examples/pipe-go/handler ./examples/pipe-go
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// event is what timer and OBS events have, as far as it matters here.
type event struct {
	TriggerType string    `json:"trigger_type"`
	TriggerName string    `json:"trigger_name"`
	Time        time.Time `json:"time"`
	UserEvent   string    `json:"user_event"`
	Records     []struct {
		EventName string `json:"eventName"`
		S3        *struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object struct {
				Key  string `json:"key"`
				Size int64  `json:"size"`
			} `json:"object"`
		} `json:"s3"`
	} `json:"Records"`
}

// failure is the form in which a program tells bootstrap its own error: it is
// relayed as it stands if the exit code is not 0.
type failure struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (f failure) Error() string { return f.Message }

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		var f failure
		if !errors.As(err, &f) {
			f = failure{"IOError", err.Error()}
		}
		_ = json.NewEncoder(os.Stdout).Encode(f)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("read the event: %w", err)
	}
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		return failure{"EventError", "The event can't be read: " + err.Error()}
	}
	summary, err := e.summary()
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, summary) // stderr is the function's log
	return json.NewEncoder(out).Encode(map[string]string{"summary": summary})
}

func (e *event) summary() (string, error) {
	switch {
	case e.TriggerType == "TIMER":
		return fmt.Sprintf("timer %s of %s: %s", e.TriggerName, e.Time.UTC().Format(time.RFC3339), e.UserEvent), nil
	case len(e.Records) > 0 && e.Records[0].S3 != nil:
		return e.objects(), nil
	default:
		return "", failure{"EventError", "This function is for timer and OBS triggers; the event is of neither."}
	}
}

func (e *event) objects() string {
	var bytes int64
	count := 0
	for _, r := range e.Records {
		if r.S3 != nil {
			bytes += r.S3.Object.Size
			count++
		}
	}
	first := e.Records[0]
	return fmt.Sprintf("%d object(s), %d bytes, the first is %s/%s (%s)",
		count, bytes, first.S3.Bucket.Name, first.S3.Object.Key, first.EventName)
}
