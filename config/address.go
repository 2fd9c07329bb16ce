package config

import (
	"net"
	"strconv"
	"strings"
)

// apiAddr checks the address of the runtime API. If host and port are right but something stands
// around them, it reports that and uses them anyway: without an address no event could be
// answered with the explanation.
func (r *report) apiAddr(v string) string {
	const name = "RUNTIME_API_ADDR"
	if v == "" || isHostPort(v) {
		return v
	}
	bare := v
	if _, rest, ok := strings.Cut(v, "://"); ok {
		bare = rest
	}
	bare, _, _ = strings.Cut(bare, "/")
	bare = strings.TrimSpace(bare)
	switch {
	case !isHostPort(bare):
		r.refuse(name, "must be host:port, without a scheme or path")
		return ""
	case strings.Contains(v, "://"):
		r.refuse(name, "must be host:port, without a scheme")
	default:
		r.refuse(name, "must be host:port, with nothing before or after it")
	}
	return bare
}

func isHostPort(v string) bool {
	host, port, err := net.SplitHostPort(v)
	if err != nil || host == "" || strings.ContainsFunc(host, notInHost) {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// notInHost keeps out what would end or change the host of a request line or Host header.
func notInHost(c rune) bool {
	return c <= ' ' || c >= 0x7f || strings.ContainsRune(`/\@?#"<>`, c)
}
