//go:build unix

package api

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// reserved is an address that is ours but refuses connections until listen is called.
type reserved struct {
	file *os.File
	addr string
}

// reserve binds addr, an IPv4 host:port (port 0 takes a free one), without listening: connecting
// to it is refused.
func reserve(addr string) (*reserved, error) {
	tcp, err := net.ResolveTCPAddr("tcp4", addr)
	if err != nil {
		return nil, fmt.Errorf("runtime API address %q: %w", addr, err)
	}
	syscall.ForkLock.RLock() // or a child started right now inherits the socket
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, fmt.Errorf("runtime API socket: %w", err)
	}
	r := &reserved{file: os.NewFile(uintptr(fd), "runtime-api")}
	if err := r.bind(fd, tcp); err != nil {
		return nil, errors.Join(fmt.Errorf("runtime API address %q: %w", addr, err), r.file.Close())
	}
	return r, nil
}

func (r *reserved) bind(fd int, tcp *net.TCPAddr) error {
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return err
	}
	sa := &syscall.SockaddrInet4{Port: tcp.Port}
	copy(sa.Addr[:], tcp.IP.To4())
	if err := syscall.Bind(fd, sa); err != nil {
		return err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return err
	}
	bound, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		return fmt.Errorf("unexpected socket address %T", name)
	}
	r.addr = (&net.TCPAddr{IP: bound.Addr[:], Port: bound.Port}).String()
	return nil
}

// listen turns the reservation into a listener, which owns the address from here on.
func (r *reserved) listen() (net.Listener, error) {
	raw, err := r.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	var listenErr error
	if err := raw.Control(func(fd uintptr) { listenErr = syscall.Listen(int(fd), syscall.SOMAXCONN) }); err != nil {
		return nil, err
	}
	if listenErr != nil {
		return nil, listenErr
	}
	ln, err := net.FileListener(r.file) // a duplicate
	return ln, errors.Join(err, r.file.Close())
}

func (r *reserved) Close() error { return r.file.Close() }
