//go:build !linux

package limits

// Where no function runs, its limits can't be read.

func openFiles() []string { return nil }

func addressSpace() []string { return nil }

func processes() []string { return nil }

func systemFiles() []string { return nil }
