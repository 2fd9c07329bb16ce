package httpproxy

import (
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/procfs"
	"fgbootstrap/internal/secret"
)

// elsewhere says in a sentence or two where the program listens instead, or returns "". found says
// that it listens somewhere, but not where it should.
func (p place) elsewhere() (text string, found bool) {
	var places []string
	partly, right := false, false
	for _, l := range procfs.ListenersOf(procfs.Processes().Under(os.Getpid())) {
		if l.Path != "" && p.isMeantBy(l) {
			return fmt.Sprintf("It made a file named %s instead of an abstract socket, as most programs do. Set BOOTSTRAP_HTTP_SOCKET "+
				"to a path such as /tmp/app.sock, and have it listen there.", p.socket), true
		}
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
		return "", false
	case len(places) == 0:
		return "It listens on no port at all: is it a web server, and what does it wait for?", false
	case partly:
		return fmt.Sprintf("It listens on %s: have it listen on 127.0.0.1, or on 0.0.0.0.", strings.Join(places, ", ")), true
	case p.port != 0:
		return fmt.Sprintf("It listens on %s: set BOOTSTRAP_HTTP_PORT to its port, or have it take the port from the variable PORT.", strings.Join(places, ", ")), true
	default:
		return fmt.Sprintf("It listens on %s: have it listen on the socket, or set BOOTSTRAP_HTTP_PORT instead of BOOTSTRAP_HTTP_SOCKET.", strings.Join(places, ", ")), true
	}
}

// isMeantBy reports whether l is a file that was made where an abstract socket was asked for: its
// name has the @.
func (p place) isMeantBy(l procfs.Listener) bool {
	if !strings.HasPrefix(p.socket, "@") || filepath.Base(l.Path) != p.socket {
		return false
	}
	if l.Path != p.socket {
		return true
	}
	return slices.ContainsFunc(l.PIDs, func(pid int) bool { // the kernel shows both alike
		info, err := os.Lstat(fmt.Sprintf("/proc/%d/cwd/%s", pid, p.socket))
		return err == nil && info.Mode().Type() == os.ModeSocket
	})
}

// inUse makes the error of a start when another process already listens there.
func (p place) inUse(keys *secret.Keyring) error {
	who := "a process that can't be seen"
	for _, l := range procfs.Listeners() {
		if p.is(l) && len(l.PIDs) > 0 {
			who = fmt.Sprintf("process %d: %s", l.PIDs[0], keys.Quote([]byte(cmp.Or(procfs.CommandLine(l.PIDs[0]), "?"))))
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
