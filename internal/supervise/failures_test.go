package supervise_test

import (
	"errors"
	"testing"
	"time"
)

func TestStartsAfterFailuresInARowKeepThePaceOfTheBackOff(t *testing.T) {
	for name, failing := range map[string]func(*program) error{
		"of starts":          refused,
		"before it is ready": endsAtOnce,
		"after it was ready": isReadyThenEnds, // which is no success yet
	} {
		t.Run(name, func(t *testing.T) {
			supervised(t, limits{}, failing, func(f *fixture) {
				f.passes(time.Minute)
				starts := f.startTimes()
				f.backedOff(starts[0], starts[1:])
			})
		})
	}
}

// Or many instances of a function would start theirs at the same moment.
func TestTheBackOffHasJitter(t *testing.T) {
	supervised(t, limits{count: 10}, refused, func(f *fixture) {
		f.passes(time.Minute)
		seen := map[time.Time]bool{}
		for _, at := range f.startTimes()[20:] { // the first two of each come at once
			seen[at] = true
		}
		if all := len(f.startTimes()) - 20; len(seen) < all/2 {
			f.Errorf("%d starts come at %d times", all, len(seen))
		}
	})
}

func TestWorkThatIsDoneResetsTheBackOff(t *testing.T) {
	supervised(t, limits{}, refused, func(f *fixture) {
		f.passes(time.Minute)
		f.next(ready)
		f.passes(4 * time.Second)
		f.releases(f.takes(0), true)
		before, ended := len(f.startTimes()), time.Now()
		f.next(refused)
		f.ends(0, errCrash)
		f.passes(time.Minute)
		f.backedOff(ended, f.startTimes()[before:])
	})
}

func TestWorkThatIsNotDoneDoesNotResetTheBackOff(t *testing.T) {
	supervised(t, limits{}, refused, func(f *fixture) {
		f.passes(time.Minute)
		f.next(ready)
		f.passes(4 * time.Second)
		f.releases(f.takes(0), false)
		before, ended := len(f.startTimes()), time.Now()
		f.ends(0, errCrash)
		f.passes(time.Minute)
		f.holds(f.startTimes()[before].Sub(ended), 2*time.Second)
	})
}

func TestWorkThatAnOldProgramHasDoneDoesNotResetTheBackOffOfItsSuccessor(t *testing.T) {
	supervised(t, limits{limit: 1}, ready, func(f *fixture) {
		f.next(refused)
		for range 3000 {
			f.releases(f.takes(0), true)
			f.passes(10 * time.Millisecond)
		}
		starts := f.startTimes()[1:] // without the old one's
		f.backedOff(starts[0], starts[1:])
	})
}

func TestWorkWaitsWhileFewerThanFiveStartsInARowHaveFailed(t *testing.T) {
	supervised(t, limits{}, nil, func(f *fixture) {
		result := f.acquiring(time.Hour)
		for n := range 4 {
			f.ends(n, errCrash)
			f.passes(time.Second)
			f.waits(result)
		}
		f.ends(4, errCrash)
		got := <-result
		if got.err == nil || got.err.Error() != "failed 5 times in a row: exited with code 7" || !errors.Is(got.err, errCrash) || got.lease != nil {
			f.Errorf("got %+v", got)
		}
	})
}

func TestALostCauseIsRefusedWithItsLastReasonUntilAProgramIsReady(t *testing.T) {
	supervised(t, limits{}, nil, func(f *fixture) {
		for n := range 6 {
			f.ends(n, errCrash)
			f.passes(4 * time.Second)
		}
		last := errors.New("exited with code 8")
		f.ends(6, last)
		f.refuses(7, last) // between starts
		f.passes(4 * time.Second)
		f.started(8)
		f.refuses(7, last) // while one is starting
		f.takesNothing()
		f.becomesReady(7)
		f.releases(f.takes(7), true)
		f.logged(
			"ERROR starting the program failed, retrying: exited with code 7",
			"ERROR the program fails again and again: events are refused while it is down",
			"ERROR starting the program failed, retrying: exited with code 8",
			"INFO the program works again",
		)
		again := f.logs.FilterMessage("the program works again").All()[0].ContextMap()
		if again["failures"] != int64(7) {
			f.Errorf("it worked again after %v failures", again["failures"])
		}
	})
}

func TestWorkWaitsForAProgramThatIsBusyHoweverOftenItHasFailed(t *testing.T) {
	supervised(t, limits{}, endsAtOnce, func(f *fixture) {
		f.passes(time.Minute)
		f.next(ready)
		f.passes(4 * time.Second)
		lease := f.takes(len(f.startTimes()) - 1)
		result := f.acquiring(time.Hour)
		f.waits(result)
		f.releases(lease, true)
		f.releases(f.has(result), true)
	})
}

func TestAfterARecoveryWorkWaitsForTheNextStart(t *testing.T) {
	supervised(t, limits{}, endsAtOnce, func(f *fixture) {
		f.passes(time.Minute)
		f.next(ready)
		f.passes(4 * time.Second)
		n := len(f.startTimes()) - 1
		f.releases(f.takes(n), true)
		f.next(nil)
		f.ends(n, errCrash)
		result := f.acquiring(time.Hour)
		f.waits(result)
		f.becomesReady(n + 1)
		f.releases(f.has(result), true)
	})
}

// It has failed again, without a success in between.
func TestAProgramThatIsReadyButDiesInItsWorkIsALostCauseToo(t *testing.T) {
	supervised(t, limits{}, ready, func(f *fixture) {
		for n := range 5 {
			lease := f.takes(n)
			if n == 4 {
				f.next(nil)
			}
			f.ends(n, errCrash)
			f.releases(lease, false)
			f.passes(4 * time.Second)
		}
		f.refuses(5, errCrash)
		f.logged("ERROR the program fails again and again: events are refused while it is down")
	})
}

func TestWorkIsRefusedOnlyIfAllSlotsAreLost(t *testing.T) {
	supervised(t, limits{count: 2}, nil, func(f *fixture) {
		survivor := f.program(1)
		f.next(refused)
		f.ends(0, errCrash)
		f.passes(time.Minute)
		result := f.acquiring(time.Hour)
		f.waits(result)
		f.becomes(func() { survivor.end(errCrash) })
		f.passes(time.Minute)
		if got := <-result; !errors.Is(got.err, errCrash) {
			f.Errorf("got %+v", got)
		}
	})
}

func TestTheLogHasALineForEachChangeAndNotForEachFailure(t *testing.T) {
	reasons := []string{"no database", "no database", "no disk", "no disk", "no disk", "no database", "no database"}
	times := 0
	failing := func(*program) error {
		times++
		return errors.New(reasons[min(times, len(reasons))-1])
	}
	supervised(t, limits{}, failing, func(f *fixture) {
		f.passes(time.Minute)
		f.logged(
			"ERROR starting the program failed, retrying: no database",
			"ERROR starting the program failed, retrying: no disk",
			"ERROR the program fails again and again: events are refused while it is down",
			"ERROR starting the program failed, retrying: no database",
		)
	})
}

func TestTheLogSaysTheSameAgainAfterARecovery(t *testing.T) {
	supervised(t, limits{}, ready, func(f *fixture) {
		for n := range 2 {
			f.ends(n, errCrash)
			f.releases(f.takes(n+1), true)
		}
		f.logged(
			"ERROR the program exited while idle, restarting: exited with code 7", "INFO the program works again",
			"ERROR the program exited while idle, restarting: exited with code 7", "INFO the program works again",
		)
	})
}

func TestARecoveryFromWhatWasNotLoggedIsNotLogged(t *testing.T) {
	supervised(t, limits{}, ready, func(f *fixture) {
		lease := f.takes(0)
		f.ends(0, errCrash)
		f.releases(lease, false)
		f.releases(f.takes(1), true)
		f.lastFailure(nil)
		f.logged()
	})
}
