package platform

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"fgbootstrap/internal/retry"

	"golang.org/x/sys/unix"
)

// killPatience is how long a tree may take to die: a process in an uninterruptible wait can't be killed.
const killPatience = 10 * time.Second

// tree finds all processes of an instance: the bootstrap, its descendants, and orphans that we
// have adopted.
//
// An orphan belongs to it if it was seen in the tree before, is in a process group or session
// that a member leads, or has the instance's marker in its environment. Our other children belong
// to other code in this process; they are neither killed nor reaped. A daemon that leaves its
// session and environment between two looks escapes.
type tree struct {
	root   int
	marker []byte

	mu     sync.Mutex
	known  map[int]uint64 // pid -> start time, at the last look
	groups map[int]bool   // process groups and sessions led by members
}

func newTree(root int, marker string) *tree {
	t := &tree{root: root, marker: []byte(marker), known: map[int]uint64{}, groups: map[int]bool{root: true}}
	if p, err := readProc(root); err == nil {
		t.known[root] = p.start
	}
	return t
}

// kill sends SIGKILL until no process is found alive, and reaps adopted zombies. The owner of the
// bootstrap waits for it.
func (t *tree) kill() error {
	for deadline := time.Now().Add(killPatience); ; {
		left, err := t.strike()
		if err != nil || left == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d processes survive SIGKILL", left)
		}
		retry.Pause(time.Millisecond, nil)
	}
}

// strike kills the processes that it sees and counts those that were not dead yet.
func (t *tree) strike() (left int, err error) {
	members, err := t.members()
	if err != nil {
		return 0, err
	}
	for _, p := range members {
		switch {
		case p.state != 'Z':
			left++
			_ = syscall.Kill(p.pid, syscall.SIGKILL) // fails if it has just ended
		case p.ppid == os.Getpid() && p.pid != t.root:
			_, _ = syscall.Wait4(p.pid, nil, syscall.WNOHANG, nil)
		case p.pid != t.root:
			left++ // its parent dies, then it is ours
		}
	}
	return left, nil
}

// memory adds up the resident sets, in bytes.
func (t *tree) memory() int64 {
	members, err := t.members()
	if err != nil {
		return 0
	}
	var pages int64
	for _, p := range members {
		pages += p.rss
	}
	return pages * int64(os.Getpagesize())
}

// members looks once at all processes. A parent may stand behind its child in the list, so it
// goes round until nobody is added.
func (t *tree) members() ([]proc, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var members []proc
	in := make(map[int]uint64)
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if _, counted := in[p.pid]; !counted && t.belongs(p, in) {
				members, grown = append(members, p), true
				in[p.pid] = p.start
			}
		}
	}
	t.remember(members, in)
	return members, nil
}

func (t *tree) belongs(p proc, in map[int]uint64) bool {
	if p.pid == os.Getpid() {
		return false
	}
	if start, ok := t.known[p.pid]; ok && start == p.start {
		return true
	}
	_, child := in[p.ppid]
	return child || t.groups[p.pgrp] || t.groups[p.session] || (p.ppid == os.Getpid() && t.marked(p.pid))
}

// remember keeps what is alive now: the pid of an ended process may be reused by an unrelated
// one.
func (t *tree) remember(members []proc, in map[int]uint64) {
	groups := make(map[int]bool)
	for _, p := range members {
		for _, g := range []int{p.pgrp, p.session} {
			if _, led := in[g]; led || t.groups[g] {
				groups[g] = true
			}
		}
	}
	t.known, t.groups = in, groups
}

func (t *tree) marked(pid int) bool {
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false // it has ended
	}
	for entry := range bytes.SplitSeq(env, []byte{0}) {
		if bytes.Equal(entry, t.marker) {
			return true
		}
	}
	return false
}

// proc is a line of /proc/PID/stat.
type proc struct {
	pid, ppid, pgrp, session int
	state                    byte
	start                    uint64 // clock ticks since boot
	rss                      int64  // pages
}

func processes() ([]proc, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []proc
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, err := readProc(pid); err == nil { // or it has ended meanwhile
			all = append(all, p)
		}
	}
	return all, nil
}

var errStat = errors.New("unexpected format of /proc/PID/stat")

func readProc(pid int) (proc, error) {
	// Not by os.ReadFile: its seven system calls for each process of the machine are most of a look.
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return proc{}, err
	}
	b := make([]byte, 1024) // 52 numbers and a name of 15 letters
	n, err := unix.Read(fd, b)
	_ = unix.Close(fd)
	if err != nil {
		return proc{}, err
	}
	b = b[:n]
	end := bytes.LastIndexByte(b, ')') // the name before it may hold anything
	if end < 0 {
		return proc{}, errStat
	}
	f := bytes.Fields(b[end+1:])
	if len(f) < 22 {
		return proc{}, errStat
	}
	p := proc{pid: pid, state: f[0][0]}
	numbers := []struct {
		field int
		to    *int
	}{{1, &p.ppid}, {2, &p.pgrp}, {3, &p.session}}
	for _, n := range numbers {
		if *n.to, err = strconv.Atoi(string(f[n.field])); err != nil {
			return proc{}, errStat
		}
	}
	if p.start, err = strconv.ParseUint(string(f[19]), 10, 64); err != nil {
		return proc{}, errStat
	}
	if p.rss, err = strconv.ParseInt(string(f[21]), 10, 64); err != nil {
		return proc{}, errStat
	}
	return p, nil
}
