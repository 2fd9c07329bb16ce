package platform

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"fgbootstrap/internal/retry"

	"golang.org/x/sys/unix"
)

// process is one run of a bootstrap, together with everything that it starts.
type process struct {
	cmd    *exec.Cmd
	tree   *tree
	exited chan struct{} // closed when the bootstrap itself has been waited for
	output *output
	killed sync.Mutex // one killer at a time
}

// startProcess runs the bootstrap at path as the platform does: directly, in the parent of the
// code folder, in a process group of its own, with nothing on stdin. One entry of env, marker,
// must not occur in the environment of any unrelated process.
func startProcess(path, dir string, env []string, log *journal, marker string) (*process, error) {
	// Orphans of the function become our children and can be found, killed and reaped.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("become the reaper of orphans: %w", err)
	}
	cmd := exec.Command(path)
	cmd.Dir, cmd.Env = filepath.Dir(dir), env
	// Pdeathsig: a platform that is killed leaves no bootstrap polling a dead address forever. It
	// fires when the thread ends, which only a goroutine that ends while locked to it does.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, w, err := newOutput(log)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = w, w
	err = cmd.Start()
	closeErr := w.Close()
	if err = errors.Join(err, closeErr); err != nil {
		return nil, errors.Join(explainStart(path, err), out.close())
	}
	p := &process{cmd: cmd, output: out, exited: make(chan struct{}), tree: newTree(cmd.Process.Pid, marker)}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // the exit status is in ProcessState
	}()
	return p, nil
}

// explainStart adds what the bare error of execve does not say.
func explainStart(path string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("%w: %s is neither a program for this machine nor a script with a #! line at its top", err, path)
	case errors.Is(err, syscall.ENOENT):
		return fmt.Errorf("%w: the interpreter or loader that %s names is not there (a CRLF after the #! line does this, too)", err, path)
	default:
		return err
	}
}

// terminate asks the bootstrap to end and waits for at most the grace.
func (p *process) terminate(grace time.Duration) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only if it has exited
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-p.exited:
	case <-t.C:
	}
}

// kill ends the whole tree and returns when all of it is gone and its output is in the log.
func (p *process) kill() error {
	p.killed.Lock()
	defer p.killed.Unlock()
	err := p.tree.kill()
	if err == nil {
		<-p.exited
	}
	return errors.Join(err, p.output.close())
}

// how tells how the bootstrap ended; only after exited.
func (p *process) how() string {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.String()
	default:
		return "still running"
	}
}

// memory is what the tree holds now, in bytes.
func (p *process) memory() int64 { return p.tree.memory() }

// flush waits a moment for what the program has written so far to be in the log.
func (p *process) flush() { p.output.flush() }

// output pumps a program's stdout and stderr into the log.
type output struct {
	r    *os.File
	log  *journal
	mu   sync.Mutex // held from reading a piece until it is logged, so that flush can't overtake it
	done chan struct{}
}

func newOutput(log *journal) (*output, *os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("output pipe: %w", err)
	}
	o := &output{r: r, log: log, done: make(chan struct{})}
	go o.pump()
	return o, w, nil
}

func (o *output) pump() {
	defer close(o.done)
	raw, err := o.r.SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 64<<10)
	for {
		n := 0
		err := raw.Read(func(fd uintptr) bool {
			n, err = o.piece(int(fd), buf)
			return !errors.Is(err, syscall.EAGAIN)
		})
		if err != nil || n <= 0 {
			return
		}
	}
}

func (o *output) piece(fd int, buf []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		n, err := syscall.Read(fd, buf)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if n > 0 {
			_, _ = o.log.Write(buf[:n]) // never fails
		}
		return n, err
	}
}

// flush waits until the pipe is empty, for at most 50 ms: a program may write without end.
func (o *output) flush() {
	for range 50 {
		if o.empty() || !retry.Pause(time.Millisecond, o.done) {
			return
		}
	}
}

func (o *output) empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	raw, err := o.r.SyscallConn()
	if err != nil {
		return true
	}
	waiting := 0
	err = raw.Control(func(fd uintptr) { waiting, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	return err != nil || waiting == 0
}

// close waits for the end of the output: with the tree gone it has come, unless a stranger was
// given the pipe.
func (o *output) close() error {
	if retry.Pause(time.Second, o.done) {
		_ = o.r.SetReadDeadline(time.Unix(1, 0))
		<-o.done
	}
	if err := o.r.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
