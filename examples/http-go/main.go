// Command handler shows each request as it has arrived behind the API gateway:
// what its path, headers and query have become. A browser gets a page, any other
// client JSON. What is no web request, the event of a timer say, goes to the log.
//
// It is a web server that knows nothing of functions: bootstrap starts it, waits
// until it listens, and hands it what comes in. Build it into its folder, then zip
// it together with bootstrap:
//
//	CGO_ENABLED=0 go build -trimpath -o examples/http-go/handler ./examples/http-go
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0) // stderr is the function's log; bootstrap adds time and request id
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// run serves until the instance is stopped.
func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	server := &http.Server{
		Addr:              "127.0.0.1:" + cmp.Or(os.Getenv("PORT"), "8000"), // only bootstrap has to reach it
		Handler:           handler(),
		ReadHeaderTimeout: 5 * time.Second,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	// What is under way is answered first. bootstrap waits BOOTSTRAP_SHUTDOWN_GRACE, 2 s by default.
	ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
	defer cancel()
	return server.Shutdown(ctx)
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", show)
	mux.HandleFunc("POST /invoke", event)
	return mux
}

// arrived is a request as it was when it came to us.
type arrived struct {
	Method    string      `json:"method"`
	Path      string      `json:"path"` // percent-encoded, as it was sent
	Query     url.Values  `json:"query"`
	Headers   http.Header `json:"headers"`
	BodyBytes int64       `json:"bodyBytes"`
}

func show(w http.ResponseWriter, r *http.Request) {
	size, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a := arrived{r.Method, r.URL.EscapedPath(), r.URL.Query(), http.Header{"Host": {r.Host}}, size}
	for name, values := range r.Header {
		// With BOOTSTRAP_CREDENTIALS=on the keys of the function's agency are there, too: not for the caller.
		if ours := strings.HasPrefix(name, "X-Cff-"); !ours || !strings.Contains(name, "Key") && !strings.Contains(name, "Token") {
			a.Headers[name] = values
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		answer(w, a)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.Execute(w, a); err != nil {
		log.Print(err)
	}
}

// event takes what is no web request. Any answer but 2xx is a failed invocation.
func event(w http.ResponseWriter, r *http.Request) {
	var e struct {
		Trigger string `json:"trigger_type"`
		Name    string `json:"trigger_name"`
		Records []struct {
			S3 struct {
				Bucket struct {
					Name string `json:"name"`
				} `json:"bucket"`
				Object struct {
					Key string `json:"key"`
				} `json:"object"`
			} `json:"s3"`
		} `json:"Records"`
	}
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		http.Error(w, "The event can't be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	seen := []string{}
	if e.Trigger == "TIMER" {
		seen = append(seen, "timer "+e.Name)
	}
	for _, record := range e.Records {
		seen = append(seen, fmt.Sprintf("object %s/%s", record.S3.Bucket.Name, record.S3.Object.Key))
	}
	if len(seen) == 0 {
		http.Error(w, "This function is for timers, OBS and the API gateway.", http.StatusBadRequest)
		return
	}
	log.Print(strings.Join(seen, ", "))
	answer(w, map[string][]string{"seen": seen})
}

func answer(w http.ResponseWriter, content any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(content); err != nil {
		log.Print(err)
	}
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>What has arrived</title>
<style>body { font: 1em sans-serif; margin: 2em } th { text-align: left; padding-right: 1em }</style>
<h1>{{.Method}} {{.Path}}</h1>
<p>{{.BodyBytes}} bytes of body</p>
<h2>Query</h2>
<table>{{range $name, $values := .Query}}{{range $values}}<tr><th>{{$name}}<td>{{.}}{{end}}{{end}}</table>
<h2>Headers</h2>
<table>{{range $name, $values := .Headers}}{{range $values}}<tr><th>{{$name}}<td>{{.}}{{end}}{{end}}</table>
`))
