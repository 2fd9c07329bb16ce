package procfs

import "golang.org/x/sys/unix"

// callKind says what who is in a system call waits for, and for how long.
type callKind struct {
	wait    Wait
	timeout timeout
	at      int // which argument the timeout is, from 0
}

// timeout is how a call is told how long it may wait.
type timeout int

const (
	forEver      timeout = iota
	milliseconds         // negative: for ever
	pointer              // null: for ever
)

// kindOf knows the system calls by their numbers. Those that only some machines have are in
// calls_*.go.
func kindOf(number int) callKind {
	switch number {
	case unix.SYS_READ, unix.SYS_READV, unix.SYS_SPLICE, unix.SYS_TEE, unix.SYS_COPY_FILE_RANGE:
		return callKind{wait: Reads}
	case unix.SYS_PPOLL:
		return callKind{Polls, pointer, 2}
	case unix.SYS_PSELECT6:
		return callKind{Polls, pointer, 4}
	case unix.SYS_IO_URING_ENTER:
		return callKind{wait: Polls}
	case unix.SYS_EPOLL_PWAIT:
		return callKind{Epolls, milliseconds, 3}
	case unix.SYS_EPOLL_PWAIT2:
		return callKind{Epolls, pointer, 3}
	case unix.SYS_FUTEX, unix.SYS_FUTEX_WAITV, unix.SYS_WAIT4, unix.SYS_WAITID, unix.SYS_RT_SIGSUSPEND, unix.SYS_RT_SIGTIMEDWAIT,
		unix.SYS_ACCEPT, unix.SYS_ACCEPT4:
		return callKind{wait: Waits}
	case unix.SYS_RESTART_SYSCALL:
		return callKind{wait: Resumes}
	}
	return oldKindOf(number)
}
