package functiongraph

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/valyala/fasthttp"
)

func dialed(err error) error {
	return &connectionError{&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)}}
}

func TestNoCauseOfAnOutageIsWithoutWordsAndACure(t *testing.T) {
	for want, err := range map[string]error{
		"nothing listens at API (connection refused). The platform may be starting":            dialed(syscall.ECONNREFUSED),
		"the host of API is unknown. Check RUNTIME_API_ADDR":                                   dialed(&net.DNSError{IsNotFound: true}),
		"what host API is (timeout). Check the network":                                        dialed(&net.DNSError{IsTimeout: true}),
		"the host of API can't be looked up. Check the network":                                dialed(&net.DNSError{Err: "server misbehaving"}),
		"there is no way to API (network unreachable). Check the network":                      dialed(syscall.EHOSTUNREACH),
		"this machine forbids connections to API. A firewall":                                  dialed(syscall.EPERM),
		"this machine has no free port or address":                                             dialed(syscall.EADDRNOTAVAIL),
		"Too many files are open (EMFILE): this process may have":                              dialed(syscall.EMFILE),
		"The system has too many open files (ENFILE)":                                          dialed(syscall.ENFILE),
		"There is no memory left (ENOMEM)":                                                     dialed(syscall.ENOMEM),
		"API did not answer in time (timeout). The network drops":                              dialed(syscall.ETIMEDOUT),
		"API did not answer in time (timeout). ":                                               &connectionError{os.ErrDeadlineExceeded},
		"API cut the connection before it had answered (connection reset). The platform":       &connectionError{syscall.ECONNRESET},
		"API closed the connection without an answer. The platform may":                        &connectionError{fasthttp.ErrConnectionClosed},
		"API speaks TLS (HTTPS), and the runtime API is plain HTTP. Check RUNTIME_API_ADDR":    headError([]byte{0x15, 3, 1, 0, 2}, nil),
		"API speaks TLS (HTTPS)":                                                               headError([]byte{0x16, 3, 3}, nil),
		"the answer of API is not HTTP: another service listens there. Check":                  headError([]byte("SSH-2.0-"), nil),
		"the head of the answer of API is longer than 64 KB. An event":                         headError([]byte("HTTP/1.1"), fmt.Errorf("read: %w", &fasthttp.ErrSmallBuffer{})),
		"the answer of API broke off in its head":                                              headError([]byte("HTT"), errors.New("EOF")),
		"API answers at once and without an event: there is no X-Cff-Request-Id. Check that":   errNoEvent,
		"API refuses polls with status 400 Bad Request. A server that wants HTTPS":             &statusError{400, "Bad Request"},
		"API refuses polls with status 403 Forbidden. It does not take":                        &statusError{403, "Forbidden"},
		"API does not know the path of polls: status 404 Not Found. Another service":           &statusError{404, "Not Found"},
		"API wants fewer polls: status 429 Slow down. Set BOOTSTRAP_CONCURRENCY":               &statusError{429, "Slow down"},
		"API has a fault of its own: status 503 Service Unavailable. Nothing needs to be done": &statusError{503, "Service Unavailable"},
		"API answers polls with status 302 Found. Check RUNTIME_API_ADDR":                      &statusError{302, "Found"},
		"API answers polls with status 700. ":                                                  &statusError{700, ""},
		"polls of API fail. Check RUNTIME_API_ADDR":                                            errors.New("something new"),
	} {
		got := reasonOf(err).sentence("API", err)
		if !strings.Contains(got, want) || strings.Contains(got, "%") || strings.Contains(got, "STATUS ") || !strings.HasSuffix(got, ".") {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
}
