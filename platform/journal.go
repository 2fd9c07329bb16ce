package platform

import (
	"fmt"
	"io"
	"sync"
	"time"

	"fgbootstrap/platform/api"
)

// journal is the function's log: the program's output and the platform's lines, one writer for both.
type journal struct {
	mu     sync.Mutex
	w      io.Writer
	middle bool // the last write did not end a line
}

func newJournal(w io.Writer) *journal {
	if w == nil {
		w = io.Discard
	}
	return &journal{w: w}
}

func (j *journal) discards() bool { return j.w == io.Discard }

// Write takes the program's output as it comes. It never fails: the program must not notice a broken log.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(p) > 0 {
		_, _ = j.w.Write(p)
		j.middle = p[len(p)-1] != '\n'
	}
	return len(p), nil
}

// printf writes a line of the platform's, on a line of its own.
func (j *journal) printf(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.middle {
		_, _ = io.WriteString(j.w, "\n")
		j.middle = false
	}
	_, _ = fmt.Fprintf(j.w, "%s %s\n", time.Now().UTC().Format(time.RFC3339), fmt.Sprintf(format, args...))
}

func (j *journal) start(id, version string) {
	j.printf("Start invoke request '%s', version: %s", id, version)
}

func (j *journal) finish(r *api.Result, fn Function, memory int64) {
	if r.Failed {
		j.printf("invoke request '%s' failed: %s", r.RequestID, brief(r))
	}
	ms := float64(r.Duration.Microseconds()) / 1000
	billed := (r.Duration + time.Millisecond - 1) / time.Millisecond
	j.printf("Finish invoke request '%s', duration: %.3fms, billing duration: %dms, memory used: %.3fMB, billing memory: %dMB, cpu used: %.3fU",
		r.RequestID, ms, billed, float64(memory)/(1<<20), fn.MemoryMB, float64(fn.millicores())/1000)
}

// brief is the failure in one line.
func brief(r *api.Result) string {
	msg := []rune(r.Reason())
	if len(msg) > 300 {
		msg = append(msg[:300], '…')
	}
	if r.Code != 0 {
		return fmt.Sprintf("FSS.%d %s", r.Code, string(msg))
	}
	return string(msg)
}
