// Command nethttp-http is the loop that people write by hand to put a web server behind the
// runtime API: net/http on both sides, encoding/json for the gateway's events. We have to be
// better than this, so it is written as an able programmer would write it, with kept connections
// but without further tuning.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"time"
)

func main() {
	pollers := flag.Int("pollers", 1, "how many events may be in flight")
	flag.Parse()
	if flag.NArg() == 0 || *pollers < 1 {
		log.Fatal("usage: RUNTIME_API_ADDR=host:port nethttp-http [-pollers N] PROGRAM [ARGUMENT ...]")
	}
	host, err := start(flag.Args())
	if err != nil {
		log.Fatal(err)
	}
	l := loop{
		client: client(*pollers),
		api:    "http://" + os.Getenv("RUNTIME_API_ADDR") + "/v1/runtime/invocation",
		server: host,
	}
	failed := make(chan error)
	for range *pollers {
		go func() { failed <- l.run() }()
	}
	log.Fatal(<-failed)
}

// client keeps a connection for every poller, where http.DefaultClient keeps two.
func client(pollers int) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	t.MaxIdleConns = 0 // no limit
	t.MaxIdleConnsPerHost = pollers
	t.DisableCompression = true // bodies are passed on as they are
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// start starts the server on a free port and returns its address once it can be
// connected to.
func start(command []string) (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	host := l.Addr().String()
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return "", err
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "PORT="+strconv.Itoa(port))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return host, ready(host, ended)
}

func ready(host string, ended <-chan error) error {
	for range 5000 {
		conn, err := net.Dial("tcp4", host)
		if err == nil {
			return conn.Close()
		}
		select {
		case err := <-ended:
			return fmt.Errorf("the server has ended: %w", err)
		case <-time.After(time.Millisecond):
		}
	}
	return errors.New("the server does not listen on " + host)
}
