package httpproxy

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/secret"
)

// elsewhere says in a sentence or two where the program listens instead, or returns "".
func (p place) elsewhere() string {
	var places []string
	partly, right := false, false
	for _, l := range procfs.ListenersOf(procfs.Processes().Under(os.Getpid())) {
		if l.Path != "" {
			places = append(places, "the socket "+l.Path)
			right = right || p.is(l)
			continue
		}
		place := fmt.Sprintf("port %d", l.Addr.Port())
		if a := l.Addr.Addr(); a.IsUnspecified() || a == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || a == netip.IPv6Loopback() {
			right = right || p.is(l)
		} else {
			place += " of " + a.String() + " alone"
			partly = partly || p.is(l)
		}
		places = append(places, place)
	}
	slices.Sort(places)
	places = slices.Compact(places)
	switch {
	case right:
		return ""
	case len(places) == 0:
		return "It listens on no port at all: is it a web server, and what does it wait for?"
	case partly:
		return fmt.Sprintf("It listens on %s: have it listen on 127.0.0.1, or on 0.0.0.0.", strings.Join(places, ", "))
	case p.port != 0:
		return fmt.Sprintf("It listens on %s: set BOOTSTRAP_HTTP_PORT to its port, or have it take the port from the variable PORT.", strings.Join(places, ", "))
	default:
		return fmt.Sprintf("It listens on %s: have it listen on the socket, or set BOOTSTRAP_HTTP_PORT instead of BOOTSTRAP_HTTP_SOCKET.", strings.Join(places, ", "))
	}
}

// inUse makes the error of a start when another process already listens there.
func (p place) inUse(keys *secret.Keyring) error {
	who := "a process that can't be seen"
	for _, l := range procfs.Listeners() {
		if p.is(l) && len(l.PIDs) > 0 {
			who = fmt.Sprintf("process %d: %s", l.PIDs[0], keys.Quote([]byte(procfs.Name(l.PIDs[0]))))
		}
	}
	advice := "end that process, or set BOOTSTRAP_HTTP_PORT to another port, or to auto and have the server take it from the variable PORT"
	if p.port == 0 {
		advice = "end that process, or set BOOTSTRAP_HTTP_SOCKET to another path"
	}
	return &adapter.Error{
		Type:    adapter.TypeInit,
		Message: fmt.Sprintf("The server can't be started: %s is already in use by %s. To fix this, %s.", p, who, advice),
	}
}
