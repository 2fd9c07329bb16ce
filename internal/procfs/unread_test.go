package procfs_test

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"fgbootstrap/internal/procfs"
)

// addrOf is an address as Unread wants it.
func addrOf(a net.Addr) netip.AddrPort {
	p := a.(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

func TestWhatTheOtherEndOfAConnectionHasNotReadIsCounted(t *testing.T) {
	for listens, dials := range map[string]string{"127.0.0.1": "127.0.0.1", "::1": "::1", "": "127.0.0.1"} {
		listener, err := net.Listen("tcp", net.JoinHostPort(listens, "0"))
		if err != nil {
			t.Logf("this machine has no address of the kind %q: %v", listens, err)
			continue
		}
		defer func() { _ = listener.Close() }()
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		ours, err := net.Dial("tcp", net.JoinHostPort(dials, port))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = ours.Close() }()
		theirs, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = theirs.Close() }()
		if _, err := ours.Write(make([]byte, 345)); err != nil {
			t.Fatal(err)
		}
		for _, want := range []int{345, 45, 0} {
			for name, count := range map[string]func(at, from netip.AddrPort) (int, bool){"both": procfs.Unread, "listed": procfs.ListedUnread} {
				n, known := 0, false
				for end := time.Now().Add(20 * time.Second); n != want || !known; n, known = count(addrOf(ours.RemoteAddr()), addrOf(ours.LocalAddr())) {
					if time.Now().After(end) {
						t.Fatalf("%q, %s: got %d, %v, want %d", listens, name, n, known, want)
					}
				}
			}
			if n, known := procfs.QuickUnread(addrOf(ours.RemoteAddr()), addrOf(ours.LocalAddr())); known && n != want {
				t.Errorf("%q: the kernel says %d, want %d", listens, n, want)
			}
			if _, err := io.ReadFull(theirs, make([]byte, min(want, 300))); err != nil {
				t.Fatal(err)
			}
		}
		if n, known := procfs.Unread(addrOf(ours.LocalAddr()), netip.MustParseAddrPort("127.0.0.1:1")); known {
			t.Errorf("got %d of a connection that there is not", n)
		}
	}
}
