package functiongraph_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"
)

// resident is how much memory this process has, in bytes.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// claimed is how much more memory a claim may cost than what arrives.
const claimed = 24 << 20

func TestALengthThatIsAnnouncedIsAClaim(t *testing.T) { // alone, for it looks at the memory of all
	for _, size := range []string{"2000000000", "67108865", "9000000000000000000"} {
		t.Run(size, func(t *testing.T) {
			s := listen(t)
			start(t, s.addr, settings{program: refuses(t)})
			p := s.accept()
			p.poll()
			debug.FreeOSMemory()
			before := resident(t)
			p.send("HTTP/1.1 200 OK\r\nX-Cff-Request-Id: claim\r\nContent-Length: " + size + "\r\n\r\n{")
			q := s.accept() // the other is closed: what is not read there can't be told from an answer
			report := q.post("error/claim")
			if grown := resident(t) - before; grown > claimed {
				t.Errorf("it takes %d MB", grown>>20)
			}
			f := failureOf(t, []byte(report))
			want := "The platform announced an event of " + size + " bytes; the bootstrap takes at most 67108864 (64 MiB)."
			if f.Type != adapter.TypeInternal || !strings.HasPrefix(f.Message, want) {
				t.Errorf("the report is %s", report)
			}
			if _, err := p.in.ReadByte(); err == nil {
				t.Error("the connection is used again")
			}
			q.send(ok)
			s.serveOne(q, "next")
		})
	}
}

// refuses is a program that wants no event but the next one.
func refuses(t *testing.T) program {
	return func(ctx context.Context, inv *adapter.Invocation, w io.Writer) error {
		if inv.ID != "next" {
			t.Error("the program got the event")
		}
		return echo(ctx, inv, w)
	}
}

func TestMemoryForAnEventGrowsWithWhatArrives(t *testing.T) { // alone, as above
	s := listen(t)
	start(t, s.addr, settings{program: refuses(t)})
	p := s.accept()
	p.poll()
	debug.FreeOSMemory()
	before := resident(t)
	p.send("HTTP/1.1 200 OK\r\nX-Cff-Request-Id: claim\r\nContent-Length: 67108864\r\n\r\n{")
	awaitRead(t, p)
	for arrived := range 3 {
		p.send(strings.Repeat(" ", 1<<20))
		awaitRead(t, p)
		if grown := resident(t) - before - (arrived+1)<<20; grown > claimed {
			t.Errorf("%d MB have arrived, and it takes %d MB more", arrived+1, grown>>20)
		}
	}
	_ = p.Close()
	q := s.accept()
	if f := failureOf(t, []byte(q.post("error/claim"))); !strings.Contains(f.Message, fmt.Sprintf("%d of its 67108864 bytes", 1+3<<20)) {
		t.Errorf("the report is %+v", f)
	}
	q.send(ok)
	s.serveOne(q, "next")
}

func TestAChunkedEventOverTheBoundIsFailedAndTheNextPollWorks(t *testing.T) {
	s := listen(t)
	start(t, s.addr, settings{program: refuses(t)})
	p := s.accept()
	p.poll()
	p.send("HTTP/1.1 200 OK\r\nX-Cff-Request-Id: claim\r\nTransfer-Encoding: chunked\r\n\r\n")
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 1<<20, bytes.Repeat([]byte("x"), 1<<20))
	for range 65 {
		if _, err := io.WriteString(p.TCPConn, chunk); err != nil {
			break // it need not read on
		}
	}
	q := s.accept()
	f := failureOf(t, []byte(q.post("error/claim")))
	if !strings.HasPrefix(f.Message, "The platform sent an event of more than 67108864 bytes; the bootstrap takes at most 67108864 (64 MiB).") {
		t.Errorf("the report is %+v", f)
	}
	q.send(ok)
	s.serveOne(q, "next")
}

func TestAnEventOfTheBoundArrives(t *testing.T) {
	const bound = 64 << 20
	payload := noise(bound)
	for name, send := range map[string]func(*peer){
		"with a length": func(p *peer) {
			p.send(fmt.Sprintf("Content-Length: %d\r\n\r\n", bound))
			_, _ = p.Write(payload)
		},
		"chunked": func(p *peer) {
			p.send(fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", bound))
			_, _ = p.Write(payload)
			p.send("\r\n0\r\n\r\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t)
			whole := make(chan bool, 1)
			start(t, s.addr, settings{program: func(_ context.Context, inv *adapter.Invocation, _ io.Writer) error {
				whole <- bytes.Equal(inv.Payload, payload)
				return nil
			}})
			p := s.accept()
			p.poll()
			p.send("HTTP/1.1 200 OK\r\nX-Cff-Request-Id: 1\r\n")
			send(p)
			if !testkit.Await(t, whole, "the event") {
				t.Error("another event arrived")
			}
			p.post("response/1")
			p.send(ok)
		})
	}
}

// The body of an answer to a report is of no use, however long it says it is.
func TestTheLengthOfAnAnswerToAReportIsAClaim(t *testing.T) { // alone, as above
	for name, announced := range map[string]string{
		"length":     "Content-Length: 2000000000\r\n\r\nsome of it",
		"chunk":      "Transfer-Encoding: chunked\r\n\r\n7ffffff0\r\nsome of it",
		"no end":     "Connection: close\r\n\r\n" + strings.Repeat("x", 100<<10),
		"just over":  "Content-Length: 65537\r\n\r\nsome of it",
		"many bytes": "Content-Length: 99999999999\r\n\r\n" + strings.Repeat("x", 100<<10),
	} {
		for _, status := range []string{"200 OK", "413 Too Large"} {
			t.Run(name+", "+status, func(t *testing.T) {
				s := listen(t)
				i := start(t, s.addr, settings{})
				p := s.accept()
				p.poll()
				p.send(event("1"))
				p.post("response/1")
				debug.FreeOSMemory()
				before := resident(t)
				p.send("HTTP/1.1 " + status + "\r\n" + announced)
				s.serveOne(s.accept(), "2") // it is not reported again
				if grown := resident(t) - before; grown > claimed {
					t.Errorf("it takes %d MB", grown>>20)
				}
				i.stop()
				refused := i.logs.FilterMessage("the response did not reach the platform").Len()
				if want := strings.Count(status, "413"); refused != want {
					t.Errorf("%d responses were refused, want %d", refused, want)
				}
			})
		}
	}
}
