package worker

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"fgbootstrap/internal/procfs"

	"golang.org/x/sys/unix"
)

// posture is how a worker is found.
type posture int

const (
	untold   posture = iota // nobody can tell here
	away                    // nothing waits for its stdin: it can't take an event
	stirring                // its reader waits, something else in it does not
	still                   // it is at rest: nothing comes from it before an event does
)

const (
	// stirPatience is how long a worker may stir: what goes on beside its reader, or a
	// timer, need not have to do with events at all.
	stirPatience = 10 * time.Millisecond
	// changePatience is how long it may while one thread after the other stirs, and
	// starvedPatience while what stirs has to wait for the CPU, as on a busy machine. Both are
	// looked at in steps.
	changePatience  = 10 * stirPatience
	starvedPatience = 100 * stirPatience
	starvedStep     = stirPatience / 2
	// mostVain is how often one thread is waited for in vain.
	mostVain = 3
	// mostThreads bounds the descriptors: a worker with more threads is not looked at.
	mostThreads = 256
	// scanShare is the least part of its time, in scans, that a worker is not scanned: a scan
	// goes through all of its descriptors and threads.
	scanShare = 20
)

// rest knows whether a worker is at rest: the thread that reads its stdin waits for more,
// and nothing else in its process tree is at work. An event that is sent to a worker at
// rest gets what the worker writes for it; before that, it might get what the worker still
// had to write for the last one. docs/adr/0009 has the rule and what it can't see.
//
// One goroutine at a time may use it.
type rest struct {
	leader int
	pipe   string // what readlink says of the worker's stdin
	known  bool   // it can be told here
	reader *watched
	others []*watched
	loop   bool // the reader is an event loop
	late   int  // the thread that stirs, 0: none
	vain   map[int]int
	scan   time.Time     // when the last one was
	took   time.Duration // it
	buf    [4096]byte

	mu    sync.Mutex // of lookAhead and end, which nobody else waits for
	found bool       // by lookAhead: it is at rest, and will be until it gets an event
	ended bool
}

// watched is a thread with what its list of children was when it was found.
type watched struct {
	thread   *procfs.Thread
	children string
	parent   bool // its children are looked at
}

// newRest is for the worker that leads the process group leader and has stdin for our end.
func newRest(leader int, stdin *os.File) *rest {
	r := &rest{leader: leader, vain: map[int]int{}}
	raw, err := stdin.SyscallConn()
	if err != nil {
		return r
	}
	var file unix.Stat_t
	if raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &file) }) != nil || err != nil {
		return r
	}
	r.pipe = fmt.Sprintf("pipe:[%d]", file.Ino)
	_, err = os.Stat("/proc/self/syscall") // some sandboxes have none
	r.known = err == nil
	return r
}

// lookAhead looks while nobody waits. A single thread that waits in a read of its stdin stays
// there until we write, so that the next event needs no look.
func (r *rest) lookAhead() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found = !r.ended && r.reader != nil && r.look() == still && !r.loop && len(r.others) == 0
}

// takeFound reports what lookAhead found, once.
func (r *rest) takeFound() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := r.found
	r.found = false
	return found
}

// end gives the descriptors back.
func (r *rest) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	r.forget()
}

// look is one look at the worker. It takes a microsecond or so, unless the reader has to be
// looked for.
func (r *rest) look() posture {
	if !r.known {
		return untold
	}
	if r.reader == nil {
		if how := r.find(); how != still {
			return how
		}
	}
	if how := r.readerWaits(); how != still {
		return how
	}
	r.late = 0
	if !r.sameFamily() {
		r.forget()
		return stirring
	}
	for _, w := range r.others {
		if r.vain[w.thread.TID] >= mostVain {
			continue
		}
		call, err := w.thread.Look(r.buf[:])
		if err != nil { // it has ended
			r.forget()
			return stirring
		}
		if call.Wait == procfs.Works {
			r.late = w.thread.TID
			return stirring
		}
	}
	return still
}

// readerWaits is still if the reader waits for stdin.
func (r *rest) readerWaits() posture {
	call, err := r.reader.thread.Look(r.buf[:])
	if err != nil {
		r.forget()
		return away
	}
	waits := call.Wait == procfs.Reads
	if r.loop {
		waits = call.Wait == procfs.Polls || call.Wait == procfs.Epolls || call.Wait == procfs.Resumes
	}
	if !waits {
		if time.Since(r.scan) > max(stirPatience, scanShare*r.took) {
			r.forget() // perhaps another one reads
		}
		return away
	}
	if tid := r.reader.thread.TID; r.loop && call.Timed && r.vain[tid] < mostVain {
		r.late = tid
		return stirring
	}
	return still
}

// waitsInRead reports whether the worker, which has got an event, is seen to wait for another one:
// all of it waits, and its reader in a read.
func (r *rest) waitsInRead() bool { return r.look() == still && !r.loop }

// sameFamily reports whether the tree has the children that it had when the reader was
// found.
func (r *rest) sameFamily() bool {
	for _, w := range r.others {
		if w.parent && !w.sameChildren(r.buf[:]) {
			return false
		}
	}
	return !r.reader.parent || r.reader.sameChildren(r.buf[:])
}

func (w *watched) sameChildren(buf []byte) bool {
	list, err := w.thread.Children(buf)
	return err == nil && string(list) == w.children
}

// inVain notes that a worker stirs for too long: after some times the thread is not waited
// for any more.
func (r *rest) inVain() {
	if r.late != 0 {
		r.vain[r.late]++
	}
}

// forget has the reader looked for anew.
func (r *rest) forget() {
	for _, w := range r.others {
		w.thread.Close()
	}
	if r.reader != nil {
		r.reader.thread.Close()
	}
	r.reader, r.others = nil, nil
}

// find looks for the reader in the process tree of the leader: away if none waits, untold if
// that can't be seen.
func (r *rest) find() posture {
	if time.Since(r.scan) < min(scanShare*r.took, stirPatience) {
		return away
	}
	began := time.Now()
	defer func() { r.scan, r.took = time.Now(), time.Since(began) }()
	for family := []int{r.leader}; len(family) > 0; family = family[1:] {
		more, err := r.meet(family[0])
		if err != nil && family[0] != r.leader && procfs.Exiting(family[0]) {
			continue // only its owner may look at a zombie, and its owner is nobody
		}
		if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) { // for now
			r.forget()
			return untold
		}
		cant := err != nil && !gone(err) // nobody may look
		if cant || len(r.others) > mostThreads || r.reader == nil && procfs.Foreign(family[0]) {
			r.known = false
			r.forget()
			return untold
		}
		family = append(family, more...)
	}
	if r.reader == nil {
		r.forget()
		return away
	}
	if r.loop { // its other threads are its own business: of V8's some always stir
		r.others = slices.DeleteFunc(r.others, func(w *watched) bool {
			own := w.thread.PID == r.reader.thread.PID
			if own {
				w.thread.Close()
			}
			return own
		})
	}
	return still
}

// gone reports whether a process or thread has ended.
func gone(err error) bool { return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) }

// meet takes the threads of a process, and returns its children.
func (r *rest) meet(pid int) (children []int, err error) {
	stdin, err := procfs.DescriptorsOf(pid, r.pipe)
	if err != nil {
		return nil, err
	}
	tids, err := procfs.Threads(pid)
	if err != nil {
		return nil, err
	}
	for _, tid := range tids {
		thread, err := procfs.OpenThread(pid, tid)
		if err != nil && gone(err) && tid != pid {
			continue
		}
		if err != nil {
			return nil, err
		}
		w := &watched{thread: thread, parent: tid == pid}
		list, _ := thread.Children(r.buf[:]) // it may have ended
		w.children = string(list)
		for _, child := range strings.Fields(w.children) {
			if n, err := strconv.Atoi(child); err == nil {
				children = append(children, n)
				w.parent = true
			}
		}
		if !w.parent {
			thread.CloseChildren()
		}
		if r.reader == nil && r.reads(thread, stdin) {
			r.reader = w
		} else {
			r.others = append(r.others, w)
		}
	}
	return children, nil
}

// reads reports whether a thread waits for one of these descriptors, those of stdin.
func (r *rest) reads(thread *procfs.Thread, stdin []int) bool {
	if len(stdin) == 0 {
		return false
	}
	call, err := thread.Look(r.buf[:])
	if err != nil {
		return false
	}
	switch call.Wait {
	case procfs.Reads:
		r.loop = false
		return slices.Contains(stdin, call.Descriptor)
	case procfs.Epolls:
		r.loop = true
		return procfs.AwaitsInput(thread.PID, call.Descriptor, stdin)
	case procfs.Polls, procfs.Resumes:
		r.loop = true
		return true
	}
	return false
}
