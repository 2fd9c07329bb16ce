package supervise

import (
	"context"
	"fmt"
	"time"

	"fgbootstrap/internal/retry"

	"go.uber.org/zap"
)

// What the log says of a failure that no owner of work reports; the reason follows.
const (
	startFailed = "starting the program failed, retrying: "
	exitedIdle  = "the program exited while idle, restarting: "
)

// keeper keeps one slot filled.
type keeper[T Instance] struct {
	launch  func() (T, error) // Supervisor.Start
	slot    *slot[T]
	monitor *monitor // the supervisor's
}

// run starts instance after instance until ctx ends.
func (k *keeper[T]) run(ctx context.Context) {
	for open := true; open; open = k.pause(ctx) {
		lease := k.start(ctx)
		if lease == nil {
			continue
		}
		select {
		case <-lease.spent: // it stays until its successor is ready
		case <-lease.leave:
			k.vacate(lease, lease.cause)
		case <-lease.Instance.Ended():
			k.vacate(lease, lease.Instance.Reason())
		case <-ctx.Done():
		}
	}
	k.retireAll()
}

// vacate takes an instance that has ended or was retired out of its slot.
func (k *keeper[T]) vacate(lease *Lease[T], reason error) {
	k.monitor.Lock()
	report := ""
	if lease.load == 0 && !lease.reported {
		report = exitedIdle
	}
	lease.retire(reason)
	k.monitor.Unlock()
	if reason != nil {
		k.failed(reason, report)
	}
}

// failed counts a failure. report begins its line in the log; "" means that somebody else
// reports it.
func (k *keeper[T]) failed(reason error, report string) {
	k.monitor.Lock()
	defer k.monitor.Unlock()
	k.slot.settled = true
	k.slot.failures.add(reason)
	k.slot.failures.report(report)
	if k.slot.lease == nil {
		k.slot.failures.reportLost()
	}
	k.monitor.notify()
}

// pause waits until the next start is due. It returns false when ctx has ended.
func (k *keeper[T]) pause(ctx context.Context) bool {
	delay := time.Duration(0) // after the first failure
	k.monitor.Lock()
	if k.slot.failures.inARow > 1 {
		delay = k.slot.failures.pace.Next()
	}
	k.monitor.Unlock()
	return !retry.Await(ctx, ctx.Done(), delay) && ctx.Err() == nil // both may have come
}

// retireAll takes what is in the slot out of service for good.
func (k *keeper[T]) retireAll() {
	k.monitor.Lock()
	defer k.monitor.Unlock()
	if k.slot.lease != nil {
		k.slot.lease.retire(nil)
	}
}

// startPatience is how long an instance may take to be ready: the longest time that
// FunctionGraph gives an initializer. Without it a start that is stuck would be waited for
// as long as we live.
const startPatience = 300 * time.Second

// start starts an instance and puts it into service when it is ready, in the place of the
// one before. It returns nil if that has failed or ctx has ended.
func (k *keeper[T]) start(ctx context.Context) *Lease[T] {
	instance, err := k.launch()
	if err != nil {
		k.failed(err, startFailed)
		return nil
	}
	k.monitor.Lock()
	lease := &Lease[T]{
		Instance: instance, slot: k.slot, startedAfter: k.slot.failures.ever,
		leave: make(chan struct{}), spent: make(chan struct{}),
	}
	k.slot.starting = lease
	k.monitor.Unlock()
	patience := time.NewTimer(startPatience)
	defer patience.Stop()
	select {
	case <-instance.Ready():
		k.install(lease)
		return lease
	case <-instance.Ended():
		err = instance.Reason()
	case <-patience.C:
		err = fmt.Errorf("the program was not ready after %s", startPatience)
	case <-ctx.Done():
	}
	k.discard(lease, err)
	return nil
}

// discard stops an instance that is not ready, because of err or the end.
func (k *keeper[T]) discard(lease *Lease[T], err error) {
	k.monitor.Lock()
	k.slot.starting = nil
	lease.retire(err)
	k.monitor.Unlock()
	if err != nil {
		k.failed(err, startFailed)
	}
}

// install puts an instance into service in the place of the one before.
func (k *keeper[T]) install(lease *Lease[T]) {
	k.monitor.Lock()
	defer k.monitor.Unlock()
	if old := k.slot.lease; old != nil {
		old.retire(nil)
	}
	k.slot.lease, k.slot.starting, k.slot.settled = lease, nil, true
	k.monitor.notify()
}

// tooMany is how many failures in a row it takes until work is refused while there is no
// instance, instead of waiting for the next.
const tooMany = 5

// LostCause is why work was refused: the program fails again and again.
type LostCause struct {
	Failures int
	Reason   error // of the last failure
}

func (l *LostCause) Error() string {
	return fmt.Sprintf("failed %d times in a row: %v", l.Failures, l.Reason)
}

func (l *LostCause) Unwrap() error { return l.Reason }

// failures are those of one slot. The methods want the monitor locked.
type failures struct {
	log    *zap.Logger
	inARow int
	ever   int
	last   error  // nil if inARow is 0
	logged string // what the log says is wrong
	pace   retry.Backoff
}

// add counts a failure.
func (f *failures) add(reason error) {
	f.inARow++
	f.ever++
	f.last = reason
}

// report logs text and the last failure: one line for each change, not one for each failure.
// An empty text means that somebody else reports it.
func (f *failures) report(text string) {
	reason := f.last.Error()
	if text == "" || f.logged == reason {
		return
	}
	f.logged = reason
	f.log.Error(text + reason)
}

// reportLost logs, once, that there were too many failures in a row.
func (f *failures) reportLost() {
	if f.inARow == tooMany {
		f.log.Error("the program fails again and again: events are refused while it is down", zap.Error(f.last))
	}
}

// recovered forgets the failures.
func (f *failures) recovered() {
	if f.logged != "" {
		f.log.Info("the program works again", zap.Int("failures", f.inARow))
	}
	f.inARow, f.last, f.logged = 0, nil, ""
	f.pace.Reset()
}
