package api_test

import (
	"context"
	"errors"
	"testing"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"
	"fgbootstrap/platform/fgtest"
)

func TestAPollBelongsToTheInstanceOfItsListener(t *testing.T) {
	a, _ := newAPI(t, api.Config{})
	first, second := listen(t, a), listen(t, a)
	if n, m, again := first.Begin(), second.Begin(), first.Begin(); n != 1 || m != 2 || again != 3 {
		t.Errorf("the instances are %d, %d and %d", n, m, again)
	}
	left := fgtest.Invoke(a, api.Event{RequestID: "left"})
	fgtest.Dial(t, first.Addr()).Poll()
	if !first.Busy() || second.Busy() || !first.Served() || second.Served() {
		t.Error("the event is the first listener's")
	}
	right := fgtest.Invoke(a, api.Event{RequestID: "right"})
	w := fgtest.Dial(t, second.Addr())
	w.Poll()
	first.Exited()
	if r := testkit.Await(t, left, "the outcome"); r.Code != api.CodeExited || r.Instance != 3 {
		t.Error(r)
	}
	if first.Busy() || !second.Busy() {
		t.Error("the exit of an instance is its own")
	}
	if r := w.Post("response", "right", "served"); r.Status != 200 {
		t.Error(r)
	}
	if r := testkit.Await(t, right, "the outcome"); string(r.Payload) != "served" || r.Instance != 2 {
		t.Error(r)
	}
	if n := a.Polls(); n != 2 {
		t.Errorf("%d polls", n)
	}
}

func TestAnEventWaitsForWhicheverListenerPolls(t *testing.T) {
	a, _ := newAPI(t, api.Config{})
	listeners := []*api.Listener{listen(t, a), listen(t, a)}
	for i := range 4 {
		l := listeners[i%2]
		w := fgtest.Dial(t, l.Addr())
		w.Send(fgtest.GetEvent)
		testkit.Eventually(t, "it polls", func() bool { return a.Polls() == i+1 })
		done := fgtest.Invoke(a, api.Event{})
		w.Post("response", w.Receive().ID(), "")
		if r := testkit.Await(t, done, "the outcome"); r.Err != nil || r.Failed {
			t.Error(r)
		}
	}
}

func TestAnEventThatNobodyTookExpiresWithEveryInstance(t *testing.T) {
	expired := make(chan int, 3)
	a, _ := newAPI(t, api.Config{LoadTimeout: 1, Expired: func(n int) { expired <- n }}) // the first listener has no instance
	for range 2 {
		listen(t, a).Begin()
	}
	if r := testkit.Await(t, fgtest.Invoke(a, api.Event{}), "the outcome"); r.Code != api.CodeLoadTimeout || r.Instance != 0 {
		t.Error(r)
	}
	for _, want := range []int{0, 1, 2} {
		if n := testkit.Await(t, expired, "the load timeout"); n != want {
			t.Errorf("instance %d, want %d", n, want)
		}
	}
}

func TestAClosedServerDoesNotListen(t *testing.T) {
	a, addr := newAPI(t, api.Config{})
	w := fgtest.Dial(t, addr)
	w.Send(fgtest.GetEvent)
	other := fgtest.Dial(t, listen(t, a).Addr())
	other.Send(fgtest.GetEvent)
	testkit.Eventually(t, "both poll", func() bool { return a.Polls() == 2 })
	if err := errors.Join(a.Close(), a.Close()); err != nil {
		t.Error(err)
	}
	for _, c := range []*fgtest.Wire{w, other} {
		if r := c.Receive(); !fgtest.IsReset(r.Err) {
			t.Error(r)
		}
	}
	if _, err := a.Listen("127.0.0.1:0"); !errors.Is(err, api.ErrClosed) {
		t.Error(err)
	}
	if _, err := a.Invoke(context.Background(), api.Event{}); !errors.Is(err, api.ErrClosed) {
		t.Error(err)
	}
}

func TestAnAddressInUseIsAnError(t *testing.T) {
	a, addr := newAPI(t, api.Config{})
	if l, err := a.Listen(addr); err == nil {
		t.Errorf("it listens at %s twice", l.Addr())
	}
}
