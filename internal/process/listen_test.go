package process_test

import (
	"net"
	"os"
	"slices"
	"testing"

	"fgbootstrap/internal/process"

	"golang.org/x/sys/unix"
)

// listening is the listener for which is is true, found by looking at all.
func listening(t *testing.T, is func(process.Listener) bool) process.Listener {
	t.Helper()
	all := process.Listeners()
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
			found := listening(t, func(l process.Listener) bool {
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

func TestADaemonCanBeAdopted(t *testing.T) {
	p := start(t, child("stray"))
	var pids []int
	for range 3 {
		pids = append(pids, p.number())
	}
	_ = p.Stdin.Close()
	p.ended()
	p.KillGroup(patience)
	child := 0
	eventually(t, "all descend from one child of ours", func() bool {
		first, ok := process.Processes().Kin(pids[0])
		for _, pid := range pids {
			kin, known := process.Processes().Kin(pid)
			ok = ok && known && kin == first
		}
		child = first
		return ok && slices.Contains(pids, child)
	})
	daemon, ok := reaper().Adopt(child)
	if !ok {
		t.Fatalf("%d can't be adopted", child)
	}
	if _, again := reaper().Adopt(child); again {
		t.Error("it was adopted twice")
	}
	for _, pid := range pids {
		if _, ok := reaper().Adopt(pid); ok && pid != child {
			t.Errorf("%d was adopted, which is not our child", pid)
		}
	}
	reaper().Sweep()
	if !alive(child) {
		t.Fatal("the sweep has ended it")
	}
	if !daemon.Stop(process.Step{Signal: unix.SIGTERM, Wait: patience}) {
		t.Fatal("it did not stop")
	}
	if daemon.Status().String() == "" || daemon.Status().Success() {
		t.Errorf("it ended with %s", daemon.Status())
	}
	for _, pid := range pids {
		eventually(t, "what it had started is swept", func() bool {
			reaper().Sweep()
			return !alive(pid)
		})
	}
	p.silent()
}

func TestWhatIsNotOursIsNoKin(t *testing.T) {
	for _, pid := range []int{0, 1, os.Getpid(), os.Getppid()} {
		if child, ok := process.Processes().Kin(pid); ok {
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
		return slices.ContainsFunc(process.ListenersOf(pids), func(found process.Listener) bool {
			return found.Addr.String() == l.Addr().String()
		})
	}
	if !has(process.Processes().Under(os.Getpid())) {
		t.Error("our own socket is not found")
	}
	if has([]int{1}) || len(process.ListenersOf(nil)) > 0 {
		t.Error("sockets of others are found")
	}
}
