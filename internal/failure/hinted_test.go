package failure_test

import (
	"errors"
	"testing"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/failure"
)

func TestOnlyWhatTheCommandMayHaveCausedGetsTheHint(t *testing.T) {
	plain := errors.New("a plain error")
	for _, test := range []struct {
		err  error
		want string
	}{
		{&adapter.Error{Type: adapter.TypeExit, Message: "It failed."}, "It failed. A hint."},
		{&adapter.Error{Type: adapter.TypeInit, Message: "It failed: why"}, "It failed: why. A hint."},
		{&adapter.Error{Type: adapter.TypeTimeout}, "A hint."},
		{&adapter.Error{Type: adapter.TypeFunction, Message: "Its own."}, "Its own."},
		{&adapter.Error{Type: "Shop.Closed", Message: "Its own."}, "Its own."},
		{&adapter.Error{Type: adapter.TypeTooLarge, Message: "Too large."}, "Too large."},
		{&adapter.Error{Type: adapter.TypeShutdown, Message: "Stopped."}, "Stopped."},
	} {
		h := failure.Hinted{Handler: fails{err: test.err}, Hint: "A hint."}
		for range 2 { // an error may be told to several
			var told *adapter.Error
			if err := h.Invoke(t.Context(), nil, nil); !errors.As(err, &told) || told.Message != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
		}
	}
	for _, err := range []error{nil, plain, adapter.ErrRefused} {
		if got := (failure.Hinted{Handler: fails{err: err}, Hint: "A hint."}).Invoke(t.Context(), nil, nil); !errors.Is(got, err) {
			t.Errorf("got %v, want %v", got, err)
		}
	}
}
