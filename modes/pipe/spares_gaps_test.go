package pipe

import (
	"testing"
	"time"
)

func TestNoSpareIsStartedBeforeAReport(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 2}, func(f *fixture) {
		f.sleep(time.Hour)
		f.tried(0)
		f.report()
		f.waiting(1, 2)
	})
}

func TestASpareIsReplacedAfterTheReportAndNotDuringTheEvent(t *testing.T) {
	for _, parallel := range []bool{false, true} {
		withSpares(t, policy[*fakeSpare]{Wanted: 1, Parallel: parallel}, func(f *fixture) {
			f.report()
			for n := 1; n < 4; n++ {
				p := f.begin(atOnce) // that is a gap
				f.sleep(time.Minute)
				f.tried(n)
				p.end()
				f.tried(n)
				f.report()
				f.waiting(n + 1)
			}
		})
	}
}

func TestSparesAreStartedOneAfterAnotherAndNoMoreThanWanted(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 3}, func(f *fixture) {
		f.script(time.Second, nil, plan{})
		for n := range 3 {
			f.report() // of those that come while somebody is at it nothing comes
			f.report()
			f.tried(n + 1)
			f.sleep(time.Second)
		}
		f.waiting(1, 2, 3)
		f.report()
		f.sleep(time.Hour)
		f.tried(3)
	})
}

func TestOnOneCPUNoSpareIsStartedBetweenEventsBackToBack(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.report()
		f.begin(0).end()
		f.report()
		for range 10 {
			if got := f.event(atOnce-blink, time.Second); got != 0 {
				t.Errorf("an event got number %d", got)
			}
			f.tried(1)
		}
	})
}

func TestOnOneCPUASpareIsStartedAfter5MillisecondsWithoutAnEvent(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.report()
		f.event(0, time.Second)
		f.sleep(5*time.Millisecond - blink)
		f.tried(1)
		f.sleep(blink)
		f.waiting(2)
	})
}

func TestOnOneCPUTheFirstEventAfterAGapHasItsSpareReplacedAtOnce(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.report()
		f.event(0, time.Second)
		f.event(0, time.Second)
		f.tried(1)
		if got := f.event(atOnce+blink, time.Second); got != 2 {
			t.Errorf("the event after the gap got number %d", got)
		}
		f.waiting(3)
	})
}

// The gap that an event has ended starts none while it is served.
func TestOnOneCPUNoSpareIsStartedByAGapThatAnEventHasEnded(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.report()
		f.event(0, time.Second)
		f.begin(4 * time.Millisecond)
		f.sleep(time.Hour)
		f.tried(1)
	})
}

func TestWithMoreCPUsASpareIsStartedBesideTheSecondEventBackToBack(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 3, Parallel: true}, func(f *fixture) {
		f.report()
		for range 2 {
			first := f.begin(0)
			f.waiting(first.number+1, first.number+2)
			second := f.begin(atOnce - blink)
			f.waiting(second.number+1, second.number+2, second.number+3)
			third := f.begin(atOnce) // a gap
			f.waiting(third.number+1, third.number+2)
			f.report()
		}
		f.tried(9)
	})
}

func TestWithMoreCPUsASpareIsStartedAfterEachReport(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1, Parallel: true}, func(f *fixture) {
		f.report()
		f.event(0, time.Second)
		f.waiting(2)
		f.event(0, time.Second)
		f.waiting(3)
	})
}

func TestAfterAShutdownAGapStartsNoSpare(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 1}, func(f *fixture) {
		f.report()
		f.event(0, time.Second)
		f.shutdown(0)
		f.sleep(time.Hour)
		f.tried(1)
	})
}
