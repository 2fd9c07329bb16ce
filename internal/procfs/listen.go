package procfs

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Listener is a listening socket.
type Listener struct {
	Addr netip.AddrPort // of TCP
	Path string         // of a unix socket; one of the abstract kind begins with @
	// PIDs are the processes that have it open, as far as we can see.
	PIDs []int
}

// Listeners returns all visible listening sockets; none if there is no /proc. Looking at every
// descriptor of every process takes long, so call it only after a failure.
func Listeners() []Listener {
	return listeners("/proc/[0-9]*/fd/*")
}

// ListenersOf returns the listening sockets of these processes; Listener.PIDs names no others.
func ListenersOf(pids []int) []Listener {
	var patterns []string
	for _, pid := range pids {
		patterns = append(patterns, fmt.Sprintf("/proc/%d/fd/*", pid))
	}
	return slices.DeleteFunc(listeners(patterns...), func(l Listener) bool { return len(l.PIDs) == 0 })
}

// listeners looks for the owners of the sockets among the descriptors that match patterns.
func listeners(patterns ...string) []Listener {
	found := map[string]*Listener{} // by inode
	for _, file := range []string{"tcp", "tcp6"} {
		for _, fields := range procNet(file) {
			if len(fields) > 9 && fields[3] == "0A" {
				if addr, ok := parseAddr(fields[1]); ok {
					found[fields[9]] = &Listener{Addr: addr}
				}
			}
		}
	}
	const accepts = "00010000" // a flag of the kernel's
	for _, fields := range procNet("unix") {
		if len(fields) > 7 && fields[3] == accepts {
			found[fields[6]] = &Listener{Path: fields[7]}
		}
	}
	for _, pattern := range patterns {
		own(found, pattern)
	}
	all := make([]Listener, 0, len(found))
	for _, l := range found {
		all = append(all, *l)
	}
	return all
}

// procNet returns one of the kernel's tables of sockets, line by line.
func procNet(file string) (lines [][]string) {
	text, _ := os.ReadFile("/proc/self/net/" + file)
	for line := range strings.Lines(string(text)) {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}

// parseAddr reads an address as 0100007F:1F90, in 32-bit words of this machine's order.
func parseAddr(text string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(text, ":")
	n, err := strconv.ParseUint(port, 16, 16)
	ip, err2 := hex.DecodeString(host)
	if err != nil || err2 != nil {
		return netip.AddrPort{}, false
	}
	for i := 0; i+4 <= len(ip); i += 4 {
		binary.NativeEndian.PutUint32(ip[i:], binary.BigEndian.Uint32(ip[i:]))
	}
	addr, ok := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), ok
}

// own adds the processes that have a descriptor of these sockets which matches pattern.
func own(sockets map[string]*Listener, pattern string) {
	links, _ := filepath.Glob(pattern)
	for _, link := range links {
		name, err := os.Readlink(link)
		if err != nil {
			continue
		}
		inode, found := strings.CutPrefix(name, "socket:[")
		if l := sockets[strings.TrimSuffix(inode, "]")]; found && l != nil {
			pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
			if len(l.PIDs) == 0 || l.PIDs[len(l.PIDs)-1] != pid {
				l.PIDs = append(l.PIDs, pid)
			}
		}
	}
}

// Name returns the name by which a process was started, without its arguments, which may be
// nobody else's business; "?" if it can't be seen.
func Name(pid int) string {
	line, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	// A program may have put a whole line of its own in the place of its name.
	name := line[:max(0, bytes.IndexAny(append(line, 0), "\x00 \t\n="))]
	if len(name) == 0 || bytes.ContainsRune(line[:min(len(line), len(name)+1)], '=') {
		name, _ = os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
		name = bytes.TrimSpace(name)
	}
	if len(name) == 0 || bytes.ContainsAny(name, "= ") {
		return "?"
	}
	return string(name)
}

// Family maps each process to its parent at the time of the call to Processes.
type Family map[int]int

// Processes looks at all visible processes.
func Processes() Family {
	parents := Family{}
	for pid, stat := range All {
		parents[pid], _ = strconv.Atoi(stat.Parent)
	}
	return parents
}

// Under returns a process and its descendants.
func (f Family) Under(ancestor int) (pids []int) {
	for pid := range f {
		up := pid
		for up != ancestor && up > 0 {
			up = f[up]
		}
		if up == ancestor {
			pids = append(pids, pid)
		}
	}
	return pids
}

// ChildOf returns the child of ours that a process is or descends from, or false if it is not our
// descendant.
func (f Family) ChildOf(pid int) (child int, ok bool) {
	for self := os.Getpid(); pid > 0; pid = f[pid] {
		if f[pid] == self {
			return pid, true
		}
	}
	return 0, false
}
