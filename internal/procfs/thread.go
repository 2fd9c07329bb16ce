package procfs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Wait is what a thread is found doing.
type Wait int

// The kinds of waits.
const (
	Works   Wait = iota // it runs, sleeps for a time, writes, connects, waits for a disk
	Reads               // it waits in a read of the descriptor Call.Descriptor
	Polls               // it waits for some of many descriptors, by poll, select or io_uring
	Epolls              // the same, by the epoll descriptor Call.Descriptor
	Waits               // it waits for another thread, a child, a signal or a connection
	Resumes             // it waits in a call that a signal, or a freeze, has interrupted: nobody knows which
)

// Call is the system call that a thread is in.
type Call struct {
	Wait       Wait
	Descriptor int
	// Timed says that the wait ends by itself: a timer runs.
	Timed bool
}

// Thread is a thread whose system call can be looked at again and again: two descriptors are
// kept open, because opening them costs ten times as much as a look.
type Thread struct {
	PID, TID int

	callFile, childrenFile int // descriptors; -1: closed
}

// OpenThread opens a thread's files. The error is os.ErrPermission where nobody may look,
// os.ErrNotExist where the thread has ended or the kernel does not tell.
func OpenThread(pid, tid int) (*Thread, error) {
	t := &Thread{PID: pid, TID: tid, callFile: -1, childrenFile: -1}
	dir := fmt.Sprintf("/proc/%d/task/%d/", pid, tid)
	var err error
	if t.callFile, err = openFile(dir + "syscall"); err == nil {
		t.childrenFile, err = openFile(dir + "children")
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

func openFile(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

// CloseChildren gives one descriptor back: Children will not be asked.
func (t *Thread) CloseChildren() {
	if t.childrenFile >= 0 {
		_ = unix.Close(t.childrenFile)
		t.childrenFile = -1
	}
}

// Close gives the descriptors back.
func (t *Thread) Close() {
	t.CloseChildren()
	if t.callFile >= 0 {
		_ = unix.Close(t.callFile)
		t.callFile = -1
	}
}

// Look is what the thread does at this moment; buf is room for it. The error is
// os.ErrPermission where nobody may look, else the thread has ended.
func (t *Thread) Look(buf []byte) (Call, error) {
	text, err := pread(t.callFile, buf)
	if err != nil {
		return Call{}, err
	}
	return parseCall(text), nil
}

// Children is the list of the thread's children as the kernel writes it; buf is room for it.
func (t *Thread) Children(buf []byte) ([]byte, error) { return pread(t.childrenFile, buf) }

// pread reads a file of /proc, which does not wait, and so does not tell Go's scheduler.
func pread(fd int, buf []byte) ([]byte, error) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_PREAD64, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0, 0)
	if errno != 0 {
		return nil, errno
	}
	return buf[:n], nil
}

// parseCall reads a line of proc(5)'s syscall: the number and six arguments, or "running", or
// -1 for a thread that waits outside of any call.
func parseCall(text []byte) Call {
	number, rest, ok := 0, text, false
	for ; len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9'; rest, ok = rest[1:], true {
		number = number*10 + int(rest[0]-'0')
	}
	if !ok {
		return Call{}
	}
	kind := kindOf(number)
	call := Call{Wait: kind.wait}
	if kind.wait == Works || kind.wait == Waits {
		return call
	}
	for i := 0; i <= kind.at; i++ { // all that is asked for
		var argument uint64
		argument, rest = hexNumber(rest)
		switch {
		case i == 0:
			call.Descriptor = int(int32(argument))
		case i == kind.at:
			call.Timed = kind.timeout == milliseconds && int32(argument) >= 0 || kind.timeout == pointer && argument != 0
		}
	}
	return call
}

// hexNumber reads " 0x…" from the beginning of text.
func hexNumber(text []byte) (n uint64, rest []byte) {
	rest = bytes.TrimPrefix(text, []byte(" 0x"))
	for ; len(rest) > 0; rest = rest[1:] {
		digit := bytes.IndexByte([]byte("0123456789abcdef"), rest[0])
		if digit < 0 {
			break
		}
		n = n<<4 | uint64(digit)
	}
	return n, rest
}

// Threads are the threads of a process.
func Threads(pid int) (tids []int, err error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, entry := range entries {
		if tid, err := strconv.Atoi(entry.Name()); err == nil {
			tids = append(tids, tid)
		}
	}
	return tids, err
}

// DescriptorsOf are the descriptors of a process that are open on file, which is what
// readlink says of them, such as pipe:[4711].
func DescriptorsOf(pid int, file string) (fds []int, err error) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if name, err := os.Readlink(dir + "/" + entry.Name()); err == nil && name == file {
			if fd, err := strconv.Atoi(entry.Name()); err == nil {
				fds = append(fds, fd)
			}
		}
	}
	return fds, err
}

// AwaitsInput reports whether an epoll descriptor of a process waits for one of fds to be
// readable. It is true where that can't be told.
func AwaitsInput(pid, epoll int, fds []int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, epoll))
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	for line := range strings.Lines(string(text)) {
		var fd, events int
		if n, _ := fmt.Sscanf(line, "tfd: %d events: %x", &fd, &events); n == 2 && events&unix.EPOLLIN != 0 && slices.Contains(fds, fd) {
			return true
		}
	}
	return false
}

// Foreign reports whether a process runs a program for another width of machine words: its
// system calls have other numbers.
func Foreign(pid int) bool {
	const class, ours = 4, 2 // ELFCLASS64
	f, err := os.Open(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	var head [class + 1]byte
	n, _ := f.ReadAt(head[:], 0)
	return n == len(head) && bytes.HasPrefix(head[:], []byte("\x7fELF")) && head[class] != ours
}

// Share is what a thread has had of the CPU since it began.
type Share struct {
	Ran, Waited time.Duration // Waited: ready to run, without the current wait
	Ready       bool          // it runs or waits for a CPU at this moment
}

// ShareOf returns false if the thread has ended or the kernel does not tell (proc(5), schedstat).
func ShareOf(tid int) (s Share, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", tid))
	if err != nil {
		return s, false
	}
	n, _ := fmt.Sscan(string(text), (*int64)(&s.Ran), (*int64)(&s.Waited))
	stat, ok := readStat(fmt.Sprintf("/proc/%d/stat", tid))
	s.Ready = stat.State == "R"
	return s, ok && n == 2
}

// Starved reports whether the thread has lacked the CPU for a fourth of step, which has passed since before.
func (s Share) Starved(before Share, step time.Duration) bool {
	return s.Waited-before.Waited > step/4 || s.Ready && s.Ran-before.Ran < step*3/4
}
