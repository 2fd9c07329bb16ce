package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestEveryStreamReferenceAnswersRight(t *testing.T) {
	for _, bytes := range []int{64, 64<<10 + 1, 20 << 20} {
		for _, poller := range [][]string{
			{"poller_copy", "producer"}, {"poller_splice", "producer"}, {"poller_copy_http", "server"}, {"poller_splice_http", "server"},
		} {
			c := candidate{command: append(poller, strconv.Itoa(bytes)), inFlight: 1}
			t.Run(fmt.Sprintf("%s, %d bytes", poller[0], bytes), func(t *testing.T) {
				r, err := once(t, load{kind: stream, events: 5, warmUp: 1, bytes: bytes}, c)
				if err != nil || r.Events != 5 || r.P50 <= 0 {
					t.Errorf("got %+v, %v", r, err)
				}
			})
		}
	}
}

func TestTheDriverNoticesStreamsThatAreWrong(t *testing.T) {
	need(t)
	const size = 300_000 // more than one read
	right := pattern(t, size)
	other := bytes.Clone(right)
	other[size/2] ^= 1
	moved := append(bytes.Clone(right[64<<10:128<<10]), right...)
	copy(moved[64<<10:], moved[:64<<10])
	for name, c := range map[string]struct {
		sent string // after the head
		want string // complaint
	}{
		"the right one":              {chunks(right, 100_000) + last, ""},
		"the right one, in one":      {chunks(right, size) + last, ""},
		"the right one, in 7 bytes":  {chunks(right, 7) + last, ""},
		"another byte":               {chunks(other, 100_000) + last, "a wrong byte"},
		"a piece that has moved":     {chunks(moved[:size], 100_000) + last, "a wrong byte"},
		"a byte more":                {chunks(pattern(t, size+1), 100_000) + last, "the wrong size"},
		"a byte less":                {chunks(right[:size-1], 100_000) + last, "the wrong size"},
		"nothing":                    {last, "the wrong size"},
		"an end within a chunk":      {chunks(right, 100_000)[:size/2], "cut short"},
		"no last chunk":              {chunks(right, 100_000), "cut short"},
		"half a last chunk":          {chunks(right, 100_000) + "0\r\n", "cut short"},
		"no last chunk, but a poll":  {chunks(right, 100_000) + poll, "a chunk without a size"},
		"a chunk longer than itself": {fmt.Sprintf("%x\r\n%s!\r\n", size, right) + last, "longer than its size"},
		"no chunks":                  {strings.Repeat("a", size), "no chunks"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := answer(t, load{kind: stream, events: 1, bytes: size}, "Transfer-Encoding: chunked\r\n\r\n"+c.sent)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || r.Wrong != 1 || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %+v, %v", r, err)
			}
		})
	}
	t.Run("not streamed", func(t *testing.T) {
		r, err := answer(t, load{kind: stream, events: 1, bytes: size}, fmt.Sprintf("Content-Length: %d\r\n\r\n%s", size, right))
		if err == nil || r.Wrong != 1 {
			t.Errorf("got %+v, %v", r, err)
		}
	})
	t.Run("not to be streamed", func(t *testing.T) {
		r, err := answer(t, load{events: 1, bytes: size}, "Transfer-Encoding: chunked\r\n\r\n"+chunks(right, size)+last)
		if err == nil || r.Wrong != 1 || !strings.Contains(err.Error(), "not to be streamed") {
			t.Errorf("got %+v, %v", r, err)
		}
	})
}

const (
	poll = "GET /v1/runtime/invocation/request HTTP/1.1\r\nHost: x\r\n\r\n"
	last = "0\r\n\r\n"
)

// pattern is what the producer writes.
func pattern(t *testing.T, size int) []byte {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), filepath.Join(programs, "producer"), strconv.Itoa(size)).Output()
	if err != nil || len(text) != size {
		t.Fatalf("%d bytes, %v", len(text), err)
	}
	return text
}

// chunks are a body in chunks of that size, all but the last one.
func chunks(body []byte, size int) string {
	var text strings.Builder
	for len(body) > 0 {
		n := min(size, len(body))
		fmt.Fprintf(&text, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return text.String()
}

// answer polls the driver for its event, sends what follows the head's first line and
// closes the connection.
func answer(t *testing.T, l load, sent string) (result, error) {
	t.Helper()
	d, err := startDriver(programs, 1, l, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.stdout.Close() }()
	c := connect(t, d.proc, d.port)
	send(t, c, []byte(poll))
	event, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, event.Body); err != nil {
		t.Fatal(err)
	}
	head := "POST /v1/runtime/invocation/response/" + event.Header.Get("X-Cff-Request-Id") + " HTTP/1.1\r\n"
	_, _ = io.WriteString(c, head+sent) // the driver may hang up before it has read it all
	_ = c.(*net.TCPConn).CloseWrite()
	_, _ = d.lines.ReadBytes('\n') // that it is warm
	line, err := d.lines.ReadBytes('\n')
	complaint := d.stop()
	if err != nil {
		t.Fatalf("%v; the driver said: %s", err, complaint)
	}
	return resultOf(line, complaint)
}
