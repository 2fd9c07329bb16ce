package supervise_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

func TestWorkGoesToTheProgramThatHasLeast(t *testing.T) {
	supervised(t, limits{count: 3, capacity: 2}, nil, func(f *fixture) {
		for n := range 3 {
			f.becomesReady(n)
		}
		// Which slot has which program is up to the scheduler.
		first, second, third := f.supervisor.TryAcquire(), f.supervisor.TryAcquire(), f.supervisor.TryAcquire()
		if first.Instance == second.Instance || second.Instance == third.Instance || third.Instance == first.Instance {
			f.Fatal("a program has two while another has none")
		}
		free := second.Instance
		f.releases(second, true)
		second = f.supervisor.TryAcquire()
		if second.Instance != free {
			f.Error("the work went to a program that has some, not to the one that has none")
		}
		f.releases(first, true)
		f.releases(second, true)
		f.releases(third, true)
	})
}

func TestAProgramTakesNoMoreWorkThanItsCapacity(t *testing.T) {
	supervised(t, limits{capacity: 2}, ready, func(f *fixture) {
		first, second := f.takes(0), f.takes(0)
		f.takesNothing()
		f.releases(first, true)
		third := f.takes(0)
		f.takesNothing()
		f.releases(second, true)
		f.releases(third, true)
	})
}

func TestAcquireWaitsUntilAProgramIsReady(t *testing.T) {
	supervised(t, limits{}, nil, func(f *fixture) {
		result := f.acquiring(time.Hour)
		f.passes(time.Minute)
		f.waits(result)
		f.becomesReady(0)
		f.releases(f.has(result), true)
	})
}

func TestAcquireWaitsUntilWorkIsReleased(t *testing.T) {
	supervised(t, limits{}, ready, func(f *fixture) {
		lease := f.takes(0)
		result := f.acquiring(time.Hour)
		f.passes(time.Minute)
		f.waits(result)
		f.releases(lease, true)
		f.releases(f.has(result), true)
	})
}

func TestEachOfManyWhoWaitHasItsTurn(t *testing.T) {
	supervised(t, limits{capacity: 3}, nil, func(f *fixture) {
		var waiting sync.WaitGroup
		for range 50 {
			waiting.Go(func() {
				lease, err := f.supervisor.Acquire(f.Context())
				if err != nil {
					f.Error(err)
					return
				}
				time.Sleep(time.Second) // of work
				f.supervisor.Release(lease, true)
			})
		}
		f.becomesReady(0)
		began := time.Now()
		waiting.Wait()
		if took := time.Since(began); took != 17*time.Second {
			f.Errorf("it took %s, want 17 s for 50 in threes", took)
		}
	})
}

func TestAcquireEndsWithItsContext(t *testing.T) {
	supervised(t, limits{}, nil, func(f *fixture) {
		got := <-f.acquiring(time.Minute)
		if !errors.Is(got.err, context.DeadlineExceeded) || got.took != time.Minute || got.lease != nil {
			f.Errorf("got %+v", got)
		}
		ctx, cancel := context.WithCancel(f.Context())
		cancel()
		if lease, err := f.supervisor.Acquire(ctx); !errors.Is(err, context.Canceled) || lease != nil {
			f.Errorf("got %v, %v", lease, err)
		}
	})
}

func TestAcquireTakesWhatIsFreeThoughItsContextHasEnded(t *testing.T) {
	supervised(t, limits{}, ready, func(f *fixture) {
		ctx, cancel := context.WithCancel(f.Context())
		cancel()
		lease, err := f.supervisor.Acquire(ctx)
		if err != nil {
			f.Fatal(err)
		}
		f.releases(lease, true)
	})
}

func TestOneWhoGaveUpTakesNothing(t *testing.T) {
	supervised(t, limits{}, nil, func(f *fixture) {
		<-f.acquiring(time.Second)
		f.becomesReady(0)
		f.releases(f.takes(0), true)
	})
}

func TestOfTwoWithoutWorkTheOneThatCanTakeItComesFirst(t *testing.T) {
	supervised(t, limits{count: 2, capacity: 1}, nil, func(f *fixture) {
		f.becomesReady(0)
		f.becomesReady(1)
		one := f.supervisor.TryAcquire()
		f.releases(one, true)
		asked := 0
		for _, busy := range []bool{true, false} {
			first := one.Instance
			f.supervisor.Prefer = func(p *program) bool { asked++; return (p == first) != busy }
			got := f.supervisor.TryAcquire()
			if (got.Instance == first) == busy {
				f.Errorf("with the first busy %v, the work went to the wrong one", busy)
			}
			f.releases(got, true)
		}
		f.supervisor.Prefer = func(*program) bool { return false }
		if got := f.supervisor.TryAcquire(); got == nil {
			f.Error("where none can take it at once, none gets it")
		} else {
			f.releases(got, true)
		}
		if asked == 0 {
			f.Error("nobody was asked")
		}
	})
}
