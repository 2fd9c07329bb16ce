package procfs_test

import (
	"net"
	"os"
	"slices"
	"testing"

	"fgbootstrap/internal/procfs"
)

// listening is the listener for which is is true, found by looking at all.
func listening(t *testing.T, is func(procfs.Listener) bool) procfs.Listener {
	t.Helper()
	all := procfs.Listeners()
	i := slices.IndexFunc(all, is)
	if i < 0 {
		t.Fatalf("it is not among %v", all)
	}
	return all[i]
}

func TestListenersAreFoundWithTheirProcesses(t *testing.T) {
	for network, addr := range map[string]string{
		"tcp4": "127.0.0.1:0", "tcp6": "[::1]:0", "tcp": ":0", "unix": t.TempDir() + "/a.sock", "unix abstract": "@fgbootstrap-listen-test",
	} {
		t.Run(network, func(t *testing.T) {
			kind := network
			if addr[0] == '@' {
				kind = "unix"
			}
			socket, err := net.Listen(kind, addr)
			if err != nil && kind == "tcp6" {
				t.Skip("this machine has no IPv6:", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = socket.Close() }()
			found := listening(t, func(l procfs.Listener) bool {
				if tcp, ok := socket.Addr().(*net.TCPAddr); ok {
					return int(l.Addr.Port()) == tcp.Port
				}
				return l.Path == addr
			})
			if !slices.Equal(found.PIDs, []int{os.Getpid()}) {
				t.Errorf("got the processes %d, want %d", found.PIDs, os.Getpid())
			}
			if tcp, ok := socket.Addr().(*net.TCPAddr); ok && !tcp.IP.Equal(found.Addr.Addr().AsSlice()) {
				t.Errorf("got %s for %s", found.Addr, tcp)
			}
		})
	}
}

func TestWhatIsNotOursIsNoChildOfOurs(t *testing.T) {
	for _, pid := range []int{0, 1, os.Getpid(), os.Getppid()} {
		if child, ok := procfs.Processes().ChildOf(pid); ok {
			t.Errorf("%d is said to descend from our child %d", pid, child)
		}
	}
}

func TestOnlyTheSocketsOfTheProcessesThatAreAskedForAreFound(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	has := func(pids []int) bool {
		return slices.ContainsFunc(procfs.ListenersOf(pids), func(found procfs.Listener) bool {
			return found.Addr.String() == l.Addr().String()
		})
	}
	if !has(procfs.Processes().Under(os.Getpid())) {
		t.Error("our own socket is not found")
	}
	if has([]int{1}) || len(procfs.ListenersOf(nil)) > 0 {
		t.Error("sockets of others are found")
	}
}
