package httpproxy

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/procfs"
)

// place is where the server listens.
type place struct {
	port   int    // on loopback; 0 for a unix socket
	socket string // abstract if it begins with @
}

// choose says where the next start listens: as configured, or on a free port.
func choose(port int, socket string) (place, error) {
	if socket != "" {
		return place{socket: socket}, nil
	}
	if port == 0 {
		var err error
		if port, err = freePort(); err != nil {
			return place{}, fmt.Errorf("look for a free port: %w", err)
		}
	}
	return place{port: port}, nil
}

// String returns the place for messages.
func (p place) String() string {
	if p.port == 0 {
		return "the socket " + p.socket
	}
	return fmt.Sprintf("port %d", p.port)
}

// is reports whether l listens at this place.
func (p place) is(l procfs.Listener) bool {
	if p.port == 0 {
		return l.Path == p.socket
	}
	return int(l.Addr.Port()) == p.port
}

// host returns the Host for requests that name none.
func (p place) host() string {
	if p.port == 0 {
		return "localhost"
	}
	return fmt.Sprintf("127.0.0.1:%d", p.port)
}

// newPool makes the pool of connections to it.
func (p place) newPool() *pool {
	if p.port == 0 {
		return newPool(p.host(), "unix", p.socket)
	}
	port := strconv.Itoa(p.port)
	return newPool(p.host(), "tcp", "127.0.0.1:"+port, "[::1]:"+port)
}

// environment returns env with the variable PORT set.
func (p place) environment(env []string) []string {
	if p.port == 0 {
		return env
	}
	env = slices.DeleteFunc(slices.Clone(env), func(entry string) bool { return strings.HasPrefix(entry, "PORT=") })
	return append(env, "PORT="+strconv.Itoa(p.port))
}

// Linux gives ports from 32768 on to programs that ask for any port and to outgoing connections:
// another process might have taken such a port before the server listens.
const lowestFree, highestFree = 10000, 32767

func freePort() (int, error) {
	// A process that another goroutine is starting would hold our listener until it is executed,
	// and so take the port from the server.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	for range 20 {
		port := lowestFree + rand.IntN(highestFree-lowestFree+1)
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close() // as the network is called
}

// removeSocket removes the socket of a server that has ended: the next one could not listen
// there.
func removeSocket(path string) error {
	info, err := os.Lstat(path)
	if strings.HasPrefix(path, "@") || err != nil {
		return nil
	}
	if info.Mode().Type() != os.ModeSocket {
		return &adapter.Error{
			Type:    adapter.TypeConfig,
			Message: fmt.Sprintf("BOOTSTRAP_HTTP_SOCKET is %s, which exists and is not a socket: choose another path.", path),
		}
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the socket of a server that has ended: %w", err)
	}
	return nil
}
