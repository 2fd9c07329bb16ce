package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// controllers are the files where the kernel takes a limit of CPU time: so many microseconds of
// so many.
var controllers = []struct {
	root   string
	limits func(quota, of int) map[string]string // by file
}{
	{"/sys/fs/cgroup/cpu", func(quota, of int) map[string]string {
		return map[string]string{"cpu.cfs_period_us": fmt.Sprint(of), "cpu.cfs_quota_us": fmt.Sprint(quota)}
	}},
	{"/sys/fs/cgroup", func(quota, of int) map[string]string {
		return map[string]string{"cpu.max": fmt.Sprintf("%d %d", quota, of)}
	}},
}

const sharePeriod = 100_000 // microseconds, the kernel's default

// newShare makes a control group that has that part of a CPU's time, and returns its
// folder.
func newShare(part float64) (folder string, err error) {
	for _, c := range controllers {
		if folder, err = os.MkdirTemp(c.root, "fgbootstrap-bench-"); err != nil {
			continue
		}
		for file, value := range c.limits(int(part*sharePeriod), sharePeriod) {
			err = errors.Join(err, limit(filepath.Join(folder, file), value))
		}
		if err == nil {
			return folder, nil
		}
		_ = os.Remove(folder)
	}
	return "", fmt.Errorf("a share of a CPU can't be had (that needs root and cgroups): %w", err)
}

// limit writes to an existing file: if the file is missing, so is the controller.
func limit(file, value string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// sharesWork is why there are no shares here, or nil.
func sharesWork() error {
	folder, err := newShare(smallestPart)
	if err != nil {
		return err
	}
	return os.Remove(folder)
}

// within is a command that runs, with all that it starts, in a control group.
func within(folder string, command []string) []string {
	return append([]string{"/bin/sh", "-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(folder, "cgroup.procs")}, command...)
}

// removeShare waits until all who were in it have ended.
func removeShare(folder string) error {
	for end := time.Now().Add(grace); ; time.Sleep(time.Millisecond) {
		err := os.Remove(folder)
		if err == nil || errors.Is(err, fs.ErrNotExist) || time.Now().After(end) {
			return err
		}
	}
}
