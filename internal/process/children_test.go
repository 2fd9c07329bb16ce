package process_test

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"fgbootstrap/internal/process"
	"fgbootstrap/internal/testkit"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// children are the programs that this test binary can be; each returns its exit
// code. What they start themselves has their stdin, stdout and stderr.
var children = map[string]func(args []string) int{
	"echo":        echo,
	"exit":        func(args []string) int { return atoi(args[0]) },
	"hang":        func([]string) int { return hang() },
	"ending":      ending,
	"ignore-term": ignoreTERM,
	"family":      family,
	"orphan":      orphan,
	"adopted":     adopted,
	"stray":       stray,
	"strayed":     strayed,
	"wrapper":     wrapper,
	"sweeper":     sweeper,
	"parent":      parent,
	"inventory":   inventory,
	"hog":         hog,
	"no-proc":     noProc,
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

func hang() int {
	fmt.Println(os.Getpid())
	time.Sleep(time.Hour)
	return 0
}

// ending is a program that the kernel is ending, for a while: its first thread has come to
// its end.
func ending([]string) int {
	ready := make(chan struct{})
	go func() {
		runtime.LockOSThread() // not the first thread, which main_test.go keeps
		fmt.Println("ready")
		close(ready)
		_ = unix.Nanosleep(&unix.Timespec{Sec: 2}, nil)
		unix.Exit(3)
	}()
	<-ready
	_, _, _ = unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
	return 1
}

func echo([]string) int {
	_, _ = io.Copy(os.Stdout, os.Stdin)
	return 0
}

func ignoreTERM([]string) int {
	signal.Ignore(unix.SIGTERM)
	return hang()
}

// spawn starts another child without any care, as programs do.
func spawn(name string, attr *syscall.SysProcAttr) int {
	spec := child(name)
	pid, err := syscall.ForkExec(spec.Path, spec.Args,
		&syscall.ProcAttr{Env: spec.Env, Files: []uintptr{0, 1, 2}, Sys: attr})
	if err != nil {
		panic(err)
	}
	return pid
}

// family leaves two processes that ignore TERM in its group when its stdin ends.
func family([]string) int {
	spawn("ignore-term", nil)
	spawn("ignore-term", nil)
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 3
}

// orphan hangs, and has a grandchild in its group whose parent has ended.
func orphan([]string) int {
	_, _ = syscall.Wait4(spawn("adopted", nil), nil, 0, nil)
	return hang()
}

// adopted leaves an echo behind.
func adopted([]string) int {
	fmt.Println(spawn("echo", nil))
	return 0
}

// stray leaves a daemon that has children of its own, one of them a daemon too.
func stray([]string) int {
	spawn("strayed", &syscall.SysProcAttr{Setsid: true})
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

func strayed([]string) int {
	spawn("hang", nil)
	spawn("ignore-term", &syscall.SysProcAttr{Setsid: true})
	return hang()
}

// wrapper is a script that starts something of its own and then becomes us.
func wrapper([]string) int {
	spawn("echo", nil)
	spec := child("sweeper")
	panic(syscall.Exec(spec.Path, spec.Args, spec.Env))
}

func sweeper([]string) int {
	newReaper().Sweep()
	return hang()
}

func newReaper() *process.Reaper { return process.NewReaper(zap.NewNop()) }

// parent starts a program as we do and hangs.
func parent([]string) int {
	p, err := newReaper().Start(child("hang"))
	if err != nil {
		panic(err)
	}
	buf := make([]byte, 64)
	n, _ := p.Stdout.Read(buf)
	_, _ = os.Stdout.Write(buf[:n])
	time.Sleep(time.Hour)
	return 0
}

// inventory tells what a program gets from us besides its three pipes, and
// whether these block.
func inventory([]string) int {
	for fd := range 256 {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if fd < 3 && (err != nil || flags&unix.O_NONBLOCK != 0) {
			fmt.Println("does not block:", fd, err)
		}
		// What the Go runtime opened for itself is closed on exec.
		if closing, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); fd >= 3 && err == nil && closing&unix.FD_CLOEXEC == 0 {
			fmt.Println("is open:", fd)
		}
	}
	if os.Getpid() != unix.Getpgrp() {
		fmt.Println("leads no group")
	}
	fmt.Println("end")
	return 0
}

// noise writes a line of many bytes to stderr, then says so.
// hog takes memory when it is told to.
func hog([]string) int {
	fmt.Println(os.Getpid())
	_, _ = io.Copy(io.Discard, os.Stdin)
	block := make([]byte, 256<<20)
	for i := 0; i < len(block); i += os.Getpagesize() {
		block[i] = 1
	}
	fmt.Println("there was room")
	return 0
}

// noProc starts, sweeps and ends without /proc.
func noProc([]string) int {
	if _, err := os.Stat("/proc/self"); err == nil {
		fmt.Println("/proc is there")
		return 1
	}
	r := newReaper()
	self := os.Args[0] // os.Executable needs /proc
	p, err := r.Start(process.Spec{Path: self, Args: []string{self, "7"}, Env: testkit.Program("exit")})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	<-p.Done()
	r.Sweep()
	r.Close()
	fmt.Println(p.Status())
	return 0
}
