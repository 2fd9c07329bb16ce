package test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
	"fgbootstrap/platform/api"
)

// flow is a way in which results are streamed.
type flow struct {
	name     string
	settings settings
	gateway  bool  // the events are the gateway's, so results are in envelopes
	most     int64 // bytes that the function may write
	memory   int   // MB that the bootstrap may have
	stays    bool  // the program runs between events
}

// flows are all the ways, with the streamer as the user's program.
func flows(t *testing.T) []flow {
	pipe := settings{"BOOTSTRAP_COMMAND": command(aProgram()), testkit.Variable: "streamer", "BOOTSTRAP_STREAMING": "on"}
	http := pipe.with("BOOTSTRAP_MODE", "http", "BOOTSTRAP_HTTP_PORT", "auto")
	const all, wrapped = 200 << 20, 140 << 20
	return []flow{
		{name: "pipe", settings: pipe, most: all, memory: 10},
		{name: "pipe for the gateway", settings: pipe, gateway: true, most: wrapped, memory: 10},
		{name: "http", settings: http, most: all, memory: 10, stays: true},
		{name: "http for the gateway", settings: http, gateway: true, most: wrapped, memory: 10, stays: true},
		{name: "worker", settings: pipe.with("BOOTSTRAP_MODE", "worker", "BOOTSTRAP_WORKER_PROTOCOL", "jsonrpc"), most: wrapped, memory: 11, stays: true},
	}
}

// eachFlow runs a test side by side for all of them.
func eachFlow(t *testing.T, test func(t *testing.T, f flow)) {
	for _, f := range flows(t) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			test(t, f)
		})
	}
}

// event has steps for the streamer.
func (f flow) event(steps ...string) string {
	fields := map[string]any{"body": strings.Join(steps, "; ")}
	if f.gateway {
		fields["httpMethod"], fields["path"], fields["requestContext"] = "POST", "/", map[string]any{}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// client expects the pattern.
func (f flow) client() *client {
	k := &client{take: newPattern().check}
	if f.gateway {
		k.unwrap = &unwrapper{}
	}
	return k
}

func (c *cloud) stream(event string, k *client) *api.Result {
	c.t.Helper()
	return c.call(api.Event{Payload: []byte(event), Stream: k})
}

func (c *cloud) beginStream(event string, k *client) <-chan *api.Result {
	done := make(chan *api.Result, 1)
	go func() { done <- c.stream(event, k) }()
	return done
}

// delivered wants so many bytes of the body to have come as they were written, and
// nothing else.
func (c *cloud) delivered(r *api.Result, k *client, size int64) {
	c.t.Helper()
	body, err := k.got()
	if r.Failed || !r.Streamed || r.Cut || body != size || err != nil {
		c.t.Errorf("failed %v (%.300s), streamed %v, cut %v, %d bytes of %d, %v", r.Failed, r.Payload, r.Streamed, r.Cut, body, size, err)
	}
	if k.unwrap == nil {
		return
	}
	if e, err := k.unwrap.end(); err != nil || e.Status != 200 || e.Headers["Content-Type"] == "" {
		c.t.Errorf("the envelope is %+v, %v", e, err)
	}
}

// serves wants an event to be answered as it should be.
func (c *cloud) serves(f flow) {
	c.t.Helper()
	k := f.client()
	c.delivered(c.stream(f.event("write 100000"), k), k, 100000)
}

// remains wants the bootstrap to have had no more memory at any time. A streamed
// result is never in it as a whole.
func (c *cloud) remains(megabytes int) {
	c.t.Helper()
	peak := status(c.t, c.bootstrap(), "VmHWM:")
	c.t.Logf("the bootstrap had %d KB at the peak", peak)
	if peak > megabytes<<10 {
		c.t.Errorf("the bootstrap had %d KB at the peak, more than %d MB", peak, megabytes)
	}
}

// atLeisure is a timeout that large results keep on a busy machine, too.
func atLeisure(f *platform.Function, _ *platform.Options) { f.Timeout = 55 * time.Second }

func TestTheLargestStreamArrivesByteForByteAndTakesNoMemory(t *testing.T) {
	eachFlow(t, func(t *testing.T, f flow) {
		c := deploy(t, f.settings, streaming, atLeisure)
		k := f.client()
		if racing() {
			f.most /= 4
		}
		result := c.stream(f.event(fmt.Sprint("write ", f.most)), k)
		c.delivered(result, k, f.most)
		t.Logf("%d MB in %s", f.most>>20, result.Duration)
		c.remains(f.memory)
	})
}

// clocks makes the client of a function that writes the time: it learns how old each
// one is and says that it has it.
func (f flow) clocks(t *testing.T, dir string) (k *client, ages *[]time.Duration) {
	var text string
	ages = new([]time.Duration)
	k = f.client()
	k.take = func(body []byte) error {
		text += string(body)
		for {
			line, rest, whole := strings.Cut(strings.TrimLeft(text, "\n"), "\n")
			if !whole {
				return nil
			}
			text = rest
			nanoseconds, err := strconv.ParseInt(strings.TrimPrefix(line, "data: "), 10, 64)
			if err != nil {
				return err
			}
			*ages = append(*ages, time.Since(time.Unix(0, nanoseconds)))
			testkit.WriteFile(t, fmt.Sprint(dir, "/seen-", len(*ages)), "", 0o644)
		}
	}
	return k, ages
}

// The figure is in the log of the test: a machine that does other things, too, can't
// be held to it. But the program does not end before the client has what it wrote.
func TestTheFirstBytesArriveWhileTheProgramRuns(t *testing.T) {
	eachFlow(t, func(t *testing.T, f flow) {
		c := deploy(t, f.settings, streaming)
		var all []time.Duration
		for range 11 {
			dir := t.TempDir()
			k, ages := f.clocks(t, dir)
			result := c.stream(f.event("clock", "await "+dir+"/seen-1"), k)
			if _, err := k.got(); result.Failed || !result.Streamed || len(*ages) != 1 || err != nil {
				t.Fatalf("failed %v (%.300s), streamed %v, got %d times, %v", result.Failed, result.Payload, result.Streamed, len(*ages), err)
			}
			all = append(all, (*ages)[0])
		}
		slices.Sort(all)
		t.Logf("from the write to the client: median %s, from %s to %s", all[5], all[0], all[10])
		if all[5] > 2*time.Second {
			t.Error("that is too late")
		}
	})
}

// Server-sent events, for example.
func TestEachPieceArrivesBeforeTheNextIsWritten(t *testing.T) {
	eachFlow(t, func(t *testing.T, f flow) {
		c := deploy(t, f.settings, streaming)
		dir := t.TempDir()
		k, ages := f.clocks(t, dir)
		var steps []string
		for i := range 8 {
			steps = append(steps, "clock", fmt.Sprint("await ", dir, "/seen-", i+1))
		}
		result := c.stream(f.event(steps...), k)
		if _, err := k.got(); result.Failed || !result.Streamed || len(*ages) != 8 || err != nil {
			t.Fatalf("failed %v (%.300s), streamed %v, got %d pieces, %v", result.Failed, result.Payload, result.Streamed, len(*ages), err)
		}
		if f.gateway {
			if e, err := k.unwrap.end(); err != nil || f.stays && e.Headers["Content-Type"] != "application/octet-stream" {
				t.Errorf("the envelope is %+v, %v", e, err)
			}
		}
		t.Logf("from the writes to the client: %s", *ages)
	})
}
