package testkit

import (
	"bytes"
	"os"
	"runtime"
	"testing"
)

// NoLeaks fails the test if it has more goroutines or descriptors at its end than now.
func NoLeaks(t testing.TB) {
	t.Helper()
	goroutines, descriptors := Goroutines(), Descriptors(t)
	t.Cleanup(func() {
		AtMost(t, goroutines, "goroutines", Goroutines)
		AtMost(t, descriptors, "descriptors", func() int { return Descriptors(t) })
	})
}

// Goroutines counts all but the clock of fasthttp, which that starts once and never stops.
func Goroutines() int {
	text := make([]byte, 1<<20)
	text = text[:runtime.Stack(text, true)]
	return bytes.Count(text, []byte("\n\ngoroutine ")) + 1 - bytes.Count(text, []byte("fasthttp.updateServerDate.func"))
}

// Descriptors counts those that this process has open.
func Descriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
