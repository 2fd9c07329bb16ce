package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// machine is where it was measured.
type machine struct {
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
}

func thisMachine() machine {
	m := machine{CPU: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()}
	var system unix.Utsname
	if err := unix.Uname(&system); err == nil {
		m.Kernel = unix.ByteSliceToString(system.Sysname[:]) + " " + unix.ByteSliceToString(system.Release[:])
	}
	if model := cpuModel(); model != "" {
		m.CPU = model
	}
	return m
}

// cpuModel is what the kernel calls the CPU; not on every architecture it does.
func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range bytes.Lines(text) {
		if name, value, found := bytes.Cut(line, []byte(":")); found && string(bytes.TrimSpace(name)) == "model name" {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

func (m machine) String() string {
	return fmt.Sprintf("%s, CPUs: %d, %s, %s", m.CPU, m.CPUs, m.Kernel, m.Go)
}
