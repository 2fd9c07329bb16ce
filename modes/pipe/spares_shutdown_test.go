package pipe

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

const cantBeKilled = "ERROR programs that were started ahead can't be killed"

func TestAShutdownEndsTheSparesThatWait(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 3}, func(f *fixture) {
		f.script(0, nil, plan{Dismiss: 300 * time.Millisecond})
		f.report()
		f.shutdown(300 * time.Millisecond)
		f.waiting()
		f.report()
		if got := f.take().number; got != 0 {
			t.Errorf("an event got number %d", got)
		}
		f.sleep(time.Hour)
		f.tried(3)
	})
}

func TestAShutdownWaitsForASpareThatIsBeingStarted(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 3}, func(f *fixture) {
		f.script(time.Second, nil, plan{Dismiss: 300 * time.Millisecond})
		f.report()
		f.sleep(500 * time.Millisecond)
		f.shutdown(800 * time.Millisecond)
		f.tried(1)
	})
}

func TestASpareThatCantBeStartedAfterAShutdownIsNotTriedAgain(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.script(time.Second, errors.New("no"), plan{})
		f.report()
		f.shutdown(time.Second)
		f.logged("WARN starting a program ahead of its event failed: no")
		f.sleep(time.Hour)
		f.tried(1)
	})
}

func TestASpareWhoseStartEndsLongAfterAShutdownIsDismissed(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1, MemoryMB: 128}, func(f *fixture) {
		f.script(time.Minute, nil, plan{})
		f.report()
		f.shutdown(grace + time.Second)
		f.logged(cantBeKilled)
		f.sleep(time.Minute)
		if p := f.number(1); !p.ended() || p.cleaned != 1 {
			t.Errorf("it has ended: %t, what it held was given back %d times", p.ended(), p.cleaned)
		}
	})
}

func TestAShutdownDoesNotWaitUntilASpareHasSettled(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1, MemoryMB: 1}, func(f *fixture) {
		f.script(0, nil, plan{Dismiss: 100 * time.Millisecond})
		f.report()
		f.sleep(toSettle - 10*time.Millisecond)
		f.shutdown(100 * time.Millisecond)
		f.sleep(time.Hour) // and nothing is logged
	})
}

func TestAfterAShutdownNobodyHasToKnowWhatASpareTakes(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1, MemoryMB: 1}, func(f *fixture) {
		f.script(0, nil, plan{Peak: 100 * mb})
		f.report()
		for range restless - 1 {
			f.event(pause/10, 0)
		}
		f.script(0, nil, plan{Peak: 100 * mb, Dismiss: time.Second})
		f.shutdown(0)
	})
}

func TestAShutdownDoesNotWaitForTheBackOffOfSpares(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.report()
		f.exit(1)
		f.logged(useless + "1")
		f.shutdown(0)
		f.sleep(time.Hour)
		f.tried(1)
	})
}

// It has a file that is removed after the shutdown.
func TestAShutdownWaitsUntilASpareThatHasEndedIsLookedAt(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.script(0, nil, plan{Epitaph: 100 * time.Millisecond})
		f.report()
		f.exit(1)
		f.shutdown(100 * time.Millisecond)
		f.logged(useless + "1")
	})
}

func TestASpareThatEndsAfterAShutdownIsNotOfNoUse(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 2}, func(f *fixture) {
		f.script(0, nil, plan{Dismiss: time.Second})
		f.report()
		time.AfterFunc(time.Millisecond, func() { f.exit(1, 2) })
		f.shutdown(time.Second)
		f.spares.failed("It has not read its event.") // and neither is one with an event
		f.logged()
	})
}

func TestAtAShutdownSparesHaveTheGraceAndASecondMore(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 2, Grace: 5 * time.Second}, func(f *fixture) {
		f.script(0, nil, plan{Dismiss: 6*time.Second - blink})
		f.report()
		f.shutdown(6*time.Second - blink)
		f.logged()
	})
}

func TestAShutdownSaysIfASpareCantBeKilled(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 2, Grace: 5 * time.Second}, func(f *fixture) {
		f.script(0, nil, plan{Dismiss: time.Hour})
		f.report()
		f.shutdown(6 * time.Second)
		f.logged(cantBeKilled)
		f.waiting(1, 2)
		f.sleep(time.Hour)
		f.waiting()
	})
}

// Whatever comes when: no more wait than are wanted, no event gets one that another had, and
// what each held is given back once.
func TestInAnyOrderOfThingsNoSpareIsLost(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 0))
		withSpares(t, policy[*fakeSpare]{
			Wanted: 1 + random.IntN(4), MemoryMB: random.IntN(2) * 1024, Concurrency: 3, Parallel: random.IntN(2) == 0,
		}, func(f *fixture) {
			var events sync.WaitGroup
			upTo := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) }
			for range 100 {
				var err error
				if random.IntN(10) == 0 {
					err = errors.New("no")
				}
				f.script(upTo(20*time.Millisecond), err, plan{Peak: mb, Dismiss: upTo(grace), Epitaph: upTo(100 * time.Millisecond)})
				switch random.IntN(10) {
				case 0:
					f.spares.hung(time.Now().Add(-upTo(time.Second)))
				case 1:
					f.spares.failed("It was of no use.")
				case 2, 3:
					f.mu.Lock()
					if n := len(f.started); n > 0 {
						f.started[random.IntN(n)].end()
					}
					f.mu.Unlock()
				default:
					waited, takes := upTo(10*time.Millisecond), upTo(100*time.Millisecond)
					events.Go(func() {
						p := f.take()
						f.spares.begun(waited)
						time.Sleep(takes)
						p.mu.Lock()
						ended := p.ended()
						p.mu.Unlock()
						if !ended && p.number > 0 {
							f.spares.served()
						}
						p.end()
						f.spares.reported()
					})
				}
				f.spares.mu.Lock()
				if n := len(f.spares.waiting); n > f.spares.policy.Wanted {
					t.Errorf("%d wait", n)
				}
				f.spares.mu.Unlock()
				f.sleep(upTo(100 * time.Millisecond))
			}
			events.Wait()
			f.shutdownWithin(grace + 100*time.Millisecond)
			f.logs.TakeAll()
		})
	}
}

// shutdownWithin ends the spares, and holds how long that takes at most.
func (f *fixture) shutdownWithin(most time.Duration) {
	f.t.Helper()
	began := time.Now()
	f.spares.shutdown()
	if took := time.Since(began); took > most {
		f.t.Errorf("the shutdown took %s", took)
	}
}
