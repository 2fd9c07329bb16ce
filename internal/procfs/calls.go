package procfs

import "golang.org/x/sys/unix"

// callKind says of a system call by its number what who is in it waits for, and how it is
// told for how long. The numbers that only some machines have are in calls_*.go.
func callKind(number int) (Wait, timeout) {
	switch number {
	case unix.SYS_READ, unix.SYS_READV, unix.SYS_SPLICE, unix.SYS_TEE, unix.SYS_COPY_FILE_RANGE:
		return Reads, forEver
	case unix.SYS_PPOLL, unix.SYS_PSELECT6:
		return Polls, pointer
	case unix.SYS_IO_URING_ENTER:
		return Polls, forEver
	case unix.SYS_EPOLL_PWAIT:
		return Epolls, milliseconds
	case unix.SYS_EPOLL_PWAIT2:
		return Epolls, pointer
	case unix.SYS_FUTEX, unix.SYS_FUTEX_WAITV, unix.SYS_WAIT4, unix.SYS_WAITID, unix.SYS_RT_SIGSUSPEND, unix.SYS_RT_SIGTIMEDWAIT,
		unix.SYS_ACCEPT, unix.SYS_ACCEPT4:
		return Waits, forEver
	case unix.SYS_RESTART_SYSCALL:
		return Resumes, forEver
	}
	return oldCallKind(number)
}

// timeoutOf is which argument of a call is the timeout, from 0.
func timeoutOf(number int) int {
	switch number {
	case unix.SYS_PPOLL:
		return 2
	case unix.SYS_PSELECT6:
		return 4
	case unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_PWAIT2:
		return 3
	}
	return oldTimeoutOf(number)
}
