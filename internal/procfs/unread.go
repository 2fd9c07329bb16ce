package procfs

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Unread is how many bytes have come in a TCP connection and have not been read: at its end
// with the address at, from the end with the address from. Both may be of this machine, and
// of other processes. known is false where it can't be told.
func Unread(at, from netip.AddrPort) (n int, known bool) {
	if n, known = QuickUnread(at, from); known {
		return n, true
	}
	return listedUnread(at, from)
}

// listedUnread looks for the connection in the kernel's tables, which may take milliseconds.
func listedUnread(at, from netip.AddrPort) (n int, known bool) {
	for _, file := range []string{"tcp", "tcp6"} {
		for _, fields := range procNet(file) {
			if len(fields) < 5 {
				continue
			}
			local, ok := parseAddr(fields[1])
			remote, ok2 := parseAddr(fields[2])
			if !ok || !ok2 || local != at || remote != from {
				continue
			}
			_, queue, _ := strings.Cut(fields[4], ":") // tx_queue:rx_queue
			unread, err := strconv.ParseUint(queue, 16, 31)
			return int(unread), err == nil
		}
	}
	return 0, false
}

// What sock_diag(7) wants and gives for one connection, in bytes.
const (
	diagRequest = 72  // nlmsghdr and inet_diag_req_v2
	diagAnswer  = 16  // nlmsghdr; inet_diag_msg follows
	diagQueue   = 56  // of inet_diag_msg: idiag_rqueue
	diagBytes   = 512 // more than an answer without extensions has
	byFamily    = 20  // SOCK_DIAG_BY_FAMILY
)

// QuickUnread is Unread where that takes microseconds: the kernel is asked for that one
// connection. Sandboxes have no such socket, and then it is not known.
func QuickUnread(at, from netip.AddrPort) (n int, known bool) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return 0, false
	}
	defer func() { _ = unix.Close(fd) }()
	if _, err := unix.Write(fd, diagQuestion(at, from)); err != nil {
		return 0, false
	}
	answer := make([]byte, diagBytes)
	// The kernel has answered before the write returns.
	got, _, err := unix.Recvfrom(fd, answer, unix.MSG_DONTWAIT)
	if err != nil || got < diagAnswer+diagQueue+4 || binary.NativeEndian.Uint16(answer[4:]) != byFamily {
		return 0, false
	}
	return int(binary.NativeEndian.Uint32(answer[diagAnswer+diagQueue:])), true
}

func diagQuestion(at, from netip.AddrPort) []byte {
	q := make([]byte, diagRequest)
	binary.NativeEndian.PutUint32(q[0:], diagRequest)
	binary.NativeEndian.PutUint16(q[4:], byFamily)
	binary.NativeEndian.PutUint16(q[6:], unix.NLM_F_REQUEST)
	q[16], q[17] = unix.AF_INET6, unix.IPPROTO_TCP
	if at.Addr().Is4() {
		q[16] = unix.AF_INET
	}
	binary.NativeEndian.PutUint32(q[20:], 1<<unix.BPF_TCP_ESTABLISHED|1<<unix.BPF_TCP_CLOSE_WAIT)
	binary.BigEndian.PutUint16(q[24:], at.Port())
	binary.BigEndian.PutUint16(q[26:], from.Port())
	copy(q[28:44], at.Addr().AsSlice())
	copy(q[44:60], from.Addr().AsSlice())
	for i := 64; i < diagRequest; i++ { // no cookie: INET_DIAG_NOCOOKIE
		q[i] = 0xff
	}
	return q
}
