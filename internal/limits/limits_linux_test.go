package limits_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"fgbootstrap/internal/limits"

	"golang.org/x/sys/unix"
)

func TestTheLimitIsTheOneThatReallyIs(t *testing.T) {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &before) }()
	for _, most := range []uint64{77, 99} {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: most, Max: before.Max}); err != nil {
			t.Fatal(err)
		}
		if got := limits.Met(syscall.EMFILE); !strings.Contains(got, fmt.Sprintf("this process may have %d at once (RLIMIT_NOFILE).", most)) {
			t.Errorf("with %d: %s", most, got)
		}
	}
}
