package httpproxy

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// protocols are what a port may speak instead of HTTP. A port that answers hello by something that
// begins with reply does.
var protocols = []struct{ name, hello, reply, advice string }{
	{
		name: "HTTPS", hello: "\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + zeros32 + // a TLS 1.2 ClientHello
			"\x00\x00\x04\xc0\x2f\xc0\x2b\x01\x00",
		reply: "", // see looksLikeTLS
	},
	{
		name: "FastCGI", hello: "\x01\x09\x00\x00\x00\x00\x00\x00", reply: "\x01\x0a", // FCGI_GET_VALUES
		advice: "Put a web server before it (nginx, Caddy), or for PHP use php -S or FrankenPHP.",
	},
	{
		name: "the uwsgi protocol", hello: "\x64\x00\x00\x00", reply: "\x64", // its ping
		advice: "Start uWSGI with --http-socket instead of --socket.",
	},
}

const zeros32 = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// helloPatience is how long a server may take to say which protocol it speaks.
const helloPatience = 150 * time.Millisecond

// expects says which protocol a server expects that has dropped a connection without an answer.
// It asks, each time over a connection of its own.
func (p *pool) expects(ctx context.Context) string {
	for _, protocol := range protocols {
		reply := p.greet(ctx, protocol.hello)
		switch {
		case bytes.HasPrefix(reply, []byte(answerBegin)):
			return ""
		case looksLikeTLS(reply) && protocol.reply == "", protocol.reply != "" && bytes.HasPrefix(reply, []byte(protocol.reply)):
			return fmt.Sprintf("It seems to expect %s. %s %s", protocol.name, plainHTTP, protocol.advice)
		}
	}
	return "Or does it expect FastCGI (php-fpm) or uwsgi? " + plainHTTP
}

// greet sends hello over a new connection and returns the beginning of what comes back, which may
// be nothing.
func (p *pool) greet(ctx context.Context, hello string) []byte {
	ctx, cancel := context.WithTimeout(ctx, helloPatience)
	defer cancel()
	raw, err := p.dial(ctx)
	if err != nil {
		return nil
	}
	c := &conn{raw: raw, in: raw, opened: time.Now()}
	c.sample = c.room[:0]
	p.hold(c)
	defer p.put(c, false)
	deadline, _ := ctx.Deadline()
	_ = raw.SetDeadline(deadline)
	if _, err := raw.Write([]byte(hello)); err != nil {
		return nil
	}
	reply := make([]byte, sampleBytes)
	n, _ := raw.Read(reply)
	return reply[:n]
}
