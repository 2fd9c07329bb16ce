package httpproxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/process"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"
)

const (
	// lookEvery is how often it is looked whether the server is ready: an event that
	// waits is served so much later at most. A look takes some 30 us.
	lookEvery = 4 * time.Millisecond
	// askEvery is the same for the ready path, whose answer costs the server something.
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
	every := lookEvery
	if s.ReadyPath != "" {
		every = askEvery
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for !s.isReady() {
		select {
		case <-s.ended:
			return
		case <-ticker.C:
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
	status, text, err := s.ask("GET", s.ReadyPath, readyPatience)
	var none *undelivered
	switch {
	case errors.As(err, &none):
		return false
	case err != nil:
		text = fmt.Sprintf("GET %s got no answer that is HTTP: %s", s.ReadyPath, text)
	case status < 500:
		return true
	default:
		text = fmt.Sprintf("GET %s answered %d %s: %s", s.ReadyPath, status, fasthttp.StatusMessage(status), text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = text
	return false
}

// ask sends a request of ours, on a connection of its own. text is the answer's body,
// quoted. The error is *undelivered if the server takes no connection.
func (s *server) ask(method, target string, patience time.Duration) (status int, text string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	raw, err := s.pool.dial(ctx)
	if err != nil {
		return 0, "", &undelivered{err}
	}
	_ = raw.SetDeadline(time.Now().Add(patience))
	c := &conn{Conn: raw} // opened long ago: no other is kept for it
	s.pool.hold(c)
	defer s.pool.put(c, false)
	if _, err := fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bootstrap\r\nConnection: close\r\n\r\n", method, target, s.ownHost()); err != nil {
		return 0, s.keys.Quote(nil), err
	}
	var answer fasthttp.Response
	err = answer.ReadLimitBody(bufio.NewReaderSize(c, headBytes), askedBytes)
	if status = answer.StatusCode(); err == nil || errors.Is(err, fasthttp.ErrBodyTooLarge) {
		return status, s.keys.Quote([]byte(strings.TrimSpace(string(answer.Body())))), nil
	}
	return 0, s.keys.Quote(c.sample), err
}

// doubt finds out whether a server that has missed a deadline still works, and has it
// started again if it does not. It gives the seat back then: a server that takes one
// event at a time gets no other one meanwhile.
func (m *Mode) doubt(seat *process.Seat[*server]) {
	s := seat.Instance
	if !s.beginProbe() {
		m.servers.Release(seat, false)
		return
	}
	m.probes.Go(func() {
		works := s.works()
		if !works {
			m.Log.Error("the server answers nothing any more after an event has missed its deadline, and is started again")
			m.servers.Retire(seat, &adapter.Error{
				Type:    adapter.TypeTimeout,
				Message: "The server did not answer any more after an event had missed its deadline, and was stopped.",
			})
		}
		s.endProbe(works) // events that wait for it must not come back to this server
		m.servers.Release(seat, false)
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
