package procfs

import "golang.org/x/sys/unix"

// oldKindOf knows the calls that newer machines do without.
func oldKindOf(number int) callKind {
	switch number {
	case unix.SYS_POLL:
		return callKind{Polls, milliseconds, 2}
	case unix.SYS_SELECT:
		return callKind{Polls, pointer, 4}
	case unix.SYS_EPOLL_WAIT:
		return callKind{Epolls, milliseconds, 3}
	case unix.SYS_PAUSE:
		return callKind{wait: Waits}
	}
	return callKind{wait: Works}
}
