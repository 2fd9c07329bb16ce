package httpproxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"fgbootstrap/internal/resident"
	"fgbootstrap/internal/retry"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"
)

const (
	// lookEvery is how often to look whether the server is ready. It delays a waiting event by
	// that much at most. A look takes about 30 us.
	lookEvery = 4 * time.Millisecond
	// askEvery is the same for the ready path, whose answer costs the server something. A server
	// that takes long is asked less often.
	askEvery = 10 * time.Millisecond
	// readyPatience is how long to wait for the answer of the ready path.
	readyPatience = 5 * time.Second
)

// readiness finds out when a server can have events, and what is missing until then.
type readiness struct {
	path  string // that must answer, or ""
	place place
	pool  *pool
	life  *resident.Life
	mode  *Handler

	mu         sync.Mutex
	lastAnswer string // of the path
}

// await marks the server ready when it is.
func (r *readiness) await() {
	defer r.mode.misplaced.set(false)
	look := lookout{readiness: r, next: r.life.StartedAt.Add(surveyEvery)}
	for !r.holds() {
		look.around(time.Now())
		every := lookEvery
		if r.path != "" {
			every = max(askEvery, time.Since(r.life.StartedAt)/20)
		}
		if retry.Await(context.Background(), r.life.Over, every) {
			return
		}
	}
	r.life.MarkReady()
}

func (r *readiness) holds() bool {
	if r.path != "" {
		return r.pathAnswers()
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectPatience)
	defer cancel()
	c, err := r.pool.get(ctx, true)
	if err != nil {
		return false
	}
	r.pool.put(c, true) // the first event may have it: some servers log an empty connection
	return true
}

func (r *readiness) pathAnswers() bool {
	status, got, err := r.pool.ask("GET", r.path, readyPatience)
	var none *undelivered
	what := ""
	switch {
	case errors.As(err, &none):
		return false
	case err == nil && status < 500:
		return true
	case err == nil:
		what = fmt.Sprintf("answered %d %s: %s", status, fasthttp.StatusMessage(status), r.mode.keys.Quote(bytes.TrimSpace(got)))
	case len(got) > 0:
		what = "got an answer that can't be read. " + r.mode.broken(err, got)
	case errors.Is(err, fasthttp.ErrTimeout) || errors.Is(err, os.ErrDeadlineExceeded):
		what = fmt.Sprintf("got no answer within %s", readyPatience)
	default:
		what = "got no answer: the server dropped the connection. " + r.pool.expects(context.Background())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lastAnswer = fmt.Sprintf("GET %s %s", r.path, strings.TrimSuffix(what, "."))
	return false
}

// tellWhatIsMissing logs why events have to wait.
func (m *Handler) tellWhatIsMissing() {
	text, after := "", zap.Skip()
	if s, _ := m.servers.Waiting(); s != nil {
		text, after = ": "+s.Missing(), zap.Duration("after", time.Since(s.life.StartedAt))
	}
	m.Resident.Log.Warn("the server is not ready yet, so events wait for it"+text, after)
}

// missing says, in half a sentence, what has not come yet.
func (r *readiness) missing() string {
	if last := r.answeredLast(); last != "" {
		return last
	}
	if r.path != "" && r.pool.taken() {
		return fmt.Sprintf("GET %s has no answer yet", r.path)
	}
	return "nothing answers on " + r.place.String()
}

// hint says what may help a server that is not ready, or returns "".
func (r *readiness) hint() string {
	if r.answeredLast() != "" {
		return "" // it listens where it should
	}
	text, _ := r.place.elsewhere()
	return text
}

// answeredLast returns what the ready path answered, or "".
func (r *readiness) answeredLast() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lastAnswer
}

const (
	// connectPatience is how long a server may take for a connection.
	connectPatience = time.Second
	// askedBytes is the most that is read of the answer to a request of our own.
	askedBytes = 64 << 10
)

// taken reports whether a process accepts connections where the server is to listen.
func (p *pool) taken() bool {
	ctx, cancel := context.WithTimeout(context.Background(), connectPatience)
	defer cancel()
	c, err := p.dial(ctx)
	if err == nil {
		_ = c.Close()
	}
	return err == nil || ctx.Err() != nil // a process that is too busy to accept one is there, too
}

// ask sends a request of our own on a separate connection. got is the answer's body, or the
// beginning of what is not an answer. The error is *undelivered if the server accepts no
// connection.
func (p *pool) ask(method, target string, patience time.Duration) (status int, got []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	raw, err := p.dial(ctx)
	if err != nil {
		return 0, nil, &undelivered{err}
	}
	deadline, _ := ctx.Deadline()
	_ = raw.SetDeadline(deadline)
	c := &conn{raw: raw, in: raw} // opened long ago: no other is kept for it
	p.hold(c)
	defer p.put(c, false)
	if _, err := fmt.Fprintf(raw, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bootstrap\r\nConnection: close\r\n\r\n", method, target, p.host); err != nil {
		return 0, nil, err
	}
	var answer fasthttp.Response
	in := bufio.NewReaderSize(c, headBytes)
	for _, err = readHead(&answer.Header, in); err == nil && answer.StatusCode() == fasthttp.StatusContinue; {
		_, err = readHead(&answer.Header, in)
	}
	status = answer.StatusCode()
	hasBody := status >= 200 && status != fasthttp.StatusNoContent && status != fasthttp.StatusNotModified
	if err == nil && hasBody {
		err = answer.ReadBody(in, askedBytes)
	}
	if err == nil || errors.Is(err, fasthttp.ErrBodyTooLarge) {
		return status, answer.Body(), nil
	}
	return 0, c.sample, err
}
