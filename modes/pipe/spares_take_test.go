package pipe

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnEventGetsTheSpareThatHasWaitedLongest(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 3}, func(f *fixture) {
		f.report()
		f.waiting(1, 2, 3)
		for want := 1; want <= 5; want++ {
			if got := f.event(pause, 0); got != want {
				t.Errorf("event %d got number %d", want, got)
			}
		}
		f.waiting(6, 7, 8)
	})
}

func TestAnEventGetsNoSpareThatHasEnded(t *testing.T) {
	ended, waits, later := &fakeSpare{done: make(chan struct{})}, &fakeSpare{done: make(chan struct{})}, &fakeSpare{done: make(chan struct{})}
	ended.end()
	if p, ok := (queue[*fakeSpare]{ended, waits, later}).oldest(); p != waits || !ok {
		t.Errorf("got %v %t", p, ok)
	}
	if p, ok := (queue[*fakeSpare]{ended}).oldest(); p != nil || ok {
		t.Errorf("got %v %t", p, ok)
	}
}

// Nobody is told of its end before the event asks, if it comes at that very moment.
func TestASpareThatEndsAsItsEventComesIsNotTaken(t *testing.T) {
	for range 100 {
		withSpares(t, policy[*fakeSpare]{Wanted: 2}, func(f *fixture) {
			f.report()
			f.number(1).end() // and no wait
			if got := f.take().number; got != 2 {
				t.Errorf("got number %d", got)
			}
			f.logged("WARN A program that was started ahead has ended before an event came. Number 1 is gone.")
		})
	}
}

func TestAnEventWaitsForTheSpareThatIsBeingStarted(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.script(time.Second, nil, plan{})
		f.report()
		f.sleep(300 * time.Millisecond)
		began := time.Now()
		if got, took := f.take().number, time.Since(began); got != 1 || took != 700*time.Millisecond {
			t.Errorf("got number %d after %s", got, took)
		}
		f.tried(1)
	})
}

// A poll may bring an event in no time after the report.
func TestAnEventWaitsForTheSpareWhoseStartHasJustBegun(t *testing.T) {
	for range 100 {
		withSpares(t, policy[*fakeSpare]{Wanted: 1, Parallel: true}, func(f *fixture) {
			f.script(time.Second, nil, plan{})
			f.spares.reported() // and no wait
			f.spares.reported()
			if got := f.take().number; got != 1 {
				t.Errorf("got number %d", got)
			}
			f.tried(1)
		})
	}
}

func TestAnEventDoesNotWaitForASpareIfOneWaits(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 2}, func(f *fixture) {
		f.script(time.Second, nil, plan{})
		f.report()
		f.sleep(1500 * time.Millisecond) // number 2 is being started
		began := time.Now()
		if got, took := f.take().number, time.Since(began); got != 1 || took != 0 {
			t.Errorf("got number %d after %s", got, took)
		}
	})
}

func TestAnEventGetsNoneAtOnceIfNoSpareIsBeingStarted(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.report()
		f.take()
		began := time.Now()
		if got, took := f.take().number, time.Since(began); got != 0 || took != 0 {
			t.Errorf("got number %d after %s", got, took)
		}
	})
}

func TestOfTwoEventsThatWaitForOneSpareOneGetsIt(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.script(time.Second, nil, plan{})
		f.report()
		began := time.Now()
		got := make(chan int, 2)
		for range 2 {
			go func() { got <- f.take().number }()
		}
		if sum, took := <-got+<-got, time.Since(began); sum != 1 || took != time.Second {
			t.Errorf("got the numbers 0 and %d after %s", sum, took)
		}
	})
}

func TestAnEventGetsNoneIfTheSpareItWaitsForCantBeStarted(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.script(time.Second, errors.New("no"), plan{})
		f.report()
		began := time.Now()
		if got, took := f.take().number, time.Since(began); got != 0 || took != time.Second {
			t.Errorf("got number %d after %s", got, took)
		}
		f.logged("WARN starting a program ahead of its event failed: no")
	})
}

// A spare that ends with an event is the event's concern.
func TestTheEndOfASpareThatHasAnEventIsNoEarlyExit(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.report()
		p := f.begin(pause)
		p.end()
		synctest.Wait()
		f.logged()
		f.report()
		f.waiting(2)
	})
}

func TestWithoutSparesNothingHappens(t *testing.T) {
	for _, parallel := range []bool{false, true} {
		withSpares(t, policy[*fakeSpare]{MemoryMB: 128, Parallel: parallel}, func(f *fixture) {
			for _, waited := range []time.Duration{0, 0, 0, pause} {
				if got := f.event(waited, time.Second); got != 0 {
					t.Errorf("an event got number %d", got)
				}
			}
			f.sleep(time.Hour)
			f.tried(0)
			f.shutdown(0)
		})
	}
}
