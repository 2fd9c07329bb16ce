package supervise

import (
	"context"
	"fmt"
	"time"
)

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
