package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const grace = 3 * time.Second // between asking and killing; bootstrap gives its programs 2 s

// proc is a program of a run, in a process group of its own.
type proc struct {
	cmd    *exec.Cmd
	stderr *os.File      // a file, so that no reading of ours disturbs the run
	ended  chan struct{} // closed when it has; it is not reaped before stop
	cpu    time.Duration // after stop: see usage.go
}

// startProc starts a program: one that build has put into dir, or with a slash
// in its name any other. stdout may be nil.
func startProc(dir string, cpus int, command, env []string, stdout *os.File) (*proc, error) {
	stderr, err := os.CreateTemp(dir, "stderr-")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(stderr.Name()) // open is enough
	path := command[0]
	if !strings.Contains(path, "/") {
		path = filepath.Join(dir, path)
	}
	cmd := exec.Command(path, command[1:]...)
	// Nothing of the caller's own RUNTIME_ and BOOTSTRAP_ variables.
	cmd.Env = append([]string{"PATH=" + dir + ":" + os.Getenv("PATH"), "HOME=" + dir}, env...)
	cmd.Dir = dir
	cmd.Stderr = stderr
	if stdout != nil {
		cmd.Stdout = stdout
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := adoptOrphans(); err != nil {
		_ = stderr.Close()
		return nil, err
	}
	if err := startPinned(cmd, cpus); err != nil {
		_ = stderr.Close()
		return nil, err
	}
	p := &proc{cmd: cmd, stderr: stderr, ended: make(chan struct{})}
	go p.watch()
	return p, nil
}

// watch notices the end and leaves the zombie: as long as it is there, no other
// group can have its number.
func (p *proc) watch() {
	defer close(p.ended)
	for errors.Is(unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
}

// stop ends the program and all that is left of its group; it returns the last
// lines of stderr.
func (p *proc) stop() (said string) {
	p.signal(unix.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(grace):
	}
	p.signal(unix.SIGKILL)
	<-p.ended
	_ = p.cmd.Wait() // we asked it to end, so how it ended does not matter
	p.cpu = p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime() + reapOrphans(p.cmd.Process.Pid)
	defer func() { _ = p.stderr.Close() }()
	return tail(p.stderr)
}

func (p *proc) signal(s unix.Signal) {
	_ = unix.Kill(-p.cmd.Process.Pid, s) // ESRCH: all have ended
}

func tail(f *os.File) string {
	const most = 2000
	info, err := f.Stat()
	if err != nil {
		return err.Error()
	}
	from := max(info.Size()-most, 0)
	text, err := io.ReadAll(io.NewSectionReader(f, from, most))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(bytes.ToValidUTF8(text, []byte("?"))))
}
