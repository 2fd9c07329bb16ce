package pipe

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"fgbootstrap/internal/procfs"
)

// from is a sample that is one before a look and another from then on.
func from(look int, before, after procfs.Sample) func(int) procfs.Sample {
	return func(n int) procfs.Sample {
		if n < look {
			return before
		}
		return after
	}
}

// once is a sample that is another at one look.
func once(look int, before, then procfs.Sample) func(int) procfs.Sample {
	return func(n int) procfs.Sample {
		if n == look {
			return then
		}
		return before
	}
}

// steady is a sample of so many MB that never changes.
func steady(own, shared int64) plan {
	return plan{Sample: from(0, procfs.Sample{}, procfs.Sample{Own: own * mb, Shared: shared * mb})}
}

func TestTheFirstSpareIsMeasuredBeforeThereAreMore(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 3, MemoryMB: 128}, func(f *fixture) {
		f.report()
		f.sleep(toSettle - blink)
		f.report()
		f.waiting(1)
		f.sleep(blink)
		f.waiting(1, 2, 3)
		f.sleep(time.Hour)
		for n, want := range []int{calm + 1, 0, 0} {
			if got := f.number(n + 1).looks; got != want {
				t.Errorf("number %d was looked at %d times, want %d", n+1, got, want)
			}
		}
	})
}

func TestWithoutAKnownLimitNoSpareIsMeasured(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 3}, func(f *fixture) {
		f.report()
		f.waiting(1, 2, 3)
		f.sleep(time.Hour)
		if got := f.number(1).looks; got != 0 {
			t.Errorf("it was looked at %d times", got)
		}
	})
}

func TestASpareHasSettledWhenItWasCalmFourTimesInARow(t *testing.T) {
	still := procfs.Sample{Own: 16 * mb, PIDs: []int{1}, CPU: time.Second}
	with := func(change func(*procfs.Sample)) procfs.Sample {
		other := still
		change(&other)
		return other
	}
	grown := with(func(s *procfs.Sample) { s.Own = 17*mb + 1 })
	busy := with(func(s *procfs.Sample) { s.Busy = true })
	gone := with(func(s *procfs.Sample) { s.Own = 0 })
	for name, row := range map[string]struct {
		sample func(look int) procfs.Sample
		looks  int
	}{
		"it never changes":                 {from(0, still, still), 5},
		"it shrinks":                       {from(4, grown, still), 5},
		"it grows by a sixteenth":          {from(4, still, with(func(s *procfs.Sample) { s.Own = 17 * mb })), 5},
		"it uses a little CPU":             {from(4, still, with(func(s *procfs.Sample) { s.CPU += time.Millisecond - 1 })), 5},
		"it grows by more":                 {from(4, still, grown), 8},
		"it grows at the fifth look":       {from(5, still, grown), 9},
		"it works":                         {from(4, still, with(func(s *procfs.Sample) { s.CPU += time.Millisecond })), 8},
		"it starts another":                {from(4, still, with(func(s *procfs.Sample) { s.PIDs = []int{1, 2} })), 8},
		"it becomes another":               {from(4, still, with(func(s *procfs.Sample) { s.PIDs = []int{2} })), 8},
		"it is busy once":                  {once(4, still, busy), 9},
		"nothing is known of it once":      {once(4, still, gone), 9},
		"nothing is known for three looks": {from(4, gone, still), 8},
	} {
		t.Run(name, func(t *testing.T) {
			withSpares(t, policy[*fakeSpare]{Wanted: 2, MemoryMB: 128}, func(f *fixture) {
				f.script(0, nil, plan{Sample: row.sample})
				f.report()
				f.sleep(time.Duration(row.looks)*settling - blink)
				f.waiting(1)
				f.sleep(blink)
				f.waiting(1, 2)
			})
		})
	}
}

func TestASpareOfWhichNothingIsKnownNeverSettles(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 2, MemoryMB: 128}, func(f *fixture) {
		f.script(0, nil, steady(0, 0))
		f.report()
		f.sleep(time.Hour)
		f.report()
		f.waiting(1)
	})
}

func TestAsManySparesAreKeptAsTheMemoryHolds(t *testing.T) {
	for _, row := range []struct{ memory, concurrency, own, shared, fit int }{
		{124, 1, 20, 20, 3}, // 124 = 24 of ours + 20 that are shared + 4 times 20
		{124, 3, 20, 20, 1},
		{123, 1, 20, 20, 2},
		{124, 1, 20, 21, 2},
		{124, 1, 21, 20, 2},
		{124, 4, 20, 20, 0},
		{124, 5, 20, 20, 0},
		{20, 1, 20, 20, 0},
	} {
		t.Run(fmt.Sprint(row), func(t *testing.T) {
			for wanted := 1; wanted <= 5; wanted++ {
				withSpares(t, policy[*fakeSpare]{Wanted: wanted, MemoryMB: row.memory, Concurrency: row.concurrency}, func(f *fixture) {
					f.script(0, nil, steady(int64(row.own), int64(row.shared)))
					f.report()
					f.sleep(toSettle)
					kept := min(wanted, row.fit)
					f.waiting([]int{1, 2, 3, 4, 5}[:kept]...)
					if kept < wanted {
						number := "only " + strconv.Itoa(row.fit)
						if row.fit == 0 {
							number = "none"
						}
						f.logged(fmt.Sprintf("WARN BOOTSTRAP_PIPE_SPARES is %d, but the function's memory of %d MB holds %s beside those that serve events: "+
							"each takes %d.0 MB for itself, and they share %d.0 MB. Lower it, or raise the function's memory.",
							wanted, row.memory, number, row.own, row.shared))
					}
					f.sleep(time.Hour)
					f.report()
					f.tried(max(kept, 1)) // the first is measured
				})
			}
		})
	}
}

func TestWhereNoSpareFitsAnEventGetsNone(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 2, MemoryMB: 64, Concurrency: 1}, func(f *fixture) {
		f.script(0, nil, steady(50, 2))
		f.report()
		p := f.begin(pause)
		f.sleep(time.Minute) // it is measured while it serves an event
		p.end()
		f.logged("WARN...holds none beside")
		f.spares.failed("It has not read its event.") // nobody has to know any more
		f.report()
		if got := f.event(pause, 0); got != 0 {
			t.Errorf("an event got number %d", got)
		}
		f.sleep(time.Hour)
		f.tried(1)
	})
}

func TestWhereNoSpareFitsTheOneThatIsBeingStartedIsNotKept(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 2, MemoryMB: 64, Concurrency: 2}, func(f *fixture) {
		f.script(0, nil, steady(50, 2))
		f.report()
		f.begin(pause)
		f.script(time.Minute, nil, plan{})
		f.report() // of another event
		f.sleep(time.Minute - blink)
		f.logged("WARN...holds none beside")
		f.sleep(blink)
		f.tried(2)
		f.waiting()
	})
}

// The second one is measured, too, if the first is taken before it has settled.
func TestTheFirstSpareThatHasSettledIsWhatCounts(t *testing.T) {
	withSpares(t, policy[*fakeSpare]{Wanted: 3, MemoryMB: 128, Concurrency: 2}, func(f *fixture) {
		f.report()
		f.begin(pause)
		f.script(0, nil, steady(100, 2))
		f.report() // of another event
		f.sleep(time.Minute)
		f.waiting(2, 3, 4)
		f.logged()
	})
}

func TestASpareThatEndsBeforeItHasSettledIsNotWhatCounts(t *testing.T) {
	for name, last := range map[string]int{"between two looks": calm, "at the last look": calm + 1} {
		t.Run(name, func(t *testing.T) {
			withSpares(t, policy[*fakeSpare]{Wanted: 4, MemoryMB: 124, Concurrency: 1}, func(f *fixture) {
				small := plan{Peak: 1000 * mb, Sample: func(look int) procfs.Sample {
					if look == calm+1 {
						f.latest().end()
					}
					return procfs.Sample{Own: 1 * mb}
				}}
				f.script(0, nil, small)
				f.report()
				for n := 1; n < restless; n++ {
					f.waiting(n)
					if n == restless-1 {
						f.script(0, nil, steady(20, 20))
					}
					f.sleep(time.Duration(last) * settling)
					f.exit(n)
					f.logged(useless + strconv.Itoa(n))
					f.spares.served() // this is not about those that are of no use
					f.sleep(pause / 10)
				}
				f.waiting(restless)
				f.sleep(toSettle)
				f.waiting(5, 6, 7)
				f.logged("WARN...memory of 124 MB holds only 3 beside...each takes 20.0 MB for itself, and they share 20.0 MB")
			})
		})
	}
}

// Events take them before they have settled.
func TestOfFiveSparesThatEndBeforeTheyHaveSettledThePeakOfTheLastCounts(t *testing.T) {
	brief := func(peak int64) plan {
		return plan{Peak: peak * mb, Sample: from(0, procfs.Sample{}, procfs.Sample{Own: mb, Shared: 20 * mb})}
	}
	for _, row := range []struct {
		peak int64
		kept []int
		told []string
	}{
		{40, []int{6, 7, 8}, []string{"WARN...BOOTSTRAP_PIPE_SPARES is 4...holds only 3 beside...each takes 20.0 MB for itself, and they share 20.0 MB"}},
		{1000, nil, []string{"WARN...holds none beside...each takes 980.0 MB"}},
		{20, []int{6, 7, 8, 9}, nil}, // nothing of its own: there is no telling
		{0, []int{6, 7, 8, 9}, nil},
	} {
		t.Run(fmt.Sprint(row.peak), func(t *testing.T) {
			withSpares(t, policy[*fakeSpare]{Wanted: 4, MemoryMB: 124, Concurrency: 1}, func(f *fixture) {
				f.script(0, nil, brief(500))
				f.report()
				for n := 1; n <= restless; n++ {
					f.waiting(n)
					if n == restless-1 {
						f.script(0, nil, brief(row.peak))
					}
					f.event(pause/10, 2*settling)
				}
				f.waiting(row.kept...)
				f.logged(row.told...)
			})
		})
	}
}
