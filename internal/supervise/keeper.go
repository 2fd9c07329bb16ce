package supervise

import (
	"context"
	"fmt"
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
	lease := k.begin(instance)
	ready, err := k.await(ctx, instance)
	if !ready {
		k.discard(lease, err)
		return nil
	}
	k.install(lease)
	return lease
}

// begin notes that the instance is starting.
func (k *keeper[T]) begin(instance T) *Lease[T] {
	k.monitor.Lock()
	defer k.monitor.Unlock()
	k.slot.starting = newLease(k.slot, instance)
	return k.slot.starting
}

// await waits until the instance is ready. The error says why it is not; there is none if
// ctx has ended.
func (k *keeper[T]) await(ctx context.Context, instance T) (ready bool, err error) {
	patience := time.NewTimer(startPatience)
	defer patience.Stop()
	select {
	case <-instance.Ready():
		return true, nil
	case <-instance.Ended():
		return false, instance.Reason()
	case <-patience.C:
		return false, fmt.Errorf("the program was not ready after %s", startPatience)
	case <-ctx.Done():
		return false, nil
	}
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
