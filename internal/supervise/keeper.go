package supervise

import (
	"context"
	"time"
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
		if lease := k.start(ctx); lease != nil {
			k.watch(ctx, lease)
		}
	}
	k.retireAll()
}

// watch waits until the slot needs another instance, or ctx ends.
func (k *keeper[T]) watch(ctx context.Context, lease *Lease[T]) {
	select {
	case <-lease.spent: // it stays until its successor is ready
	case <-lease.leave:
		k.vacate(lease, lease.cause)
	case <-lease.Instance.Ended():
		k.vacate(lease, lease.Instance.Reason())
	case <-ctx.Done():
	}
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
	k.monitor.Lock()
	delay := k.slot.failures.delay()
	k.monitor.Unlock()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil // both may have come
}

// retireAll takes what is in the slot out of service for good.
func (k *keeper[T]) retireAll() {
	k.monitor.Lock()
	defer k.monitor.Unlock()
	if k.slot.lease != nil {
		k.slot.lease.retire(nil)
	}
}
