package failure_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
)

// fails is a Handler that does nothing else.
type fails struct {
	adapter.Refusal
	err error
}

func (f fails) Invoke(context.Context, *adapter.Invocation, *adapter.Response) error { return f.err }

func TestAnErrorThatIsALimitOfTheSystemBecomesASentence(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN, syscall.ENOMEM} {
		err := failure.Limited{Handler: fails{err: fmt.Errorf("duplicate a descriptor: %w", errno)}}.Invoke(t.Context(), nil, nil)
		var told *adapter.Error
		if !errors.As(err, &told) || !strings.Contains(told.Message, "BOOTSTRAP_CONCURRENCY") || !errors.Is(err, errno) {
			t.Errorf("%v: got %v", errno, err)
		}
	}
}

func TestAnyOtherErrorStaysAsItIs(t *testing.T) {
	own := &adapter.Error{Type: "Mine", Cause: syscall.EMFILE}
	for _, want := range []error{nil, own, errors.New("another"), syscall.ENOENT, adapter.ErrRefused} {
		if got := (failure.Limited{Handler: fails{err: want}}).Invoke(t.Context(), nil, nil); !errors.Is(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
