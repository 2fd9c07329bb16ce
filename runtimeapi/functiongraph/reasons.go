package functiongraph

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"fgbootstrap/internal/limits"

	"github.com/valyala/fasthttp"
)

// Answers to a poll that are none.
var (
	errTLS      = errors.New("its answer to a poll is a record of TLS")
	errNotHTTP  = errors.New("its answer to a poll does not begin with HTTP/")
	errLongHead = fmt.Errorf("the head of its answer to a poll has more than %d KB", headerBytes>>10)
	errHead     = errors.New("the head of its answer to a poll broke off or can't be read")
)

// statusError is an answer to a poll that has another status than 200.
type statusError struct {
	status int
	text   string // the platform's own, or the one that the status has
}

func (e *statusError) Error() string {
	return fmt.Sprintf("it answered a poll with status %d %s", e.status, e.text)
}

func newStatusError(answer *fasthttp.Response) *statusError {
	status := answer.StatusCode()
	text := string(answer.Header.StatusMessage())
	if text == "" {
		text = fasthttp.StatusMessage(status)
	}
	return &statusError{status, strings.Map(printable, text[:min(len(text), 100)])}
}

func printable(c rune) rune {
	if c < ' ' || c == 0x7f {
		return -1
	}
	return c
}

// headError is the error of a poll whose answer begins with these bytes and could not be read.
// The library's own may quote the head, and with it credentials.
func headError(beginning []byte, err error) error {
	var long *fasthttp.ErrSmallBuffer
	switch {
	case len(beginning) > 1 && (beginning[0] == 0x15 || beginning[0] == 0x16) && beginning[1] == 3:
		return errTLS
	case !bytes.HasPrefix([]byte("HTTP/"), beginning[:min(len(beginning), 5)]):
		return errNotHTTP
	case errors.As(err, &long):
		return errLongHead
	}
	return errHead
}

// reason says why polls fail and what to do about it.
type reason struct {
	is   func(error) bool
	what string // %s is the address of the runtime API
	cure string
}

const (
	comesBack = "The platform may be starting or restarting it; nothing needs to be done, unless it stays so: then check RUNTIME_API_ADDR."
	checkAddr = "Check RUNTIME_API_ADDR: it must be the address of FunctionGraph's runtime API."
	checkType = "Check that the function is an event function with the runtime Custom, and RUNTIME_API_ADDR unchanged."
)

// reasons is the table from errors to words. The first row that fits counts.
func reasons() []reason {
	return []reason{
		{isAny(syscall.ECONNREFUSED), "nothing listens at %s (connection refused)", comesBack},
		{isHost(func(e *net.DNSError) bool { return e.IsNotFound }), "the host of %s is unknown", checkAddr},
		{isHost(func(e *net.DNSError) bool { return e.IsTimeout }), "the name server did not say in time what host %s is (timeout)", "Check the network of the function, or put an IP address into RUNTIME_API_ADDR."},
		{isHost(func(*net.DNSError) bool { return true }), "the host of %s can't be looked up", "Check the network of the function, or put an IP address into RUNTIME_API_ADDR."},
		{isAny(syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN), "there is no way to %s (network unreachable)", "Check the network of the function, and RUNTIME_API_ADDR."},
		{isAny(syscall.EACCES, syscall.EPERM), "this machine forbids connections to %s", "A firewall or a sandbox has to let them through."},
		{isAny(syscall.EADDRNOTAVAIL), "this machine has no free port or address for a connection to %s", "Does a program of the function keep thousands of connections open? Close them after use."},
		{isLimit, "", "bootstrap goes on asking."},
		{isTimeout, "%s did not answer in time (timeout)", "The network drops what is sent there, or the platform is overloaded. " + checkAddr},
		{isAny(syscall.ECONNRESET, syscall.EPIPE), "%s cut the connection before it had answered (connection reset)", comesBack},
		{isAny(io.EOF, io.ErrUnexpectedEOF, fasthttp.ErrConnectionClosed), "%s closed the connection without an answer", comesBack},
		{isAny(errTLS), "%s speaks TLS (HTTPS), and the runtime API is plain HTTP", checkAddr},
		{isAny(errNotHTTP), "the answer of %s is not HTTP: another service listens there", checkAddr},
		{isAny(errLongHead), fmt.Sprintf("the head of the answer of %%s is longer than %d KB", headerBytes>>10), "An event with so many headers can't be read; whoever invokes the function has to send less."},
		{isAny(errHead), "the answer of %s broke off in its head, or is not HTTP", checkAddr},
		{isAny(errNoEvent), "%s answers at once and without an event: there is no X-Cff-Request-Id", checkType},
		{isStatus(400, 400), "%s refuses polls with status STATUS", "A server that wants HTTPS answers so, too. " + checkAddr},
		{isStatus(401, 403), "%s refuses polls with status STATUS", "It does not take this process for the instance of a function. " + checkType},
		{isStatus(404, 405), "%s does not know the path of polls: status STATUS", "Another service listens there. " + checkAddr},
		{isStatus(429, 429), "%s wants fewer polls: status STATUS", "Set BOOTSTRAP_CONCURRENCY lower."},
		{isStatus(500, 599), "%s has a fault of its own: status STATUS", "Nothing needs to be done, unless it stays so: then ask the platform's support."},
		{isStatus(0, 999), "%s answers polls with status STATUS", checkAddr},
		{func(error) bool { return true }, "polls of %s fail", checkAddr},
	}
}

func reasonOf(err error) reason {
	all := reasons()
	for _, r := range all {
		if r.is(err) {
			return r
		}
	}
	return all[len(all)-1]
}

// sentence is what a person reads.
func (r reason) sentence(addr string, err error) string {
	what := strings.ReplaceAll(r.what, "%s", addr)
	if r.what == "" {
		return limits.Met(err) + " " + r.cure
	}
	var status *statusError
	if errors.As(err, &status) {
		what = strings.ReplaceAll(what, "STATUS", strings.TrimSpace(fmt.Sprint(status.status, " ", status.text)))
	}
	return what + ". " + r.cure
}

func isAny(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, target := range targets {
			if errors.Is(err, target) {
				return true
			}
		}
		return false
	}
}

func isHost(is func(*net.DNSError) bool) func(error) bool {
	return func(err error) bool {
		var lookup *net.DNSError
		return errors.As(err, &lookup) && is(lookup)
	}
}

func isStatus(low, high int) func(error) bool {
	return func(err error) bool {
		var status *statusError
		return errors.As(err, &status) && low <= status.status && status.status <= high
	}
}

// isLimit is true of a limit of this process or machine. A connection meets no limit of processes.
func isLimit(err error) bool { return limits.Met(err) != "" && !errors.Is(err, syscall.EAGAIN) }

func isTimeout(err error) bool {
	var timed net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT) || errors.As(err, &timed) && timed.Timeout()
}
