//go:build !unix

package api

import (
	"errors"
	"net"
)

// reserved only lets the rest build; there is never one.
type reserved struct{ addr string }

func reserve(string) (*reserved, error) {
	return nil, errors.New("the fault listen:refuse needs Linux or another Unix, where an address can be bound without listening")
}

func (*reserved) listen() (net.Listener, error) { return nil, net.ErrClosed }
func (*reserved) Close() error                  { return nil }
