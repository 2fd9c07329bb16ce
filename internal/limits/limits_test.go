package limits_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"fgbootstrap/internal/limits"
)

func TestALimitThatWasMetIsNamedWithWhatToDo(t *testing.T) {
	for errno, want := range map[syscall.Errno][]string{
		syscall.EMFILE: {"Too many files are open (EMFILE)", "BOOTSTRAP_CONCURRENCY", "ulimit -n"},
		syscall.ENFILE: {"too many open files (ENFILE)", "BOOTSTRAP_CONCURRENCY"},
		syscall.EAGAIN: {"too many processes (EAGAIN)", "BOOTSTRAP_CONCURRENCY"},
		syscall.ENOMEM: {"no memory left (ENOMEM)", "Raise the function's memory"},
	} {
		for _, err := range []error{
			errno, fmt.Errorf("open a pipe: %w", errno), &os.PathError{Op: "open", Path: "/tmp", Err: errno}, os.NewSyscallError("socket", errno),
		} {
			got := limits.Met(err)
			for _, text := range append(want, ".") {
				if !strings.Contains(got, text) {
					t.Errorf("%v: %q does not say %q", err, got, text)
				}
			}
			if strings.Contains(got, "%!") || strings.Contains(got, "  ") {
				t.Errorf("%v: %q", err, got)
			}
		}
	}
}

func TestAnyOtherErrorIsNoLimit(t *testing.T) {
	for _, err := range []error{nil, errors.New("too many open files"), syscall.ENOENT, syscall.EACCES, os.ErrDeadlineExceeded} {
		if got := limits.Met(err); got != "" {
			t.Errorf("%v: %q", err, got)
		}
	}
}
