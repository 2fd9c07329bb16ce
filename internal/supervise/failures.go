package supervise

import (
	"fmt"
	"time"

	"fgbootstrap/internal/retry"

	"go.uber.org/zap"
)

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

// delay is how long to wait before the next start. After the first failure there is none.
func (f *failures) delay() time.Duration {
	if f.inARow <= 1 {
		return 0
	}
	return f.pace.Next()
}
