package supervise_test

import (
	"testing"
	"time"
)

// closes holds how long Close takes, and that nothing is started then. The fixture sees that
// every program was stopped once.
func (f *fixture) closes(want time.Duration) {
	f.Helper()
	began, starts := time.Now(), len(f.startTimes())
	f.close()
	if took := time.Since(began); took != want {
		f.Errorf("Close took %s, want %s", took, want)
	}
	f.passes(time.Hour)
	f.started(starts)
}

func TestCloseStopsProgramsThatAreIdle(t *testing.T) {
	supervised(t, limits{count: 3}, ready, func(f *fixture) {
		f.releases(f.supervisor.TryAcquire(), true)
		f.closes(0)
		f.logged()
	})
}

func TestCloseStopsAProgramThatIsNotReady(t *testing.T) {
	supervised(t, limits{}, nil, func(f *fixture) {
		f.closes(0)
		f.logged()
	})
}

func TestCloseWaitsForAStartThatIsUnderWay(t *testing.T) {
	slow := func(*program) error { time.Sleep(3 * time.Second); return nil }
	supervised(t, limits{}, slow, func(f *fixture) {
		f.passes(time.Second)
		f.closes(2 * time.Second)
		f.program(0)
	})
}

func TestCloseDoesNotWaitForTheNextStart(t *testing.T) {
	for name, failing := range map[string]func(*program) error{"of none": refused, "of some": endsAtOnce, "of one in service": isReadyThenEnds} {
		t.Run(name, func(t *testing.T) {
			supervised(t, limits{}, failing, func(f *fixture) {
				f.closes(0) // 25 ms at least before the next start
				f.started(2)
			})
		})
	}
}

func TestCloseAfterALostCause(t *testing.T) {
	supervised(t, limits{count: 2}, endsAtOnce, func(f *fixture) {
		f.passes(time.Minute)
		f.closes(0)
	})
}

func TestCloseWaitsForProgramsThatTakeTheirTimeToStop(t *testing.T) {
	supervised(t, limits{count: 3}, ready, func(f *fixture) {
		for n := range 3 {
			f.program(n).stopTakes = time.Duration(n+1) * time.Second
		}
		f.closes(3 * time.Second) // they stop together
	})
}

func TestCloseWaitsForAProgramThatWasRetiredBefore(t *testing.T) {
	supervised(t, limits{}, ready, func(f *fixture) {
		f.program(0).stopTakes = 5 * time.Second
		lease := f.takes(0)
		f.retires(lease, nil, 0)
		f.releases(lease, false)
		f.passes(time.Second)
		f.closes(4 * time.Second)
	})
}

func TestCloseStopsASpentProgramAndItsSuccessor(t *testing.T) {
	supervised(t, limits{limit: 1}, nil, func(f *fixture) {
		f.becomesReady(0)
		f.releases(f.takes(0), true)
		f.started(2)
		f.closes(0)
		f.stopped(0, true)
		f.stopped(1, true)
	})
}

func TestCloseStopsASpentProgramWhoseSuccessorFails(t *testing.T) {
	supervised(t, limits{limit: 1}, ready, func(f *fixture) {
		f.next(refused)
		f.releases(f.takes(0), true)
		f.passes(time.Minute)
		f.closes(0)
		f.stopped(0, true)
	})
}

func TestNothingIsStartedAfterCloseThoughAProgramEndsMeanwhile(t *testing.T) {
	supervised(t, limits{}, ready, func(f *fixture) {
		f.program(0).end(errCrash)
		f.close() // which may come first
		starts := len(f.startTimes())
		f.passes(time.Hour)
		f.started(starts)
	})
}
