package config

import (
	"errors"
	"fmt"
	"time"
)

const (
	streamingResponse = 200 << 20         // bytes; the platform's limit for a streamed result
	streamingTimeout  = 300 * time.Second // the longest timeout with which the platform streams
	leastMargin       = 100 * time.Millisecond
	mostMargin        = time.Second
)

// margin is a duration above 0; 0 stands for unset.
type margin time.Duration

func parseMargin(v string) (margin, error) {
	d, err := parseDuration(v)
	if err == nil && d == 0 {
		err = errors.New("must be a duration above 0, such as 500ms")
	}
	return margin(d), err
}

// margin is the user's if it leaves time for an event, else the default.
func (r *report) margin(s settings) time.Duration {
	set, timeout := time.Duration(s.TimeoutMargin), time.Duration(s.Timeout)
	if set > 0 && set < timeout {
		return set
	}
	// Against a timeout that was itself refused, a margin can't be judged.
	if set > 0 && !r.bad["RUNTIME_TIMEOUT"] {
		r.refuse("BOOTSTRAP_TIMEOUT_MARGIN", fmt.Sprintf("must be below RUNTIME_TIMEOUT, which is %v", timeout))
	}
	return defaultMargin(timeout)
}

// defaultMargin is 5 % within 100 ms and 1 s, and never more than half of a very short timeout.
func defaultMargin(timeout time.Duration) time.Duration {
	return min(max(timeout/20, leastMargin), mostMargin, timeout/2)
}

// streaming is off where the platform would refuse to stream.
func (r *report) streaming(s settings) bool {
	timeout := time.Duration(s.Timeout)
	if s.Streaming && timeout > streamingTimeout {
		r.refuse("BOOTSTRAP_STREAMING", fmt.Sprintf("the platform streams only with a timeout of at most %.0f s, and RUNTIME_TIMEOUT is %v s",
			streamingTimeout.Seconds(), timeout.Seconds()))
		return false
	}
	return s.Streaming
}

func maxResponse(s settings, streaming bool) int64 {
	switch {
	case s.MaxResponse > 0:
		return int64(s.MaxResponse)
	case streaming:
		return streamingResponse
	}
	return int64(s.MaxRespBody)
}
