package httpproxy_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"fgbootstrap/internal/testkit"
)

// programs are web servers, and what passes for one.
var programs = map[string]func(){
	"scripted server":    func() { serve(listen(), scriptedServer) },
	"short backlog":      func() { serveOneAtATime(shortBacklog(os.Getenv("SOCKET"), 1), closing(scriptedServer)) },
	"single":             func() { serveOneAtATime(listen(), scriptedServer) },
	"moody":              func() { serve(listen(), moody) },
	"daemon":             func() { background("scripted server", false) },
	"daemon with setsid": func() { background("scripted server", true) },
	"daemon and helper": func() {
		background("helper", true)
		background("scripted server", true)
	},
	"daemon that never listens": func() { background("helper", true) },
	"helper": func() { // does not listen
		if err := os.WriteFile("helper", []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
			panic(err)
		}
		time.Sleep(time.Hour)
	},
	"deaf": func() {
		wait()
		_, _ = os.Stdin.Read(make([]byte, 1))
		time.Sleep(time.Hour)
	},
	"elsewhere": func() {
		at := strings.ReplaceAll(os.Getenv("AT"), "PORT", os.Getenv("PORT"))
		network := "tcp"
		if strings.HasPrefix(at, "/") || strings.HasPrefix(at, ".") {
			network = "unix"
		}
		listener := listenOn(network, at)
		wait()
		serve(listener, scriptedServer)
	},
	"elsewhere in a child": func() {
		background("elsewhere", false)
		time.Sleep(time.Hour)
	},
	"on a socket": func() { serve(listenOn("unix", os.Getenv("SOCKET")), scriptedServer) },
	"https": func() {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Listener = listen()
		server.StartTLS()
		time.Sleep(time.Hour)
	},
	"tls": func() {
		certificates := httptest.NewUnstartedServer(nil)
		certificates.StartTLS()
		listener := tls.NewListener(listen(), certificates.TLS)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = conn.(*tls.Conn).Handshake()
				// It goes on reading: a reset would take the alert with it.
				raw := conn.(*tls.Conn).NetConn()
				_ = raw.(*net.TCPConn).CloseWrite()
				_, _ = raw.Read(make([]byte, 64<<10))
				_ = raw.Close()
			}()
		}
	},
	"polite": func() {
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, syscall.SIGTERM)
		go serve(listen(), scriptedServer)
		<-asked
		if err := os.WriteFile("end", []byte("asked"), 0o600); err != nil {
			panic(err)
		}
	},
	"scripted server that notes": func() {
		serve(listen(), func(l *link, r *http.Request) bool {
			if r.URL.Path != "/die" {
				return scriptedServer(l, r)
			}
			notes, err := os.OpenFile("deaths", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				panic(err)
			}
			_, _ = notes.WriteString("x")
			_ = l.listener.Close()
			_ = l.Close() // that is seen before the process is gone
			time.Sleep(20 * time.Millisecond)
			os.Exit(7)
			return false
		})
	},
	"recorder": recordRequests,
	"answers in LF": func() {
		serve(listen(), func(l *link, _ *http.Request) bool {
			l.say("HTTP/1.0 200 OK\nContent-Type: text/plain\n\nup\n")
			return false
		})
	},
	"refuses early": func() { eachConnection(refuseEarly) },
	"metrics first, busy": func() {
		listenOn("tcp", os.Getenv("AT"))
		for end := time.Now().Add(3 * time.Second); time.Now().Before(end); {
		}
		serve(listen(), scriptedServer)
	},
	"metrics first, asleep": func() {
		listenOn("tcp", os.Getenv("AT"))
		_ = exec.Command("sleep", "3").Run() // as scripts wait
		serve(listen(), scriptedServer)
	},
	"says FastCGI": func() { speakOnly("\x01\x09", "\x01\x0a\x00\x00\x00\x00\x00\x00") },
	"says uwsgi":   func() { speakOnly("\x64", "\x64\x00\x00\x01") },
	"says nothing": func() { speakOnly("\xff\xff", "") },
	"stubborn": func() {
		signal.Ignore(syscall.SIGTERM)
		serve(listen(), scriptedServer)
	},
}

// wait says that what is to be seen of us is there.
func wait() { fmt.Fprintln(os.Stderr, "I wait") }

// background starts another program of ours and leaves it alone.
func background(name string, session bool) {
	c := exec.Command(testkit.Self())
	c.Env = testkit.Environ(name)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: session}
	if err := c.Start(); err != nil {
		panic(err)
	}
}

// recordRequests answers each request with its very bytes, and how many there were.
func recordRequests() {
	listener := listen()
	requests := new(atomic.Int64)
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			in := bufio.NewReader(conn)
			for {
				wire, err := readRaw(in)
				if err != nil {
					return
				}
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nX-Count: %d\r\nContent-Encoding: none\r\nContent-Length: %d\r\n\r\n%s", requests.Add(1), len(wire), wire)
			}
		}()
	}
}

// readRaw reads a request in the plainest way: lines, and as many bytes as the first
// Content-Length says.
func readRaw(in *bufio.Reader) (wire []byte, err error) {
	length := 0
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		wire = append(wire, line...)
		if value, found := strings.CutPrefix(strings.ToLower(line), "content-length:"); found && length == 0 {
			length, _ = strconv.Atoi(strings.TrimSpace(value))
		}
		if line == "\r\n" {
			break
		}
	}
	body := make([]byte, length)
	_, err = io.ReadFull(in, body)
	return append(wire, body...), err
}

// eachConnection gives each connection a goroutine, and closes it then.
func eachConnection(one func(net.Conn)) {
	listener := listen()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			one(conn)
		}()
	}
}

// refuseEarly reads the first bytes of a request, and answers with the status that its path is and
// without a length.
func refuseEarly(conn net.Conn) {
	line := make([]byte, len("POST /413 "))
	if _, err := io.ReadFull(conn, line); err != nil {
		return
	}
	_, path, _ := strings.Cut(string(line), "/")
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %s Refused\r\nConnection: close\r\n\r\n", path[:3])
}

// speakOnly answers what begins with hello by reply, and closes the connection to all else, as servers
// of other protocols do.
func speakOnly(hello, reply string) {
	eachConnection(func(conn net.Conn) {
		got := make([]byte, 1<<10)
		if n, _ := conn.Read(got); strings.HasPrefix(string(got[:n]), hello) {
			_, _ = conn.Write([]byte(reply))
		}
	})
}
