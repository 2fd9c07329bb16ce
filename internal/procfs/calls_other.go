//go:build !amd64

package procfs

func oldCallKind(int) (Wait, timeout) { return Works, forEver }

func oldTimeoutOf(int) int { return 0 }
