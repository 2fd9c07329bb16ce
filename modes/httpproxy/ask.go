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
	// probePatience is how long a server may take to answer a probe after it has missed a
	// deadline, and to accept a connection at any time.
	probePatience = time.Second
	// askedBytes is the most that is read of the answer to a request of our own.
	askedBytes = 64 << 10
)

// taken reports whether a process accepts connections where the server is to listen.
func (p *pool) taken() bool {
	ctx, cancel := context.WithTimeout(context.Background(), probePatience)
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
	_ = raw.SetDeadline(time.Now().Add(patience))
	c := &conn{raw: raw} // opened stays zero: no other connection is kept meanwhile
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
