package httpproxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// probePatience is how long a server may take for an answer of no content after it
	// has missed a deadline, and for a connection at any time.
	probePatience = time.Second
	// askedBytes is the most that is read of an answer to a question of ours.
	askedBytes = 64 << 10
)

// taken tells whether somebody takes connections where it is to listen.
func (p *pool) taken() bool {
	ctx, cancel := context.WithTimeout(context.Background(), probePatience)
	defer cancel()
	c, err := p.dial(ctx)
	if err == nil {
		_ = c.Close()
	}
	return err == nil || ctx.Err() != nil // whoever is too busy to take one is there, too
}

// ask sends a request of ours, on a connection of its own. got is the answer's body, or
// the beginning of what is no answer. The error is *undelivered if the server takes no
// connection.
func (p *pool) ask(method, target string, patience time.Duration) (status int, got []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	raw, err := p.dial(ctx)
	if err != nil {
		return 0, nil, &undelivered{err}
	}
	_ = raw.SetDeadline(time.Now().Add(patience))
	c := &conn{raw: raw} // opened long ago: no other is kept for it
	p.hold(c)
	defer p.put(c, false)
	if _, err := fmt.Fprintf(raw, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bootstrap\r\nConnection: close\r\n\r\n", method, target, p.host); err != nil {
		return 0, nil, err
	}
	var answer fasthttp.Response
	err = answer.ReadLimitBody(bufio.NewReaderSize(c, headBytes), askedBytes)
	if status = answer.StatusCode(); err == nil || errors.Is(err, fasthttp.ErrBodyTooLarge) {
		return status, answer.Body(), nil
	}
	return 0, c.sample, err
}
