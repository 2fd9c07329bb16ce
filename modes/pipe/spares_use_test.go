package pipe

import (
	"errors"
	"testing"
	"time"

	"fgbootstrap/adapter"
)

const (
	useless = "WARN A program that was started ahead has ended before an event came. Number "
	theLast = "ERROR A program that was started ahead has ended before an event came. Number "
	cure    = "... BOOTSTRAP_PIPE_SPARES is for programs that read their stdin before they do anything else."
	noMore  = " is gone. It was the 5th useless one in a row: no more programs are started ahead, and each event gets its own program." + cure
)

func TestASpareThatEndsBeforeItsEventIsReplacedAfterAWhile(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.report()
		f.exit(1)
		f.logged(useless + "1 is gone." + cure)
		f.backsOff(1)
		f.waiting(2)
	})
}

func TestTheSparesThatAreLeftServeMeanwhile(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 3}, func(f *fixture) {
		f.report()
		f.exit(2)
		f.logged(useless + "2")
		f.waiting(1, 3)
		if got := f.event(pause/100, 0) + f.event(0, 0); got != 1+3 {
			t.Errorf("got %d", got)
		}
		f.sleep(pause)
		f.waiting(4, 5, 6)
	})
}

func TestAfterFiveOfNoUseThereAreNoSparesAnyMore(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 2}, func(f *fixture) {
		f.report()
		f.exit(1)
		f.logged(useless + "1")
		for n := 1; n < 5; n++ {
			f.backsOff(n)
			f.waiting(n+1, n+2) // the older one has been there all the time
			f.exit(n + 1)
		}
		f.logged(theLast + "5" + noMore)
		f.waiting() // number 6 too is gone
		f.sleep(time.Hour)
		f.report()
		f.event(pause, pause)
		f.sleep(time.Hour)
		f.tried(6)
	})
}

func TestAfterFiveOfNoUseThereAreNoSparesAnyMoreThoughNoneWasMeasured(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 2, MemoryMB: 128}, func(f *fixture) {
		f.script(0, nil, steady(0, 0)) // it never settles
		f.report()
		for range 5 {
			f.spares.failed("It has not read its event.")
			f.sleep(time.Minute)
		}
		f.logged("WARN", "ERROR")
		f.report()
		f.waiting()
		f.tried(1)
	})
}

func TestAfterFiveOfNoUseTheSpareThatIsBeingStartedIsNotKept(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 2}, func(f *fixture) {
		f.report()
		for range 4 {
			f.spares.failed("It has not read its event.")
			f.sleep(time.Minute)
		}
		f.script(time.Second, nil, plan{})
		f.event(pause, 0)
		f.exit(2)
		f.logged("WARN", theLast+"2"+noMore)
		f.sleep(time.Second)
		f.tried(3)
		f.waiting()
	})
}

func TestSparesThatEndTogetherCountAsOne(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 6}, func(f *fixture) {
		f.report()
		all := []int{1, 2, 3, 4, 5, 6}
		for round := range 4 {
			f.waiting(all...)
			f.exit(all[:3]...)
			f.sleep(blink)
			f.exit(all[3:]...)
			if round == 0 {
				if got := f.logs.TakeAll(); len(got) != 1 {
					t.Errorf("logged %v", got)
				}
			}
			f.sleep(time.Second)
			for i := range all {
				all[i] += 6
			}
		}
		f.logged()
		f.waiting(all...)
		f.exit(all[0])
		f.logged(theLast + "25" + noMore)
		f.waiting()
	})
}

// A report must not start the next one while the end of the last is still looked at.
func TestTheBackOffBeginsWithTheEndOfASpare(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 2}, func(f *fixture) {
		f.script(0, nil, plan{Epitaph: 100 * time.Millisecond})
		f.report()
		f.exit(1)
		f.exit(2) // together, though both take longer to look at than the back-off
		f.report()
		f.tried(2)
		f.logged()
		f.sleep(100 * time.Millisecond)
		if got := f.logs.TakeAll(); len(got) != 1 {
			t.Errorf("logged %v", got)
		}
		f.sleep(time.Second)
		f.waiting(3, 4)
		f.exit(3)
		f.backsOff(2)
		f.sleep(100 * time.Millisecond)
	})
}

func TestAServedEventEndsTheRowOfUselessSpares(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.report()
		for round := range 3 {
			for n := 1; n < 5; n++ {
				f.exit(5*round + n)
				f.backsOff(n) // from the beginning in each round
			}
			f.logged(useless)
			p := f.begin(pause)
			f.spares.served()
			p.end()
			f.report()
		}
		f.waiting(16)
	})
}

func TestASpareThatHasNotReadItsEventWasOfNoUse(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.report()
		for n := 1; n <= 5; n++ {
			f.begin(pause).end()
			f.spares.failed("It has not read its event.")
			f.report()
			f.waiting()
			if n < 5 {
				f.backsOff(n)
			}
		}
		f.logged("WARN It has not read its event."+cure, "ERROR It has not read its event. It was the 5th useless one"+cure)
		f.sleep(time.Hour)
		f.tried(5)
		f.spares.failed("It has not read its event.") // one that had its event already
		f.logged()
	})
}

func TestWhereNoSpareCanBeStartedItIsSaidOnceAndTriedAgain(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 2}, func(f *fixture) {
		f.script(0, &adapter.Error{Type: adapter.TypeInit, Message: "There is no file."}, plan{})
		f.report()
		f.logged("WARN starting a program ahead of its event failed: There is no file.")
		f.sleep(20 * time.Second) // more often than five times: nothing ran, so nothing did harm
		f.report()
		f.retried(1, 1)
		f.logged()
		f.script(0, nil, plan{})
		f.sleep(3 * time.Second)
		f.waiting(1, 2)

		f.script(0, errors.New("the program has gone again"), plan{})
		f.event(pause, 0)
		f.logged("WARN starting a program ahead of its event failed: the program has gone again")
		f.waiting(2)
		f.exit(2)
		f.logged() // together with that
	})
}

func TestASpareThatCantBeStartedAtFirstIsTriedAgain(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.script(0, errors.New("no"), plan{})
		f.spares.startOne() // before the first poll
		f.logged("WARN starting a program ahead of its event failed: no")
		f.script(0, nil, plan{})
		f.backsOff(1)
		f.waiting(1)
	})
}

// A second wait that began in the first would go on beside it for ever.
func TestASpareThatCantBeStartedInABackOffBeginsNoOther(t *testing.T) {
	for range 20 { // by the jitter not all tell
		withSpares(t, policy[*fakeSpare]{Wanted: 2}, func(f *fixture) {
			f.report()
			f.script(10*time.Millisecond, errors.New("no"), plan{})
			f.event(pause, 0)
			f.exit(2) // while its successor is being started
			f.logged(useless + "2")
			f.sleep(10 * time.Millisecond)
			f.logged("WARN starting a program ahead of its event failed: no")
			f.script(0, errors.New("no"), plan{})
			f.sleep(20 * time.Second)
			f.retried(4, 2)
		})
	}
}

func TestWithASpareThatHangsThoseAsOldAreReplaced(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 5}, func(f *fixture) {
		f.script(time.Second, nil, plan{Dismiss: grace})
		f.report()
		f.sleep(5 * time.Second)
		p := f.begin(pause) // number 1 hangs
		f.spares.hung(f.number(3).began)
		f.sleep(grace - blink)
		f.waiting(2, 3, 4, 5) // two of them are ending
		f.sleep(blink)
		f.waiting(4, 5)
		p.end()
		if got := f.take().number; got != 4 {
			t.Errorf("the next event got number %d", got)
		}
		f.script(0, nil, plan{})
		f.report()
		f.waiting(5, 6, 7, 8, 9)
		f.logged()
	})
}

func TestAnOldSpareThatIsEndingIsNeitherTakenNorWaitedFor(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.script(0, nil, plan{Dismiss: grace})
		f.report()
		f.spares.hung(time.Now())
		if got := f.take().number; got != 0 {
			t.Errorf("an event got number %d", got)
		}
		f.report()
		if got := f.take().number; got != 2 {
			t.Errorf("an event got number %d", got)
		}
		f.sleep(grace)
	})
}
