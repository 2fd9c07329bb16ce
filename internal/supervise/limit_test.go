package supervise_test

import (
	"testing"
	"time"
)

func TestASpentProgramServesUntilItsSuccessorIsReady(t *testing.T) {
	supervised(t, limits{limit: 2}, nil, func(f *fixture) {
		f.becomesReady(0)
		f.releases(f.takes(0), true)
		f.started(1)
		second := f.takes(0)
		f.started(2)
		f.releases(second, true)
		f.passes(time.Minute)
		last := f.takes(0)
		f.becomesReady(1)
		f.stopped(0, false)
		next := f.takes(1)
		f.releases(last, true)
		f.stopped(0, true)
		f.releases(next, true)
		f.logged()
	})
}

func TestASuccessorServesAsLongAsTheOneBefore(t *testing.T) {
	supervised(t, limits{limit: 3}, ready, func(f *fixture) {
		for n := range 10 {
			for range 3 {
				f.releases(f.takes(n), true)
			}
			f.stopped(n, true)
		}
	})
}

func TestWithoutALimitAProgramIsNeverSpent(t *testing.T) {
	supervised(t, limits{}, ready, func(f *fixture) {
		for range 1000 {
			f.releases(f.takes(0), true)
		}
		f.started(1)
	})
}

func TestASpentProgramServesWhileItsSuccessorsFail(t *testing.T) {
	supervised(t, limits{limit: 1}, ready, func(f *fixture) {
		f.next(refused)
		for range 1000 {
			f.releases(f.takes(0), true)
			f.passes(10 * time.Millisecond)
		}
		f.logged("ERROR starting the program failed, retrying: exited with code 7") // and no refusals
	})
}

func TestASpentProgramThatIsRetiredIsMissedUntilItsSuccessorIsReady(t *testing.T) {
	supervised(t, limits{limit: 1}, nil, func(f *fixture) {
		f.becomesReady(0)
		lease := f.takes(0)
		f.retires(lease, errCrash, 0)
		f.releases(lease, false)
		f.stopped(0, true)
		f.started(2)
		result := f.acquiring(time.Hour)
		f.waits(result)
		f.becomesReady(1)
		f.releases(f.has(result), true)
	})
}
