package api

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"sync"
	"time"
)

// Kind is one of the two kinds of report.
type Kind string

// The kinds of report.
const (
	KindResponse Kind = "response"
	KindError    Kind = "error"
)

// Report is a POST of the bootstrap as the platform saw it.
type Report struct {
	RequestID string
	Kind      Kind
	At        time.Time // when its headers had arrived
	Status    int       // status answered; 0 if none was: the body was cut, or a fault broke the connection
	Complete  bool      // the body arrived to its end
	Chunked   bool
	Counted   bool   // it became the outcome
	Repeated  bool   // same id, kind and bytes as the outcome: answered as that was
	Body      []byte // the bytes, of bodies up to 64 KB; shared, read only
	Size      int64
	SHA256    [sha256.Size]byte // of the bytes that arrived
}

// keep stores a small body in the report, which shares it from then on.
func (r *Report) keep(body *bytes.Buffer) {
	if body.Len() <= keptBody {
		r.Body = body.Bytes()
	}
}

// history remembers polls and reports of the last requests only, so that a platform may run for
// days.
type history struct {
	mu      sync.Mutex
	polls   int
	pollAt  []time.Time
	order   []string // request ids with reports, oldest first
	reports map[string][]Report
}

const (
	keptRequests = 1 << 15
	keptPolls    = 1 << 16
	keptBody     = 64 << 10
)

func newHistory() *history { return &history{reports: make(map[string][]Report)} }

func (h *history) polled(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.polls++
	if len(h.pollAt) == keptPolls {
		h.pollAt = slices.Delete(h.pollAt, 0, keptPolls/2)
	}
	h.pollAt = append(h.pollAt, at)
}

func (h *history) add(r Report) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.reports[r.RequestID]; !known {
		h.order = append(h.order, r.RequestID)
	}
	h.reports[r.RequestID] = append(h.reports[r.RequestID], r)
	if len(h.order) > keptRequests {
		delete(h.reports, h.order[0])
		h.order = h.order[1:]
	}
}

// outcome finds the report that became the outcome of a request.
func (h *history) outcome(id string) (Report, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.reports[id] {
		if r.Counted {
			return r, true
		}
	}
	return Report{}, false
}

// Polls returns the number of GETs so far, whatever the answers were.
func (s *Server) Polls() int {
	s.history.mu.Lock()
	defer s.history.mu.Unlock()
	return s.history.polls
}

// PollTimes returns the times of the last GETs, at least 32,000 of them.
func (s *Server) PollTimes() []time.Time {
	s.history.mu.Lock()
	defer s.history.mu.Unlock()
	return slices.Clone(s.history.pollAt)
}

// Reports lists what was reported for a request id, known or not, in the order of the answers.
// The last 32,768 ids are remembered.
func (s *Server) Reports(id string) []Report {
	s.history.mu.Lock()
	defer s.history.mu.Unlock()
	return slices.Clone(s.history.reports[id])
}

// AllReports lists the reports of all remembered ids, grouped by id in the order of their first report.
func (s *Server) AllReports() []Report {
	s.history.mu.Lock()
	defer s.history.mu.Unlock()
	var all []Report
	for _, id := range s.history.order {
		all = append(all, s.history.reports[id]...)
	}
	return all
}
