package supervise_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestAProgramTakesNoWorkBeforeItIsReady(t *testing.T) {
	supervised(t, limits{}, nil, func(f *fixture) {
		f.started(1)
		f.takesNothing()
		f.becomesReady(0)
		f.releases(f.takes(0), true)
		f.logged()
	})
}

func TestEachSlotHasAProgramOfItsOwn(t *testing.T) {
	supervised(t, limits{count: 3}, nil, func(f *fixture) {
		f.started(3)
		f.becomesReady(1)
		one := f.takes(1)
		f.takesNothing()
		f.becomesReady(2)
		two := f.takes(2)
		f.releases(one, true)
		f.releases(two, true)
	})
}

func TestAStartThatFailsIsLoggedAndRepeatedAtOnce(t *testing.T) {
	times := 0
	failsOnce := func(*program) error {
		if times++; times == 1 {
			return errCrash
		}
		return nil
	}
	supervised(t, limits{}, failsOnce, func(f *fixture) {
		f.started(2)
		f.lastFailure(errCrash)
		f.logged("ERROR starting the program failed, retrying: exited with code 7")
	})
}

func TestAProgramThatEndsBeforeItIsReadyIsStoppedAndReplaced(t *testing.T) {
	supervised(t, limits{}, nil, func(f *fixture) {
		f.ends(0, errCrash)
		f.stopped(0, true)
		f.started(2)
		f.takesNothing()
		f.lastFailure(errCrash)
		f.logged("ERROR starting the program failed, retrying: exited with code 7")
	})
}

func TestAProgramThatIsNotReadyAfter300SecondsIsReplaced(t *testing.T) {
	supervised(t, limits{}, nil, func(f *fixture) {
		f.passes(300*time.Second - 1)
		f.started(1)
		f.stopped(0, false)
		f.passes(1)
		f.stopped(0, true)
		f.started(2)
		f.logged("ERROR starting the program failed, retrying: the program was not ready after 5m0s")
	})
}

func TestAProgramThatIsReadyLateIsNotReplaced(t *testing.T) {
	supervised(t, limits{}, nil, func(f *fixture) {
		f.passes(300*time.Second - 1)
		f.becomesReady(0)
		f.passes(time.Hour)
		f.started(1)
		f.releases(f.takes(0), true)
	})
}

// settling begins a Settle, which closes the channel.
func settling(f *fixture, ctx context.Context) <-chan struct{} {
	settled := make(chan struct{})
	go func() { // ends with ctx at the latest
		f.supervisor.Settle(ctx)
		close(settled)
	}()
	synctest.Wait()
	return settled
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestSettleWaitsUntilEachProgramIsReadyOrHasFailedOnce(t *testing.T) {
	supervised(t, limits{count: 3}, nil, func(f *fixture) {
		settled := settling(f, f.Context())
		f.becomesReady(2)
		f.ends(1, errCrash) // its successor, number 3, is not waited for
		f.passes(time.Second)
		if isClosed(settled) {
			f.Error("Settle did not wait for the first program")
		}
		f.becomesReady(0)
		if !isClosed(settled) {
			f.Error("Settle still waits")
		}
		f.started(4)
	})
}

func TestSettleCountsAStartThatFails(t *testing.T) {
	supervised(t, limits{}, refused, func(f *fixture) {
		if !isClosed(settling(f, f.Context())) {
			f.Error("Settle still waits")
		}
	})
}

func TestSettleEndsWithItsContext(t *testing.T) {
	supervised(t, limits{}, nil, func(f *fixture) {
		ctx, cancel := context.WithTimeout(f.Context(), time.Second)
		defer cancel()
		settled := settling(f, ctx)
		f.passes(time.Second - 1)
		if isClosed(settled) {
			f.Error("Settle ended before its context")
		}
		f.passes(1)
		if !isClosed(settled) {
			f.Error("Settle still waits")
		}
	})
}

func TestWaitingNamesAProgramThatIsStarting(t *testing.T) {
	supervised(t, limits{}, nil, func(f *fixture) {
		starting, reason := f.supervisor.Waiting()
		if starting != f.program(0) || reason != nil {
			f.Errorf("got %p, %v", starting, reason)
		}
		f.becomesReady(0)
		if starting, _ := f.supervisor.Waiting(); starting != nil {
			f.Error("a program that is ready is said to be starting")
		}
	})
}

func TestWaitingNamesNoProgramBetweenTwoStarts(t *testing.T) {
	for name, failing := range map[string]func(*program) error{"of none": refused, "of some": endsAtOnce} {
		t.Run(name, func(t *testing.T) {
			supervised(t, limits{}, ready, func(f *fixture) {
				f.next(failing)
				f.ends(0, errCrash)
				if starting, reason := f.supervisor.Waiting(); starting != nil || !errors.Is(reason, errCrash) {
					f.Errorf("got %p, %v", starting, reason)
				}
			})
		})
	}
}

func TestWaitingNamesNoSuccessorOfAProgramInService(t *testing.T) {
	supervised(t, limits{limit: 1}, nil, func(f *fixture) {
		f.becomesReady(0)
		lease := f.takes(0)
		f.started(2)
		if starting, _ := f.supervisor.Waiting(); starting != nil {
			f.Error("nobody waits for the successor")
		}
		f.releases(lease, true)
	})
}

func TestWaitingForgetsAFailureWhenWorkSucceeds(t *testing.T) {
	supervised(t, limits{}, nil, func(f *fixture) {
		f.ends(0, errCrash)
		f.becomesReady(1)
		f.lastFailure(errCrash)
		f.releases(f.takes(1), true)
		f.lastFailure(nil)
	})
}

func TestWaitingHasTheFailureOfAnySlot(t *testing.T) {
	supervised(t, limits{count: 2}, nil, func(f *fixture) {
		f.ends(0, errCrash)
		f.lastFailure(errCrash)
		f.becomesReady(2)
		f.releases(f.takes(2), true)
		f.lastFailure(nil)
		f.ends(1, errCrash)
		f.lastFailure(errCrash)
	})
}
