// Package testkit is the harness that tests share: waiting for what must happen, programs
// that a test can't do without, programs that the test binary itself is, what is left behind,
// files and logs. It knows nothing of the product or of the platform, and only tests import it.
package testkit

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
)

// Patience is how long a test waits for what must happen. Only a failure takes that long.
const Patience = 60 * time.Second

// Eventually asks until the answer is yes, and fails the test if Patience is over before.
func Eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s\n%s", what, stacks())
		}
	}
}

// AtMost waits until count is at most limit, and fails the test if Patience is over before.
func AtMost(t testing.TB, limit int, what string, count func() int) {
	t.Helper()
	n := count()
	for end := time.Now().Add(Patience); n > limit; n = count() {
		if time.Now().After(end) {
			t.Fatalf("%d %s, want at most %d\n%s", n, what, limit, stacks())
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// Await returns the next value of a channel, or the zero value once it is closed. It fails the
// test if Patience is over before.
func Await[T any](t testing.TB, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(Patience):
		t.Fatalf("waited in vain for %s\n%s", what, stacks())
	}
	return v
}

// SoonerOrLater fails the test unless one of five tries holds. It is for what must be done in
// time: a busy machine is late, but not always. It is not for what must never happen.
func SoonerOrLater(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for range 5 {
		if holds() {
			return
		}
	}
	t.Errorf("not once in five tries: %s", what)
}

// Need returns the path of a program that a test can't do without. If it is missing, the test is
// skipped; with CI=true it fails, because CI installs what tests need.
func Need(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is not installed, and CI has to install it", program)
	default:
		t.Skipf("%s is not installed", program)
	}
	return ""
}

// stacks returns what all goroutines are doing.
func stacks() []byte {
	text := make([]byte, 1<<16)
	return text[:runtime.Stack(text, true)]
}
