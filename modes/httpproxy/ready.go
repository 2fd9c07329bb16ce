package httpproxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/supervise"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"
)

const (
	// lookEvery is how often it is looked whether the server is ready: an event that
	// waits is served so much later at most. A look takes some 30 us.
	lookEvery = 4 * time.Millisecond
	// askEvery is the same for the ready path, whose answer costs the server something:
	// a server that takes long is asked less often.
	askEvery = 10 * time.Millisecond
	// readyPatience is for the answer of the ready path.
	readyPatience = 5 * time.Second
	// probePatience is how long a server may take for an answer of no content after it
	// has missed a deadline, and for a connection at any time.
	probePatience = time.Second
	// askedBytes is the most that is read of an answer to a question of ours.
	askedBytes = 64 << 10
)

// await closes s.ready when the server is.
func (s *server) await() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for !s.isReady() {
		every := lookEvery
		if s.ReadyPath != "" {
			every = max(askEvery, time.Since(s.started)/20)
		}
		timer.Reset(every)
		select {
		case <-s.ended:
			return
		case <-timer.C:
		}
	}
	close(s.ready)
}

func (s *server) isReady() bool {
	if s.ReadyPath != "" {
		return s.readyPathAnswers()
	}
	ctx, cancel := context.WithTimeout(context.Background(), probePatience)
	defer cancel()
	c, err := s.pool.get(ctx, true)
	if err != nil {
		return false
	}
	s.pool.put(c, true) // the first event may have it: some servers log an empty connection
	return true
}

func (s *server) readyPathAnswers() bool {
	status, got, err := s.ask("GET", s.ReadyPath, readyPatience)
	var none *undelivered
	what := ""
	switch {
	case errors.As(err, &none):
		return false
	case err == nil && status < 500:
		return true
	case err == nil:
		what = fmt.Sprintf("answered %d %s: %s", status, fasthttp.StatusMessage(status), s.keys.Quote(bytes.TrimSpace(got)))
	case len(got) > 0:
		what = "got no answer that can be read. " + s.broken(got)
	case errors.Is(err, fasthttp.ErrTimeout) || errors.Is(err, os.ErrDeadlineExceeded):
		what = fmt.Sprintf("got no answer within %s", readyPatience)
	default:
		what = "got no answer: the server dropped the connection. Does it expect HTTPS? " + plainHTTP
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = fmt.Sprintf("GET %s %s", s.ReadyPath, strings.TrimSuffix(what, "."))
	return false
}

// ask sends a request of ours, on a connection of its own. got is the answer's body, or
// the beginning of what is no answer. The error is *undelivered if the server takes no
// connection.
func (s *server) ask(method, target string, patience time.Duration) (status int, got []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	raw, err := s.pool.dial(ctx)
	if err != nil {
		return 0, nil, &undelivered{err}
	}
	_ = raw.SetDeadline(time.Now().Add(patience))
	c := &conn{Conn: raw} // opened long ago: no other is kept for it
	s.pool.hold(c)
	defer s.pool.put(c, false)
	if _, err := fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bootstrap\r\nConnection: close\r\n\r\n", method, target, s.ownHost()); err != nil {
		return 0, nil, err
	}
	var answer fasthttp.Response
	err = answer.ReadLimitBody(bufio.NewReaderSize(c, headBytes), askedBytes)
	if status = answer.StatusCode(); err == nil || errors.Is(err, fasthttp.ErrBodyTooLarge) {
		return status, answer.Body(), nil
	}
	return 0, c.sample, err
}

// doubt finds out whether a server that has missed a deadline still works, and has it
// started again if it does not. It gives the lease back then: a server that takes one
// event at a time gets no other one meanwhile.
func (m *Mode) doubt(lease *supervise.Lease[*server]) {
	s := lease.Instance
	if !s.beginProbe() {
		m.servers.Release(lease, false)
		return
	}
	m.probes.Go(func() {
		works := s.works()
		if !works {
			m.Log.Error("the server answers nothing any more after an event has missed its deadline, and is started again")
			m.servers.Retire(lease, &adapter.Error{
				Type:    adapter.TypeTimeout,
				Message: "The server did not answer any more after an event had missed its deadline, and was stopped.",
			})
		}
		s.endProbe(works) // events that wait for it must not come back to this server
		m.servers.Release(lease, false)
	})
}

// beginProbe is false if there is one already, or need not be one. The lock is not held
// when the supervisor is called: it asks for our Reason under its own.
func (s *server) beginProbe() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probe != nil || s.hangs {
		return false
	}
	s.probe = make(chan struct{})
	return true
}

func (s *server) endProbe(works bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.probe)
	s.probe, s.hangs = nil, !works
}

// works tells whether the server answers anything, and be it nonsense. It is asked what
// means nothing to most programs: a connection alone, the system makes by itself.
func (s *server) works() bool {
	method, target := fasthttp.MethodOptions, "*"
	if s.ReadyPath != "" {
		method, target = fasthttp.MethodGet, s.ReadyPath
	}
	before := s.answers.Load()
	s.pool.clear() // it may be waiting for the end of one
	_, _, err := s.ask(method, target, probePatience)
	var none *undelivered
	busy := s.answers.Load() != before // with other events, one after the other
	return busy || !errors.As(err, &none) && !errors.Is(err, fasthttp.ErrTimeout)
}

// passed waits for a probe that is under way; false: the server has failed it, or ctx
// has ended.
func (s *server) passed(ctx context.Context) bool {
	s.mu.Lock()
	probe, hangs := s.probe, s.hangs
	s.mu.Unlock()
	if probe == nil {
		return !hangs
	}
	select {
	case <-probe:
		return s.passed(ctx)
	case <-ctx.Done():
		return false
	}
}

// tellWhatIsMissing logs why events have to wait.
func (m *Mode) tellWhatIsMissing() {
	text, after := "", zap.Skip()
	if s, _ := m.servers.Waiting(); s != nil {
		text, after = ": "+s.missing(), zap.Duration("after", time.Since(s.started))
	}
	m.Log.Warn("the server is not ready yet, so events wait for it"+text, after)
}
