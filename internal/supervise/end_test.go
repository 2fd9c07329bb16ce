package supervise_test

import (
	"errors"
	"testing"
	"time"
)

func TestAProgramThatEndsWhileIdleIsLoggedStoppedAndReplacedAtOnce(t *testing.T) {
	supervised(t, limits{}, ready, func(f *fixture) {
		f.releases(f.takes(0), true)
		f.ends(0, errCrash)
		f.stopped(0, true)
		f.started(2)
		f.releases(f.takes(1), true)
		f.logged("ERROR the program exited while idle, restarting: exited with code 7", "INFO the program works again")
	})
}

// Whoever has the work reports it.
func TestAProgramThatEndsWithWorkIsNotLoggedAndStoppedWhenTheWorkIsReleased(t *testing.T) {
	supervised(t, limits{}, ready, func(f *fixture) {
		lease := f.takes(0)
		f.ends(0, errCrash)
		f.lastFailure(errCrash)
		f.stopped(0, false)
		f.started(2)
		next := f.takes(1)
		f.releases(lease, false)
		f.stopped(0, true)
		f.releases(next, true)
		f.logged()
	})
}

func TestAProgramThatEndsAfterItFailedWorkIsNotLogged(t *testing.T) {
	supervised(t, limits{}, ready, func(f *fixture) {
		f.releases(f.takes(0), false)
		f.ends(0, errCrash)
		f.lastFailure(errCrash)
		f.started(2)
		f.logged()
	})
}

func TestAProgramThatHasEndedTakesNoWorkThoughItsSuccessorIsAwaited(t *testing.T) {
	supervised(t, limits{limit: 1}, nil, func(f *fixture) {
		f.becomesReady(0)
		f.releases(f.takes(0), true) // from here on the successor is awaited
		f.ends(0, errCrash)
		f.takesNothing()
		f.stopped(0, true)
		f.becomesReady(1)
		f.releases(f.takes(1), true)
	})
}

// Its successor is started anyway, and nobody has missed it.
func TestTheEndOfAProgramWhoseSuccessorIsAwaitedIsNoFailure(t *testing.T) {
	supervised(t, limits{limit: 1}, nil, func(f *fixture) {
		f.becomesReady(0)
		f.releases(f.takes(0), true)
		f.ends(0, errCrash)
		f.takesNothing()
		f.lastFailure(nil)
		f.logged()
	})
}

func TestAProgramThatIsRetiredTakesNoWorkAndIsReplacedAtOnce(t *testing.T) {
	supervised(t, limits{capacity: 5}, ready, func(f *fixture) {
		lease := f.takes(0)
		f.retires(lease, nil, 0)
		f.started(2)
		f.stopped(0, false)
		next := f.takes(1)
		f.releases(lease, false)
		f.stopped(0, true)
		f.releases(next, true)
		f.logged()
	})
}

func TestRetirementWithoutACauseIsNoFailure(t *testing.T) {
	supervised(t, limits{}, ready, func(f *fixture) {
		for n := range 20 {
			lease := f.takes(n) // so the next is there at once
			f.retires(lease, nil, 0)
			f.releases(lease, false)
			f.lastFailure(nil)
		}
		f.logged()
	})
}

func TestRetirementWithACauseIsAFailureThatItsOwnerReports(t *testing.T) {
	supervised(t, limits{}, ready, func(f *fixture) {
		cause := errors.New("broke its protocol")
		lease := f.takes(0)
		f.retires(lease, cause, 0)
		f.lastFailure(cause)
		f.releases(lease, false)
		f.started(2)
		f.logged()
	})
}

func TestARetiredProgramKeepsTheWorkOfOthersToItsEnd(t *testing.T) {
	supervised(t, limits{capacity: 3}, ready, func(f *fixture) {
		mine, yours, theirs := f.takes(0), f.takes(0), f.takes(0)
		f.retires(mine, errCrash, 2)
		f.releases(mine, false)
		f.stopped(0, false)
		f.releases(yours, true)
		f.stopped(0, false)
		f.releases(theirs, true)
		f.stopped(0, true)
	})
}

func TestWhoRetiresAProgramThatOthersHaveRetiredDoesNotCountThem(t *testing.T) {
	supervised(t, limits{capacity: 3}, ready, func(f *fixture) {
		mine, yours, theirs := f.takes(0), f.takes(0), f.takes(0)
		f.retires(mine, errCrash, 2)
		f.retires(yours, errors.New("a later cause"), 1)
		f.lastFailure(errCrash)
		f.retires(theirs, nil, 0)
		f.started(2) // one successor for the three of them
		f.releases(mine, false)
		f.releases(yours, false)
		f.stopped(0, false)
		f.releases(theirs, false)
		f.stopped(0, true)
		f.lastFailure(errCrash)
	})
}

// The supervisor has not noticed the retirement before the work is released.
func TestARetirementThatIsFollowedByTheReleaseIsNotLogged(t *testing.T) {
	supervised(t, limits{}, ready, func(f *fixture) {
		for n := range 50 {
			lease := f.takes(n)
			f.supervisor.Retire(lease, errCrash)
			f.releases(lease, true)
			f.lastFailure(errCrash)
		}
		f.logged()
	})
}

func TestTheFirstOfTwoCausesIsTheFailure(t *testing.T) {
	supervised(t, limits{capacity: 2}, ready, func(f *fixture) {
		for n := range 50 {
			mine, yours := f.takes(n), f.takes(n)
			f.supervisor.Retire(mine, errCrash)
			f.supervisor.Retire(yours, errors.New("a later cause"))
			f.releases(mine, false)
			f.releases(yours, false)
			f.lastFailure(errCrash)
			f.passes(4 * time.Second)
		}
	})
}

func TestAProgramThatIsRetiredAfterItsEndIsStoppedOnce(t *testing.T) {
	supervised(t, limits{}, ready, func(f *fixture) {
		lease := f.takes(0)
		f.ends(0, errCrash)
		f.retires(lease, errors.New("a later cause"), 0)
		f.lastFailure(errCrash)
		f.releases(lease, false) // the fixture counts the stops
		f.started(2)
	})
}

func TestTheEndOfOneProgramLeavesTheOthersAlone(t *testing.T) {
	supervised(t, limits{count: 2}, ready, func(f *fixture) {
		f.next(refused)
		f.ends(0, errCrash)
		lease := f.takes(1)
		result := f.acquiring(time.Hour)
		f.passes(time.Minute)
		f.waits(result) // for one that works: that one slot fails is no lost cause
		f.releases(lease, true)
		f.releases(f.has(result), true)
		f.stopped(1, false)
	})
}
