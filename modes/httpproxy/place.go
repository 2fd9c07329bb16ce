package httpproxy

import (
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/procfs"
)

// missing is what the server is waited for, half a sentence.
func (s *server) missing() string {
	if last := s.lastAnswer(); last != "" {
		return last
	}
	if s.ReadyPath != "" && s.taken() {
		return fmt.Sprintf("GET %s has no answer yet", s.ReadyPath)
	}
	return "nothing answers on " + s.place()
}

// lastAnswer is what the ready path answered, or "".
func (s *server) lastAnswer() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// place is where the server has to listen, for people to read.
func (s *server) place() string {
	if s.port == 0 {
		return "the socket " + s.Socket
	}
	return fmt.Sprintf("port %d", s.port)
}

// isAt tells whether this is where the server has to listen.
func (s *server) isAt(l procfs.Listener) bool {
	if s.port == 0 {
		return l.Path == s.Socket
	}
	return int(l.Addr.Port()) == s.port
}

// findings is where the program listens instead.
func (s *server) findings() string {
	if s.lastAnswer() != "" {
		return "" // it listens where it should
	}
	var places []string
	elsewhere, right := false, false
	for _, l := range procfs.ListenersOf(procfs.Processes().Under(os.Getpid())) {
		if l.Path != "" {
			places = append(places, "the socket "+l.Path)
			right = right || s.isAt(l)
			continue
		}
		place := fmt.Sprintf("port %d", l.Addr.Port())
		if a := l.Addr.Addr(); a.IsUnspecified() || a == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || a == netip.IPv6Loopback() {
			right = right || s.isAt(l)
		} else {
			place += " of " + a.String() + " alone"
			elsewhere = elsewhere || s.isAt(l)
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
	case elsewhere:
		return fmt.Sprintf("It listens on %s: have it listen on 127.0.0.1, or on 0.0.0.0.", strings.Join(places, ", "))
	case s.port != 0:
		return fmt.Sprintf("It listens on %s: set BOOTSTRAP_HTTP_PORT to its port, or have it take the port from the variable PORT.", strings.Join(places, ", "))
	default:
		return fmt.Sprintf("It listens on %s: have it listen on the socket, or set BOOTSTRAP_HTTP_PORT instead of BOOTSTRAP_HTTP_SOCKET.", strings.Join(places, ", "))
	}
}

// inUse is the error of a start where somebody else listens already.
func (s *server) inUse() error {
	who := "a process that can't be seen"
	for _, l := range procfs.Listeners() {
		if s.isAt(l) && len(l.PIDs) > 0 {
			who = fmt.Sprintf("process %d: %s", l.PIDs[0], s.keys.Quote([]byte(cmp.Or(procfs.CommandLine(l.PIDs[0]), "?"))))
		}
	}
	advice := "end that process, or set BOOTSTRAP_HTTP_PORT to another port, or to auto and have the server take it from the variable PORT"
	if s.port == 0 {
		advice = "end that process, or set BOOTSTRAP_HTTP_SOCKET to another path"
	}
	return &adapter.Error{
		Type:    adapter.TypeInit,
		Message: fmt.Sprintf("The server can't be started, because %s is in use already, by %s. To cure it: %s.", s.place(), who, advice),
	}
}

// ownHost is the Host of requests that name none.
func (s *server) ownHost() string {
	if s.port == 0 {
		return "localhost"
	}
	return fmt.Sprintf("127.0.0.1:%d", s.port)
}
