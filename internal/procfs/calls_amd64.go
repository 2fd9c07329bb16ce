package procfs

import "golang.org/x/sys/unix"

// oldCallKind knows the calls that newer machines do without.
func oldCallKind(number int) (Wait, timeout) {
	switch number {
	case unix.SYS_POLL:
		return Polls, milliseconds
	case unix.SYS_SELECT:
		return Polls, pointer
	case unix.SYS_EPOLL_WAIT:
		return Epolls, milliseconds
	case unix.SYS_PAUSE:
		return Waits, forEver
	}
	return Works, forEver
}

func oldTimeoutOf(number int) int {
	switch number {
	case unix.SYS_POLL:
		return 2
	case unix.SYS_SELECT:
		return 4
	case unix.SYS_EPOLL_WAIT:
		return 3
	}
	return 0
}
