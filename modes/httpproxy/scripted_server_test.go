package httpproxy_test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"

	"golang.org/x/sys/unix"
)

// step is what the scripted server does with a connection; a call's body is a list of them.
type step struct {
	Write  string // that
	Pause  int    // for so many milliseconds, so that what is written comes apart
	Close  bool   // the connection
	Reset  bool   // the connection, by RST
	Exit   *int   // with that code
	Kill   int    // itself, with that signal
	Stderr string // print that
	Hang   bool   // for good, in this connection
}

// script is the call that has the scripted server do that.
func script(method string, steps ...step) string {
	text, err := json.Marshal(steps)
	if err != nil {
		panic(err)
	}
	return call(method, "/script", string(text))
}

// says is the call that has the scripted server answer with that, and no more.
func says(answer string) string { return script("GET", step{Write: answer}) }

// saysAndCloses closes the connection then.
func saysAndCloses(answer string) string {
	return script("GET", step{Write: answer}, step{Close: true})
}

// link is a connection to the scripted server.
type link struct {
	net.Conn
	in       *bufio.Reader
	requests int // so far, this one included
	listener net.Listener
}

func (l *link) say(format string, args ...any) { _, _ = fmt.Fprintf(l.Conn, format, args...) }

// answer is a whole one, after which the connection is kept.
func (l *link) answer(body any) {
	text := fmt.Sprint(body)
	l.say("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
}

// listen is the listener on the port that we were told.
func listen() net.Listener { return listenOn("tcp", "127.0.0.1:"+os.Getenv("PORT")) }

func listenOn(network, addr string) net.Listener {
	listener, err := net.Listen(network, addr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	return listener
}

// shortBacklog is a unix socket on which only so many connections may wait.
func shortBacklog(path string, n int) net.Listener {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: path})
	}
	if err == nil {
		err = unix.Listen(fd, n)
	}
	if err != nil {
		panic(err)
	}
	file := os.NewFile(uintptr(fd), path)
	listener, err := net.FileListener(file)
	if err != nil {
		panic(err)
	}
	return listener
}

// closing closes the connection after a request.
func closing(one func(*link, *http.Request) bool) func(*link, *http.Request) bool {
	return func(l *link, r *http.Request) bool {
		one(l, r)
		return false
	}
}

// serve gives each connection a goroutine.
func serve(listener net.Listener, one func(*link, *http.Request) bool) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			time.Sleep(time.Hour) // it lives on
			return
		}
		go converse(listener, conn, one)
	}
}

// serveOneAtATime takes the next connection when one has ended.
func serveOneAtATime(listener net.Listener, one func(*link, *http.Request) bool) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			time.Sleep(time.Hour)
			return
		}
		converse(listener, conn, one)
	}
}

// converse calls one for each request, until that is false.
func converse(listener net.Listener, conn net.Conn, one func(*link, *http.Request) bool) {
	defer func() { _ = conn.Close() }()
	l := &link{Conn: conn, in: bufio.NewReader(conn), listener: listener}
	for {
		r, err := http.ReadRequest(l.in)
		if err != nil {
			return
		}
		l.requests++
		if !one(l, r) {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
	}
}

var (
	seen    sync.Map // how often a path was asked for: *atomic.Int64
	release = make(chan struct{})
)

func count(path string) *atomic.Int64 {
	n, _ := seen.LoadOrStore(path, new(atomic.Int64))
	return n.(*atomic.Int64)
}

// scriptedServer does with a request what its path says; false closes the connection.
func scriptedServer(l *link, r *http.Request) bool {
	path := r.URL.Path
	times := count(path).Add(1)
	switch path {
	case "/script":
		return perform(l, r)
	case "/pid":
		l.answer(os.Getpid())
	case "/count": // how often the path in the query was asked for
		l.answer(count(r.URL.Query().Get("path")).Load())
	case "/drop-second": // the second request of a connection
		if l.requests > 1 {
			return false
		}
		l.answer("first")
	case "/drop":
		return false
	case "/early": // answers before it reads the body, and goes on with the connection
		l.answer("early")
	case "/early-close":
		l.say("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nearly")
		return false
	case "/deafen":
		_ = l.listener.Close()
		l.answer(os.Getpid())
	case "/hang":
		time.Sleep(time.Hour)
	case "/hang-once":
		if times == 1 {
			time.Sleep(time.Hour)
		}
		l.answer("again")
	case "/nap":
		time.Sleep(300 * time.Millisecond)
		l.answer("slept")
	case "/error":
		text := "no database"
		l.say("HTTP/1.1 500 Internal Server Error\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	case "/hold": // until /release
		<-release
		l.answer("held")
	case "/release":
		close(release)
		l.answer("released")
	case "/fields": // answers with these headers and this body
		fields, _ := hex.DecodeString(r.URL.Query().Get("hex"))
		body, _ := hex.DecodeString(r.URL.Query().Get("body"))
		l.say("HTTP/1.1 200 OK\r\n%s\r\nContent-Length: %d\r\n\r\n%s", fields, len(body), body)
	case "/echo":
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return false
		}
		l.answer(string(body))
	default:
		l.say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
	}
	return true
}

func perform(l *link, r *http.Request) bool {
	var steps []step
	if err := json.NewDecoder(r.Body).Decode(&steps); err != nil {
		l.answer(err)
		return false
	}
	for _, s := range steps {
		if s.Stderr != "" {
			fmt.Fprintln(os.Stderr, s.Stderr)
		}
		l.say("%s", s.Write)
		time.Sleep(time.Duration(s.Pause) * time.Millisecond)
		switch {
		case s.Reset:
			_ = l.Conn.(*net.TCPConn).SetLinger(0)
			return false
		case s.Close:
			return false
		case s.Exit != nil:
			os.Exit(*s.Exit)
		case s.Kill != 0:
			_ = unix.Kill(os.Getpid(), syscall.Signal(s.Kill))
			time.Sleep(time.Hour)
		case s.Hang:
			time.Sleep(time.Hour)
		}
	}
	return true
}

// code is an exit code in a step.
func code(n int) *int { return &n }

// bytesOf is so much text.
func bytesOf(n int) string { return strings.Repeat("0123456789abcdef", n/16+1)[:n] }

// times is how often the server has got a request for a path.
func (f *fixture) times(path string) string {
	f.t.Helper()
	return f.answer(call("GET", "/count", "", object{"queryStringParameters": object{"path": path}})).Body
}

func TestTheScriptedServerAnswers(t *testing.T) {
	h := open(t, "scripted server", nil)
	if got := h.answer(says("HTTP/1.1 201 Created\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok")); got.StatusCode != 201 || got.Body != "ok" || got.Headers["X-A"] != "b" {
		t.Errorf("got %v", got)
	}
	if got, err := h.invoke("id", `{"some":"event"}`, testkit.Patience); err == nil {
		t.Errorf("there is no /invoke, but got %q", got)
	}
}
