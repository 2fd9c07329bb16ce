package config_test

import (
	"testing"
	"time"
)

func TestTheMarginFollowsTheTimeout(t *testing.T) {
	for timeout, want := range map[string]time.Duration{
		"0.1": 50 * time.Millisecond, "0.001": 500 * time.Microsecond, "1": 100 * time.Millisecond,
		"3": 150 * time.Millisecond, "10": 500 * time.Millisecond, "20": time.Second, "259200": time.Second,
	} {
		if c := mustLoad(t, vars{"RUNTIME_TIMEOUT": timeout}); c.Margin != want {
			t.Errorf("margin of %s s is %v, want %v", timeout, c.Margin, want)
		}
	}
}

func TestAMarginLeavesTimeForTheEvent(t *testing.T) {
	const name = "BOOTSTRAP_TIMEOUT_MARGIN"
	if c := mustLoad(t, vars{name: "2.9s"}); c.Margin != 2900*time.Millisecond {
		t.Errorf("margin is %v, want 2.9s", c.Margin)
	}
	for value, want := range map[string]string{
		"3s": `BOOTSTRAP_TIMEOUT_MARGIN is "3s": must be below RUNTIME_TIMEOUT, which is 3s`,
		"0s": `BOOTSTRAP_TIMEOUT_MARGIN is "0s": must be a duration above 0, such as 500ms`,
		"1":  `BOOTSTRAP_TIMEOUT_MARGIN is "1": must be a duration with a unit, such as 500ms, 2.5s or 1m`,
	} {
		c, problems := load(t, vars{name: value})
		wantProblem(t, problems, want)
		if c.Margin != 150*time.Millisecond {
			t.Errorf("margin after %s is %v, want the default", value, c.Margin)
		}
	}
}

func TestAMarginIsNotJudgedByABrokenTimeout(t *testing.T) {
	c, problems := load(t, vars{"RUNTIME_TIMEOUT": "x", "BOOTSTRAP_TIMEOUT_MARGIN": "5s"})
	if len(problems) != 1 || c.Margin != 150*time.Millisecond {
		t.Errorf("margin %v, problems %q", c.Margin, problems)
	}
}

func TestStreamingNeedsATimeoutThatThePlatformStreamsWith(t *testing.T) {
	if c := mustLoad(t, vars{"BOOTSTRAP_STREAMING": "on", "RUNTIME_TIMEOUT": "300"}); !c.Streaming {
		t.Error("streaming is off at 300 s")
	}
	c, problems := load(t, vars{"BOOTSTRAP_STREAMING": "on", "RUNTIME_TIMEOUT": "301"})
	wantProblem(t, problems, `BOOTSTRAP_STREAMING is "on": the platform streams only with a timeout of at most 300 s, and RUNTIME_TIMEOUT is 301 s`)
	if c.Streaming || c.MaxResponse != 6291456 {
		t.Errorf("streaming %v up to %d bytes, want the defaults", c.Streaming, c.MaxResponse)
	}
	mustLoad(t, vars{"RUNTIME_TIMEOUT": "301"})
}

func TestTheResponseLimitIsTheUsersThenThePlatforms(t *testing.T) {
	const own, platform, streaming = "BOOTSTRAP_MAX_RESPONSE", "RUNTIME_MAX_RESP_BODY_SIZE", "BOOTSTRAP_STREAMING"
	for want, v := range map[int64]vars{
		6291456:   nil,
		1000:      {platform: "1000"},
		209715200: {platform: "1000", streaming: "on"},
		2000:      {platform: "1000", own: "2000"},
		3000:      {platform: "1000", own: "3000", streaming: "on"},
	} {
		if c := mustLoad(t, v); c.MaxResponse != want {
			t.Errorf("%v gives %d, want %d", v, c.MaxResponse, want)
		}
	}
}

func TestThereAreAsManyWorkersAsPollers(t *testing.T) {
	if c := mustLoad(t, vars{"BOOTSTRAP_CONCURRENCY": "7"}); c.WorkerCount != 7 {
		t.Errorf("%d workers, want 7", c.WorkerCount)
	}
}
