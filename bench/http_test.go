package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	theHop  = candidate{command: []string{"poller_http", "server"}, inFlight: 1}
	theLoop = handmadeHTTP(1)
)

func TestEveryHTTPReferenceAnswersRight(t *testing.T) {
	rawLoads := []load{
		{events: 200, warmUp: 10, bytes: 1 << 10},
		{events: 20, bytes: 64<<10 + 1},
		{events: 5, warmUp: 1, bytes: 6 << 20},
	}
	var callLoads []load
	for _, kind := range []string{text, binary} {
		callLoads = append(callLoads,
			load{kind: kind, events: 200, warmUp: 10, bytes: 1 << 10},
			load{kind: kind, events: 20, bytes: 1<<10 + 1}, // base64 ends in another way
			load{kind: kind, events: 20, bytes: 1<<10 + 2},
			load{kind: kind, events: 5, warmUp: 1, bytes: 4_400_000},
		)
	}
	for _, c := range []struct {
		name  string
		who   candidate
		loads []load
	}{
		{"C hop", theHop, rawLoads},
		{"net/http loop", theLoop, append(rawLoads, callLoads...)},
		{"net/http loop, 8 pollers", handmadeHTTP(8), append(rawLoads, callLoads...)},
	} {
		for _, l := range c.loads {
			t.Run(fmt.Sprintf("%s, %s, %d bytes", c.name, l.kind, l.bytes), func(t *testing.T) {
				r, err := once(t, l, c.who)
				if err != nil {
					t.Fatal(err)
				}
				if r.Events != l.events || r.P50 <= 0 || r.P99 < r.P50 || r.Period <= 0 || r.Rate <= 0 {
					t.Errorf("got %+v", r)
				}
			})
		}
	}
}

func TestAServerThatEndsFailsTheRunWithItsReason(t *testing.T) {
	for _, program := range []string{"poller_http", "nethttp-http"} {
		c := candidate{command: []string{program, "sh", "-c", "exit 3"}, inFlight: 1}
		_, err := once(t, load{events: 5, bytes: 100}, c)
		if err == nil || !strings.Contains(err.Error(), "the server has ended") {
			t.Errorf("%s: got %v", program, err)
		}
	}
}

func TestTheServerAnswersEveryRequestWithItsBody(t *testing.T) {
	first, second := connections(t)
	large := bytes.Repeat([]byte("0123456"), 1<<20)
	half := request("POST", "/half", []byte("0123456789"))
	send(t, second, half[:len(half)-5])
	// No answer is read before everything is sent, as far as the sockets take it.
	sent := make(chan error, 1)
	go func() {
		_, err := first.Write(bytes.Join([][]byte{
			request("GET", "/", nil), request("DELETE", "/a?b=c", []byte("small")),
			request("POST", "/large", large), request("PUT", "/large/again", large[1:]), request("HEAD", "/", nil),
		}, nil))
		sent <- err
	}()
	answers := bufio.NewReader(first)
	for _, want := range [][]byte{{}, []byte("small"), large, large[1:], {}} {
		receive(t, answers, want)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	send(t, second, half[len(half)-5:])
	receive(t, bufio.NewReader(second), []byte("0123456789"))
}

// connections are two to one server.
func connections(t *testing.T) (first, second net.Conn) {
	t.Helper()
	need(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := startProc(programs, 1, []string{"server"}, []string{"PORT=" + port}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if said := p.stop(); said != "" {
			t.Errorf("the server said: %s", said)
		}
	})
	return connect(t, p, port), connect(t, p, port)
}

func connect(t *testing.T, p *proc, port string) net.Conn {
	t.Helper()
	for {
		c, err := net.Dial("tcp4", "127.0.0.1:"+port)
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
			if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil { // a stuck server fails, it does not hang
				t.Fatal(err)
			}
			return c
		}
		select {
		case <-p.ended:
			t.Fatalf("the server has ended: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
}

func request(method, path string, body []byte) []byte {
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", method, path, len(body))
	return append([]byte(head), body...)
}

func send(t *testing.T, c net.Conn, data []byte) {
	t.Helper()
	if _, err := c.Write(data); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, from *bufio.Reader, want []byte) {
	t.Helper()
	response, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !bytes.Equal(body, want) {
		t.Errorf("got %s, %d bytes, %v, where %d bytes were sent", response.Status, len(body), err, len(want))
	}
}
