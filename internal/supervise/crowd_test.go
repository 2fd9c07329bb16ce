package supervise_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"fgbootstrap/internal/supervise"
)

// moody is a start of a program that does what comes to its mind: it may fail to start or end
// before it is ready, it takes a while, and it ends by itself.
func moody(p *program) error {
	if rand.IntN(10) == 0 {
		return errCrash
	}
	toStart, toLive := upTo(time.Second), upTo(10*time.Second)
	p.stopTakes = upTo(time.Second)
	go func() { // ends with the program's life, which is shorter than the test
		time.Sleep(toStart)
		if rand.IntN(10) > 0 {
			close(p.ready)
			time.Sleep(toLive)
		}
		p.end(errCrash)
	}()
	return nil
}

func upTo(longest time.Duration) time.Duration { return rand.N(longest) }

// client brings work until ctx ends and holds what every program may rely on.
func (f *fixture) client(ctx context.Context, capacity int64) (done int) {
	for ctx.Err() == nil {
		patience, cancel := context.WithTimeout(ctx, upTo(2*time.Second))
		lease, err := f.supervisor.Acquire(patience)
		cancel()
		var lost *supervise.LostCause
		switch {
		case errors.As(err, &lost):
			time.Sleep(100 * time.Millisecond)
		case err == nil:
			done += f.work(lease, capacity)
		case !errors.Is(err, context.DeadlineExceeded):
			f.Error(err)
		}
	}
	return done
}

// work does a piece of work; in one of ten cases the program has to go then.
func (f *fixture) work(lease *supervise.Lease[*program], capacity int64) (done int) {
	p := lease.Instance
	if load := p.load.Add(1); load > capacity || !isClosed(p.ready) || p.stops.Load() > 0 {
		f.Errorf("a program has %d pieces of work, is ready: %v, was stopped %d times", load, isClosed(p.ready), p.stops.Load())
	}
	time.Sleep(upTo(200 * time.Millisecond))
	ok := !isClosed(p.ended)
	if rand.IntN(10) == 0 {
		ok = false
		f.supervisor.Retire(lease, []error{nil, errCrash}[rand.IntN(2)])
	}
	if p.stops.Load() > 0 {
		f.Error("a program was stopped though it had work")
	}
	p.load.Add(-1)
	f.supervisor.Release(lease, ok)
	if ok {
		return 1
	}
	return 0
}

func TestWhateverProgramsDoEachHasWorkOnlyWhileItIsInServiceAndIsStoppedOnce(t *testing.T) {
	supervised(t, limits{count: 3, capacity: 2, limit: 20}, moody, func(f *fixture) {
		ctx, cancel := context.WithTimeout(f.Context(), 2*time.Minute)
		defer cancel()
		done := make([]int, 10)
		var clients sync.WaitGroup
		for n := range done {
			clients.Go(func() { done[n] = f.client(ctx, 2) })
		}
		clients.Wait()
		f.close()
		f.passes(time.Minute) // what is left of the programs ends
		for n, did := range done {
			if did < 50 {
				f.Errorf("client %d had only %d pieces of work done", n, did)
			}
		}
	})
}
