package main

import (
	"fmt"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// startPinned starts cmd on the last n of the CPUs that we may use (of fewer, on
// all): the first one is where most machines handle their interrupts.
//
// A child has the CPUs of the thread that forks it, so that Go programs already
// see them when they size their scheduler.
func startPinned(cmd *exec.Cmd, n int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return fmt.Errorf("ask for our CPUs: %w", err)
	}
	few := lastOf(all, n)
	if err := unix.SchedSetaffinity(0, &few); err != nil {
		return fmt.Errorf("pin to %d CPUs: %w", n, err)
	}
	err := cmd.Start()
	if undo := unix.SchedSetaffinity(0, &all); undo != nil {
		return fmt.Errorf("take back our CPUs: %w", undo)
	}
	return err
}

func lastOf(all unix.CPUSet, n int) (few unix.CPUSet) {
	for cpu := len(all)*64 - 1; cpu >= 0 && n > 0; cpu-- {
		if all.IsSet(cpu) {
			few.Set(cpu)
			n--
		}
	}
	return few
}
