package test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"
)

// phase is how far a result has come when the event fails.
type phase struct {
	name       string
	size       int64
	held, sent bool // what may have become of it
}

func (f flow) phases() []phase {
	after := int64(20 << 20)
	if f.name == "pipe" {
		after = 150 << 20
	}
	return []phase{
		{name: "before the first byte", held: true},
		{name: "at once after some bytes", size: 1000, held: true, sent: true},
		{name: fmt.Sprint("after ", after>>20, " MB"), size: after, sent: true},
	}
}

// steps writes that much before other steps.
func (p phase) steps(others ...string) []string {
	if p.size == 0 {
		return others
	}
	return append([]string{fmt.Sprint("write ", p.size)}, others...)
}

// broke wants an event to have failed as one may in that phase. Nothing of the result
// has gone out, and there is an error; or it has gone out in part, as it was written
// and not to any end, and then there is an error.
func (c *cloud) broke(p phase, r *api.Result, k *client, errorType string, texts ...string) {
	c.t.Helper()
	f := c.failureOf(r)
	for _, text := range texts {
		if f.Type != errorType || !strings.Contains(f.Message, text) {
			c.t.Errorf("%s: want %s with %q, got %s: %s", p.name, errorType, text, f.Type, f.Message)
		}
	}
	body, err := k.got()
	if err != nil {
		c.t.Errorf("%s: %v", p.name, err)
	}
	if k.unwrap != nil && len(k.unwrap.tail) > 0 {
		c.t.Errorf("%s: the envelope goes on after its body with %q", p.name, k.unwrap.tail)
	}
	var responses, errors []api.Report
	for _, report := range c.API().Reports(r.RequestID) {
		if report.Kind == api.KindResponse {
			responses = append(responses, report)
		} else {
			errors = append(errors, report)
		}
	}
	sent := len(responses) == 1
	if len(responses) > 1 || len(errors) != 1 || sent && !p.sent || !sent && (!p.held || r.Cut || r.Streamed || body > 0) {
		c.t.Fatalf("%s: cut %v, streamed %v, %d bytes came, in %d responses, with %d errors", p.name, r.Cut, r.Streamed, body, len(responses), len(errors))
	}
	if sent && (!responses[0].Chunked || responses[0].Complete || responses[0].Counted) {
		c.t.Errorf("%s: the response is %+v", p.name, responses[0])
	}
	if !errors[0].Complete || !errors[0].Counted {
		c.t.Errorf("%s: the error is %+v", p.name, errors[0])
	}
	// Of what fails at once the error may overtake the response: they come by two connections.
	if !p.held && (!r.Cut || !r.Streamed || errors[0].At.Before(responses[0].At)) {
		c.t.Errorf("%s: cut %v, streamed %v, the error came at %s, the response at %s", p.name, r.Cut, r.Streamed, errors[0].At, responses[0].At)
	}
}

// recovers wants nothing to be left of an event that failed, and the next to be served.
func (c *cloud) recovers(f flow) {
	c.t.Helper()
	if !f.stays {
		c.alone()
	}
	c.serves(f)
}

// last are the steps of an event that fails. In pipe mode there is more to end than the
// program itself.
func (f flow) last(steps ...string) []string {
	if f.stays {
		return steps
	}
	return append([]string{"child"}, steps...)
}

func TestAProgramThatDiesLeavesNoResultThatPassesForComplete(t *testing.T) {
	eachFlow(t, func(t *testing.T, f flow) {
		c := deploy(t, f.settings, streaming, atLeisure)
		for _, p := range f.phases() {
			k := f.client()
			result := c.stream(f.event(p.steps(f.last("say gave up", "exit 3")...)...), k)
			c.broke(p, result, k, "Runtime.ExitError", "code 3", "gave up")
			c.recovers(f)
			k = f.client()
			result = c.stream(f.event(p.steps(f.last("kill")...)...), k)
			c.broke(p, result, k, "Runtime.ExitError", "SIGKILL")
			c.recovers(f)
		}
	})
}

// cutsNext makes the platform cut the next response.
func (c *cloud) cutsNext(after string) {
	c.t.Helper()
	rules, err := api.ParseFaults("post:cut=" + after)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.API().Inject(rules); err != nil {
		c.t.Fatal(err)
	}
}

func TestAStreamThatThePlatformCutsIsReportedAsAnError(t *testing.T) {
	eachFlow(t, func(t *testing.T, f flow) {
		c := deploy(t, f.settings, streaming, atLeisure)
		most := f.phases()[2]
		for _, after := range []string{"1", fmt.Sprint(most.size>>20, "M")} {
			c.cutsNext(after)
			k := f.client()
			result := c.stream(f.event(f.last(fmt.Sprint("write ", most.size+30<<20))...), k)
			c.broke(phase{name: "cut after " + after, sent: true}, result, k, "Runtime.InternalError", "stopped taking the response")
			c.recovers(f)
		}
		c.endsOnce(f)
		c.recovers(f)
	})
}

// endsOnce cuts a stream of which the rest fits into the buffers on the way. If its end was written
// before the cut was noticed, the platform may have it: then no error follows.
func (c *cloud) endsOnce(f flow) {
	c.t.Helper()
	const unconfirmed = "the platform has not confirmed the response"
	c.cutsNext("2000")
	k, arrived := f.client(), c.t.TempDir()+"/arrived"
	k.pause = func(int64) { testkit.WriteFile(c.t, arrived, "", 0o644) }
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	failed := make(chan *api.Result, 1) // nil: nobody told the platform anything
	go func() {
		result, _ := c.Invoke(ctx, api.Event{RequestID: "cut", Payload: []byte(f.event("write 1000", "await "+arrived, "write 1500")), Stream: k})
		failed <- result
	}()
	c.waitFor("an end", func() bool { return len(failed) > 0 || strings.Contains(c.log.String(), unconfirmed) })
	if !strings.Contains(c.log.String(), unconfirmed) {
		c.broke(phase{name: "cut at the end", sent: true}, <-failed, k, "Runtime.InternalError", "stopped taking the response")
		return
	}
	c.serves(f) // what would be reported is reported before
	if all := c.API().Reports("cut"); len(all) != 1 || all[0].Kind != api.KindResponse {
		c.t.Errorf("reports: %+v", all)
	}
}

func TestAStreamOverTheLimitIsNeverComplete(t *testing.T) {
	eachFlow(t, func(t *testing.T, f flow) {
		for _, p := range f.phases() {
			limit := max(p.size, 1000)
			c := deploy(t, f.settings.with("BOOTSTRAP_MAX_RESPONSE", fmt.Sprint(limit)), streaming)
			steps := f.last(fmt.Sprint("write ", limit+1<<20))
			switch {
			case p.size == 1000:
				steps = append([]string{"write 100"}, steps...)
			case p.size == 0 && f.gateway && f.stays:
				p.sent = true // the head of the answer may be there some time before the body
			}
			k := f.client()
			result := c.stream(f.event(steps...), k)
			c.broke(p, result, k, "FunctionResponseTooLarge", fmt.Sprint(limit))
			for _, r := range c.API().Reports(result.RequestID) {
				if r.Size > limit && r.Kind == api.KindResponse {
					t.Errorf("%d bytes went out, over the limit of %d", r.Size, limit)
				}
			}
			k, arrived := f.client(), t.TempDir()+"/arrived"
			k.pause = func(int64) { testkit.WriteFile(t, arrived, "", 0o644) }
			c.delivered(c.stream(f.event("write 100", "await "+arrived), k), k, 100)
		}
	})
}

// The deadline comes ten seconds after an event. All wait for theirs side by side.
func TestAtTheDeadlineAStreamIsCutWhetherItIsReadOrNot(t *testing.T) {
	t.Parallel()
	type wait struct {
		flow
		phase
		*cloud
		client  *client
		result  <-chan *api.Result
		resumed func() time.Time // when a client that did not read went on
	}
	var all []wait
	for _, f := range flows(t) {
		for _, p := range slices.Concat(f.phases(), []phase{{name: "while nobody reads", size: 20 << 20, sent: true}}) {
			w := wait{flow: f, phase: p, client: f.client()}
			w.cloud = deploy(t, f.settings.with("BOOTSTRAP_TIMEOUT_MARGIN", "20s"), streaming, timeout(30*time.Second))
			if p.name == "while nobody reads" {
				w.resumed = sync.OnceValue(func() time.Time {
					time.Sleep(20 * time.Second)
					return time.Now()
				})
				w.client.pause = func(int64) { w.resumed() }
			}
			w.result = w.beginStream(f.event(p.steps(f.last("hang")...)...), w.client)
			all = append(all, w)
		}
	}
	for _, w := range all {
		w.phase.name = w.flow.name + " " + w.phase.name
		result := <-w.result
		w.broke(w.phase, result, w.client, "Runtime.Timeout", "10s after the event came", "30s")
		if w.resumed == nil {
			continue
		}
		if came := w.API().Reports(result.RequestID)[1].At; came.After(w.resumed()) {
			t.Errorf("%s: the error had to wait for the client", w.phase.name)
		}
	}
	for _, w := range all {
		w.recovers(w.flow)
	}
}
