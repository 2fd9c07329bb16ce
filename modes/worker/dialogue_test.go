package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/modes/worker"
)

// eachLine is a worker in sh that runs a script for each line, with $line.
func eachLine(script string) []string { return shell(`while read -r line; do ` + script + `; done`) }

func TestLinesGoThroughProgramsThatKnowNothingOfUs(t *testing.T) {
	h := open(t, "lines", []string{"cat"}, nil)
	for _, line := range []string{"a", " ", "\xff\xfe", `{"a":1}`, strings.Repeat("x", 100_000), strings.Repeat("y", 6<<20)} {
		if got := h.answer(line); got != line {
			t.Errorf("%.20q: got %d bytes, %.20q", line, len(got), got)
		}
	}
}

func TestALineEndOfTwoBytesIsOne(t *testing.T) {
	if got := open(t, "lines", eachLine(`printf 'a\r\n'`), nil).answer("1"); got != "a" {
		t.Errorf("got %q", got)
	}
}

// A worker at rest writes nothing more: whole lines are dropped, and it goes on. After half
// a line it is replaced, since nobody knows what the other half belongs to.
func TestAStrayLineIsFoundBeforeTheNextEvent(t *testing.T) {
	for name, row := range map[string]struct {
		stray, told string
		times       int
	}{
		"a line":         {`printf 'right %s\nstray\n' "$line"`, "more than its answer, which is dropped: «stray»", 1},
		"half a line":    {`printf 'right %s\nstray' "$line"`, "more than its answer and is replaced: «stray»", 2},
		"the same again": {`printf 'right %s\nright %s\n' "$line" "$line"`, "more than its answer, which is dropped: «right 1»", 1},
		"a bit later":    {`echo "right $line"; sleep 0.1; echo stray`, "more than its answer, which is dropped: «stray»", 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, "lines", eachLine(row.stray), nil)
			for _, event := range []string{"1", "2", "3"} {
				if got := h.answer(event); got != "right "+event {
					t.Errorf("got %q for %s", got, event)
				}
				time.Sleep(300 * time.Millisecond) // the next event comes when it comes
			}
			if n := h.logs.FilterMessageSnippet(row.told).Len(); n != row.times {
				t.Errorf("the log tells of it %d times, want %d", n, row.times)
			}
		})
	}
}

func TestBlankLinesBetweenAnswersMeanNothing(t *testing.T) {
	h := open(t, "lines", shell(`echo; while read -r line; do printf '\n\r\n%s\n\n\n' "$$"; done`), nil)
	first := h.answer("1")
	for range 3 {
		if got := h.answer("1"); got != first {
			t.Errorf("got %q after %q", got, first)
		}
	}
}

func TestWhatAProgramWritesBeforeItsFirstEventIsLogAndNoAnswer(t *testing.T) {
	for name, script := range map[string]string{
		"a line":      `echo "Listening!"; exec cat`,
		"some time":   `sleep 0.3; echo "Listening!"; sleep 0.1; exec cat`,
		"half a line": `printf "Listening!"; exec cat`,
		"many":        `i=0; while [ $i -lt 100 ]; do echo "Listening! $i"; i=$((i+1)); done; exec cat`,
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, "lines", shell(script), nil)
			for _, event := range []string{"1", "2"} {
				if got := h.answer(event); got != event {
					t.Errorf("got %q", got)
				}
			}
			warnings := h.logs.FilterMessageSnippet("before its first event: «Listening!").All()
			if len(warnings) != 1 || !strings.Contains(warnings[0].Message, "BOOTSTRAP_WORKER_RESPONSE=fd3") {
				t.Errorf("got %v", warnings)
			}
		})
	}
}

func TestAProgramThatNeverReadsIsNeverReady(t *testing.T) {
	h := open(t, "lines", shell(`echo "Listening!"; exec sleep 600`), nil)
	h.fails("1", time.Second, "Runtime.InitError", "has not begun to read its stdin", "sleeps")
}

func TestJSONOverSeveralLinesIsNoAnswer(t *testing.T) {
	h := open(t, "lines", eachLine(`printf '{\n  "a": 1\n}\n'`), nil)
	h.fails("1", testkit.Patience, "Runtime.ProtocolError", "several lines", "«{»")
	h = open(t, "lines", eachLine(`printf '{"a":1}\nmore\n'`), nil)
	if got := h.answer("1"); got != `{"a":1}` {
		t.Errorf("got %s", got)
	}
}

func TestAnEventBehindHalfAnotherGoesToTheSuccessor(t *testing.T) {
	dir := t.TempDir()
	h := open(t, "jsonrpc", self(), serving("stops reading", func(c *worker.Config) {
		in(dir)(c)
		c.Capacity, c.Margin = 2, 400*time.Millisecond
	}))
	var large sync.WaitGroup
	large.Go(func() {
		if _, err := h.invoke("large", `"`+strings.Repeat("x", 300_000)+`"`, 3*time.Second); err == nil {
			t.Error("half an event was answered")
		}
	})
	time.Sleep(time.Second) // even on a busy machine it waits for the program to read by then
	if _, err := h.invoke("small", `"small"`, testkit.Patience); err != nil {
		t.Errorf("the event behind it: %v", err)
	}
	large.Wait()
}

func TestAProgramThatClosesItsPipeHoldsNoEventPastItsDeadline(t *testing.T) {
	h := open(t, "lines", eachLine(`sleep 0.4; exec >&-; sleep 600`), func(c *worker.Config) { c.Margin = 150 * time.Millisecond })
	late := time.Hour
	for range 10 { // a busy machine makes it late at times, a fault always
		began := time.Now()
		if _, err := h.invoke("id", "1", 500*time.Millisecond); err == nil {
			t.Fatal("it was answered")
		}
		late = min(late, time.Since(began)-500*time.Millisecond)
		if late < 350*time.Millisecond {
			return
		}
	}
	t.Errorf("it ended %s after the deadline", late)
}

func TestWithDescriptor3StdoutIsLog(t *testing.T) {
	h := open(t, "lines", shell(`echo "Listening!"; while read -r line; do echo "at work"; echo "$line" >&3; done`),
		func(c *worker.Config) { c.Descriptor3 = true })
	for _, event := range []string{"1", "2"} {
		if got := h.answer(event); got != event {
			t.Errorf("got %q", got)
		}
	}
	testkit.Eventually(t, "stdout is in the log", func() bool {
		return h.logs.FilterMessage("Listening!").Len() == 1 && h.logs.FilterMessage("at work").Len() == 2
	})
}

func TestATimeoutSaysHowFarItCame(t *testing.T) {
	for name, row := range map[string]struct {
		words []string
		want  []string
	}{
		"one that does not flush":            {shell(`read -r line; exec sleep 600`), []string{"written no answer", "flush"}},
		"one that forgets the line end":      {eachLine(`printf 'half an answer'`), []string{"no line end", "14 bytes", "«half an answer»"}},
		"one that answers with a blank line": {eachLine(`echo`), []string{"a blank line"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, "lines", row.words, nil)
			h.fails("1", time.Second, "Runtime.Timeout", row.want...)
		})
	}
}

func TestAnErrorHasTheLinesOfItsOwnEventOnly(t *testing.T) {
	h := open(t, "lines", eachLine(`echo "about $line" >&2; [ "$line" = 2 ] && exit 3; echo "$line"`), nil)
	h.answer("1")
	e := h.fails("2", testkit.Patience, "Runtime.ExitError", "code 3", "about 2")
	if strings.Join(e.Stack, ",") != "about 2" {
		t.Errorf("got %q", e.Stack)
	}
}

func TestLogLinesHaveTheIDOfTheEventAtWork(t *testing.T) {
	h := open(t, "lines", shell(`echo "before" >&2; while read -r line; do echo "about $line" >&2; echo; echo "$line"; done`), nil)
	testkit.Eventually(t, "it has started", func() bool { return h.logs.FilterMessage("before").Len() == 1 })
	for i := range 3 {
		if _, err := h.invoke(fmt.Sprint("id-", i), fmt.Sprint(i), testkit.Patience); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "the line is there", func() bool { return h.logs.FilterMessage(fmt.Sprint("about ", i)).Len() == 1 })
		if got := h.logs.FilterMessage(fmt.Sprint("about ", i)).All()[0].ContextMap()["requestId"]; got != fmt.Sprint("id-", i) {
			t.Errorf("got %v", got)
		}
	}
}

func TestAResponseAtTheLimitIsOneAndOverItIsNot(t *testing.T) {
	limit := func(c *worker.Config) { c.MaxResponse = 100_000 }
	h := open(t, "lines", eachLine(`head -c "$line" /dev/zero | tr '\0' x; echo`), limit)
	if got := h.answer("100000"); len(got) != 100_000 {
		t.Errorf("got %d bytes", len(got))
	}
	for _, size := range []string{"100001", "165000", "170000", "400000"} {
		h.fails(size, testkit.Patience, "FunctionResponseTooLarge", "100000")
		if got := h.answer("1"); got != "x" { // the next one gets its own
			t.Errorf("after %s: got %.20q", size, got)
		}
	}
	open(t, "lines", shell(`read -r line; exec yes | tr -d '\n'`), limit).fails("1", testkit.Patience, "FunctionResponseTooLarge")
}

func TestSeveralEventsInOneWorkerAreAnsweredInAnyOrder(t *testing.T) {
	h := server(t, "in reverse", func(c *worker.Config) { c.Capacity = 2 })
	var all sync.WaitGroup
	first := make(chan struct{})
	all.Go(func() {
		close(first)
		if got, err := h.invoke("one", "1", testkit.Patience); got != "1" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
	<-first
	if got, err := h.invoke("two", "2", testkit.Patience); got != "2" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	all.Wait()
}

func TestACancelledEventThatIsGivenUpLeavesTheWorkerInService(t *testing.T) {
	h := server(t, "cancels", nil)
	before := h.answer("0")
	h.fails("1", time.Second, "Runtime.Timeout")
	if after := h.answer("0"); after != before {
		t.Errorf("%s was replaced by %s", before, after)
	}
}

func TestACancelledEventThatGoesOnEndsTheWorkerButNotItsNeighbours(t *testing.T) {
	h := server(t, "cancels", func(c *worker.Config) { c.Capacity = 3 })
	before := h.answer("0")
	var neighbour sync.WaitGroup
	began := make(chan struct{})
	neighbour.Go(func() {
		close(began)
		if got, err := h.invoke("neighbour", "3", testkit.Patience); got != before || err != nil {
			t.Errorf("the neighbour got %q, %v", got, err)
		}
	})
	<-began
	h.fails("2", time.Second, "Runtime.Timeout")
	if after := h.answer("0"); after == before {
		t.Error("the worker is still given events")
	}
	neighbour.Wait()
	testkit.Eventually(t, "the worker has ended", func() bool {
		_, err := os.Stat("/proc/" + before)
		return err != nil
	})
}

func TestChunksAreTheResponse(t *testing.T) {
	h := server(t, "chunks", func(c *worker.Config) { c.MaxResponse = 8 << 20 })
	if got := h.answer(`"flood"`); len(got) != 8<<20 || !strings.HasPrefix(got, "0123456789abcdef") {
		t.Errorf("got %d bytes, %.20q", len(got), got)
	}
	server(t, "both", nil).fails("1", testkit.Patience, "Runtime.ProtocolError", "chunks and a result")
	h = server(t, "chunks", func(c *worker.Config) { c.MaxResponse = 1 << 20 })
	h.fails(`"flood"`, testkit.Patience, "FunctionResponseTooLarge")
	if got := h.answer(`"next"`); got != `"next"` {
		t.Errorf("got %q", got)
	}
}

// stuck is a platform that takes nothing until it is let go.
type stuck struct {
	began, letGo chan struct{}
	once         sync.Once
	taken        int
}

func (s *stuck) Write(p []byte) (int, error) {
	s.once.Do(func() { close(s.began) })
	<-s.letGo
	s.taken += len(p)
	return len(p), nil
}

// With streaming, a response that is not taken holds up its worker only when 1 MB
// of it is held, and then the whole worker.
func TestAResponseThatIsNotTakenHoldsUpItsWorkerAfterAMegabyte(t *testing.T) {
	h := server(t, "chunks", func(c *worker.Config) { c.Capacity, c.Streaming = 2, true })
	platform := &stuck{began: make(chan struct{}), letGo: make(chan struct{})}
	now := time.Now()
	flood := &adapter.Invocation{ID: "flood", Payload: []byte(`"flood"`), Received: now, Deadline: now.Add(testkit.Patience)}
	ctx, cancel := context.WithDeadline(t.Context(), flood.Deadline)
	defer cancel()
	response, err := adapter.NewResponse(adapter.ResponseOptions{Limit: 8 << 20, Stream: func(r *adapter.Response) error {
		_, err := r.WriteTo(platform)
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Free()
	response.Reset(flood.Payload)
	done := make(chan error, 1)
	go func() { done <- response.End(h.Invoke(ctx, flood, response)) }()
	<-platform.began
	time.Sleep(500 * time.Millisecond) // the program has 8 MB to write, and comes to wait somewhere in them
	if _, err := h.invoke("other", `"other"`, 500*time.Millisecond); err == nil {
		t.Error("an event got its answer past eight megabytes that nobody took")
	}
	close(platform.letGo)
	if err := <-done; err != nil || platform.taken != 8<<20 {
		t.Errorf("got %d bytes, %v", platform.taken, err)
	}
}

func TestNotificationsAreLogged(t *testing.T) {
	h := server(t, "logs", nil)
	got, err := h.invoke("the-id", "1", testkit.Patience)
	if err != nil {
		t.Fatal(err)
	}
	var about struct{ RequestID string }
	if err := json.Unmarshal([]byte(got), &about); err != nil || about.RequestID != "the-id" {
		t.Errorf("the context is %s", got)
	}
	entries := h.logs.FilterMessage("with id, ****").All()
	if len(entries) == 0 || entries[len(entries)-1].ContextMap()["requestId"] != "the-id" || entries[0].Level.String() != "warn" {
		t.Errorf("got %v", entries)
	}
	if h.logs.FilterMessage("without").Len() == 0 || h.logs.FilterMessageSnippet("«print: no JSON»").Len() == 0 {
		t.Error("a line is missing")
	}
}

func TestAParseErrorWithoutIDIsTheOnlyEventsError(t *testing.T) {
	server(t, "parse error", nil).fails("1", testkit.Patience, "Function.Error", "parse error")
}

func TestAnEventsErrorQuotesNoMoreThan200Bytes(t *testing.T) {
	h := open(t, "actionloop", eachLine(`printf 'é%0500d\n' 7 >&3`), nil)
	e := h.fails(`{}`, testkit.Patience, "Runtime.ProtocolError", "neither a JSON object nor an array", "«é0000", "0…»")
	if _, quote, _ := strings.Cut(e.Message, "«"); strings.Index(quote, "…") > 200 {
		t.Errorf("got %s", e.Message)
	}
}

// An event that has begun costs no goroutine: the one that brought it is enough.
func TestEventsCostNoGoroutines(t *testing.T) {
	for _, protocol := range []string{"lines", "jsonrpc"} {
		h := open(t, protocol, self(), nil)
		event := `{"n":1,"do":"answer"}`
		h.answer(event)
		before := goroutinesCreated(t)
		for range 200 {
			h.answer(event)
		}
		if created := goroutinesCreated(t) - before; created > 20 {
			t.Errorf("%s: 200 events made %d goroutines", protocol, created)
		}
	}
}

func TestAShutdownEndsAnEventAfterItsGrace(t *testing.T) {
	for _, protocol := range []string{"lines", "jsonrpc"} {
		h := open(t, protocol, self(), func(c *worker.Config) { c.Margin = 400 * time.Millisecond })
		ctx, stop := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		now := time.Now()
		response, err := adapter.NewResponse(adapter.ResponseOptions{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		defer response.Free()
		go func() {
			done <- h.Invoke(ctx, &adapter.Invocation{ID: "id", Payload: []byte(`{"do":"silence"}`), Received: now, Deadline: now.Add(time.Hour)}, response)
		}()
		time.Sleep(100 * time.Millisecond)
		stop(adapter.ErrShutdown)
		var told *adapter.Error
		if err := <-done; !errors.As(err, &told) || told.Type != adapter.TypeShutdown {
			t.Errorf("%s: got %v", protocol, err)
		}
	}
}

func TestAProgramThatSpeaksAnotherProtocolIsToldSo(t *testing.T) {
	h := openWithin(t, 200*time.Millisecond, "jsonrpc", eachLine(`echo '{"hello":"world"}'`), nil)
	h.fails("1", time.Second, "Runtime.InitError", `«{"hello":"world"}»`, "BOOTSTRAP_WORKER_PROTOCOL")
	h = open(t, "actionloop", eachLine(`echo '{"hello":"world"}'`), nil)
	h.fails("{}", time.Second, "Runtime.Timeout", "stdout, which is log", "descriptor 3")
	// The answer to the first event is no answer: its caller learns what it was.
	h = open(t, "jsonrpc", shell(`read -r i; echo '{"id":"initialize","result":1}'; while read -r line; do echo '{"hello":"world"}'; done`), nil)
	h.fails("1", time.Second, "Runtime.Timeout", `«{"hello":"world"}»`)
}

// Neither may leave it to the other.
func TestEventsThatAreOverdueTogetherEndTheirWorkerInTime(t *testing.T) {
	h := server(t, "cancels", func(c *worker.Config) { c.Capacity, c.Resident.Grace = 2, time.Hour })
	before := h.answer("0")
	var both sync.WaitGroup
	for _, id := range []string{"a", "b"} {
		both.Go(func() {
			if _, err := h.invoke(id, "2", 300*time.Millisecond); err == nil {
				t.Error("an event was answered")
			}
		})
	}
	both.Wait()
	testkit.Eventually(t, "the worker has ended", func() bool {
		_, err := os.Stat("/proc/" + before)
		return err != nil
	})
}

// A program that goes on with a response that was too large must not cost the next event its own.
func TestMoreOfALineThatWasTooLongIsNotOfTheNextEvent(t *testing.T) {
	h := open(t, "jsonrpc", shell(`
		say() { printf '{"jsonrpc":"2.0",%s}\n' "$1"; }
		long="\"method\":\"chunk\",\"params\":{\"id\":\"first\",\"data\":\"$(head -c 100000 /dev/zero | tr '\0' x)\"}"
		read -r line; say '"id":"initialize","result":null'
		read -r line; say "$long"
		read -r line; say "$long"; say '"id":"second","result":"fine"'
		sleep 600`), func(c *worker.Config) { c.MaxResponse = 1000 })
	var told *adapter.Error
	if got, err := h.invoke("first", "1", testkit.Patience); !errors.As(err, &told) || told.Type != adapter.TypeTooLarge {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := h.invoke("second", "2", testkit.Patience); err != nil || got != `"fine"` {
		t.Errorf("got %q, %v", got, err)
	}
}

// Libraries for language servers put a header before each message, and wait for ours.
func TestAProgramThatFramesItsMessagesIsToldThatTheyAreLines(t *testing.T) {
	for name, row := range map[string]struct {
		words []string
		want  string
	}{
		"it writes": {shell(`printf 'Content-Length: 47\r\n\r\n{"jsonrpc":"2.0","id":"initialize","result":{}}'; exec sleep 600`), "a message is a line, without headers"},
		"it waits":  {shell(`while read -r line; do case $line in Content-Length:*) exit 0;; esac; done`), "on one line without headers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openWithin(t, time.Second, "jsonrpc", row.words, nil)
			h.fails("1", time.Second, "Runtime.InitError", row.want)
		})
	}
	h := open(t, "jsonrpc", eachLine(`case $line in *initialize*) printf '{"id":"initialize","result":1}\n';;`+
		`*) printf 'Content-Length: 31\r\n\r\n{"id":"some-id","result":"one"}';; esac`), nil)
	h.fails("1", time.Second, "Runtime.Timeout", "a message is a line, without headers")
}

func TestAnAnswerThatIsNoObjectCostsTheEventAndNotTheWorker(t *testing.T) {
	h := open(t, "actionloop", eachLine(`case $line in *bad*) echo '"text"' >&3;; *) echo "{\"pid\":$$}" >&3;; esac`), nil)
	first := h.answer("{}")
	h.fails(`{"a":"bad"}`, testkit.Patience, "Runtime.ProtocolError", "neither a JSON object nor an array", "«\"text\"»")
	if second := h.answer("{}"); second != first {
		t.Errorf("after %s it was %s", first, second)
	}
}
