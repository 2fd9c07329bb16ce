package api_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/api"
	"fgbootstrap/platform/fgtest"
)

func faulty(t *testing.T, rules string, cfg api.Config) (a *api.Server, addr string) {
	t.Helper()
	faults, err := api.ParseFaults(rules)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Faults = faults
	return newAPI(t, cfg)
}

func TestFaultsAreParsed(t *testing.T) {
	got, err := api.ParseFaults("listen:refuse=3s, poll:reset*2,poll:bighead=32K,post:cut")
	if err != nil || len(got) != 4 {
		t.Fatal(got, err)
	}
	if r := got[0]; r.Door != api.DoorListen || r.Wait != 3*time.Second || r.Count != 1 {
		t.Errorf("%+v", r)
	}
	if r := got[1]; r.Kind != "reset" || r.Count != 2 {
		t.Errorf("%+v", r)
	}
	if r := got[2]; r.Size != 32<<10 {
		t.Errorf("%+v", r)
	}
	if none, err := api.ParseFaults(""); len(none) != 0 || err != nil {
		t.Error(none, err)
	}
}

func TestBadFaultsNameWhatIsAllowed(t *testing.T) {
	for rules, want := range map[string]string{
		"poll":              "doors are listen, poll, post",
		"pull:reset":        "doors are listen, poll, post",
		"poll:rest":         "500, bighead, cut, cuthead, empty, noid, ok, reset, slow",
		"poll:reset=1":      "takes no argument",
		"poll:slow":         "such as slow=2s",
		"poll:slow=fast":    "not a duration",
		"poll:slow=-1s":     "not a duration",
		"poll:bighead":      "such as bighead=32K",
		"poll:bighead=many": "not a size",
		"post:500*0":        "whole number from 1",
		"post:500*x":        "whole number from 1",
	} {
		_, err := api.ParseFaults("post:ok," + rules)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), rules) {
			t.Errorf("%s: %v", rules, err)
		}
	}
	if _, err := api.New(api.Config{Faults: api.Faults{{Door: api.DoorPost, Kind: "nonsense"}}}); err == nil {
		t.Error("a rule built by hand was not checked")
	}
}

func TestListenRefusesAtFirst(t *testing.T) {
	start := time.Now()
	a, addr := faulty(t, "listen:refuse=200ms", api.Config{})
	if c, err := net.Dial("tcp", addr); err == nil {
		_ = c.Close()
		t.Error("connected at once")
	}
	testkit.Eventually(t, "connections are accepted", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	if d := time.Since(start); d < 200*time.Millisecond {
		t.Errorf("accepted after %v", d)
	}
	done := fgtest.Invoke(a, api.Event{})
	if err := testkit.Await(t, fgtest.Serve(t, addr, 1, fgtest.Echo), "all events to be served"); err != nil {
		t.Error(err)
	}
	testkit.Await(t, done, "the outcome")
}

func TestAPlatformThatStillRefusesCanBeClosed(t *testing.T) {
	a, _ := faulty(t, "listen:refuse=1h", api.Config{})
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

func TestPollFaultsUseUpNoEvent(t *testing.T) {
	for kind, check := range map[string]func(fgtest.Reply) bool{
		"reset": func(r fgtest.Reply) bool { return fgtest.IsReset(r.Err) },
		"500":   func(r fgtest.Reply) bool { return r.Status == 500 && r.ID() == "" },
		"noid":  func(r fgtest.Reply) bool { return r.Status == 200 && r.ID() == "" },
		"empty": func(r fgtest.Reply) bool { return r.Status == 204 && r.ID() == "" },
	} {
		t.Run(kind, func(t *testing.T) {
			a, addr := faulty(t, "poll:"+kind+"*2", api.Config{})
			done := fgtest.Invoke(a, api.Event{Payload: []byte("event")})
			for range 2 {
				if r := fgtest.Dial(t, addr).Poll(); !check(r) {
					t.Errorf("%+v", r)
				}
			}
			if err := testkit.Await(t, fgtest.Serve(t, addr, 1, fgtest.Echo), "all events to be served"); err != nil {
				t.Error(err)
			}
			if r := testkit.Await(t, done, "the outcome"); string(r.Payload) != "event" {
				t.Error(r)
			}
			if a.Polls() != 3 {
				t.Errorf("%d polls", a.Polls())
			}
		})
	}
}

func TestAnEventIsCutOff(t *testing.T) {
	body := strings.Repeat("x", 100000)
	for kind, check := range map[string]func(fgtest.Reply) bool{
		"cuthead": func(r fgtest.Reply) bool { return r.Status == 0 && fgtest.IsReset(r.Err) },
		"cut": func(r fgtest.Reply) bool {
			return r.ID() == "the-id" && fgtest.IsReset(r.Err) && len(r.Body) == len(body)/2
		},
	} {
		t.Run(kind, func(t *testing.T) {
			a, addr := faulty(t, "poll:"+kind, api.Config{Timeout: 200 * time.Millisecond})
			done := fgtest.Invoke(a, api.Event{RequestID: "the-id", Payload: []byte(body)})
			if r := fgtest.Dial(t, addr).Poll(); !check(r) {
				t.Errorf("status %d, id %s, %d bytes, %v", r.Status, r.ID(), len(r.Body), r.Err)
			}
			if r := testkit.Await(t, done, "the outcome"); r.Code != api.CodeTimeout {
				t.Error(r)
			}
		})
	}
}

func TestAnEventComesWithABigHead(t *testing.T) {
	a, addr := faulty(t, "poll:bighead=32K", api.Config{})
	done := fgtest.Invoke(a, api.Event{})
	w := fgtest.Dial(t, addr)
	ev := w.Poll()
	size := 0
	for name, values := range ev.Header {
		if strings.HasPrefix(strings.ToUpper(name), "X-CFF-EXTRA") {
			size += len(name) + len(values[0]) + 4
		}
	}
	if size < 32<<10 || size > 33<<10 {
		t.Errorf("%d bytes of headers", size)
	}
	w.Post("response", ev.ID(), "")
	testkit.Await(t, done, "the outcome")
}

func TestAnEventArrivesSlowly(t *testing.T) {
	a, addr := faulty(t, "poll:slow=200ms", api.Config{})
	done := fgtest.Invoke(a, api.Event{Payload: []byte(strings.Repeat("x", 50000))})
	w := fgtest.Dial(t, addr)
	w.Send(fgtest.GetEvent)
	if _, err := w.In.Peek(1); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	ev := w.Receive()
	if d := time.Since(start); d < 100*time.Millisecond || len(ev.Body) != 50000 {
		t.Errorf("%d bytes in %v, %v", len(ev.Body), d, ev.Err)
	}
	w.Post("response", ev.ID(), "")
	testkit.Await(t, done, "the outcome")
}

func TestPostFaults(t *testing.T) {
	for _, c := range []struct {
		rules   string
		replies []int // 0 is a reset
		code    int
	}{
		{"post:500*2", []int{500, 500, 200}, 0},
		{"post:ok*1,post:500", []int{200, 500}, 0},
		{"post:reset", []int{0, 200}, 0},
		{"post:lost", []int{0, 200}, 0},
		{"post:cut", []int{0, 200}, 0},
		{"post:cut=3", []int{0, 200}, 0},
		{"post:404", []int{404, 404}, api.CodeInvocation},
		{"post:413", []int{413, 404}, api.CodeTooLarge},
	} {
		t.Run(c.rules, func(t *testing.T) {
			a, addr := faulty(t, c.rules, api.Config{})
			done := fgtest.Invoke(a, api.Event{})
			id := fgtest.Dial(t, addr).Poll().ID()
			for i, want := range c.replies {
				r := fgtest.Dial(t, addr).Post("response", id, "the answer")
				if r.Status != want || (want == 0 && !fgtest.IsReset(r.Err)) {
					t.Errorf("report %d: status %d, %v", i, r.Status, r.Err)
				}
			}
			r := testkit.Await(t, done, "the outcome")
			if r.Code != c.code || (c.code == 0 && string(r.Payload) != "the answer") {
				t.Error(r)
			}
			if n := len(a.Reports(id)); n != len(c.replies) {
				t.Errorf("%d reports", n)
			}
		})
	}
}

func TestPostFaultsTakeTheirTime(t *testing.T) {
	for _, kind := range []string{"slow", "stall"} {
		t.Run(kind, func(t *testing.T) {
			a, addr := faulty(t, "post:"+kind+"=2s", api.Config{})
			done := fgtest.Invoke(a, api.Event{})
			w := fgtest.Dial(t, addr)
			id := w.Poll().ID()
			start := time.Now()
			if r := w.Post("response", id, "x"); r.Status != 200 || time.Since(start) < 2*time.Second {
				t.Errorf("status %d after %v", r.Status, time.Since(start))
			}
			r := testkit.Await(t, done, "the outcome")
			if late := r.Duration >= 2*time.Second; late != (kind == "stall") {
				t.Errorf("%s: the outcome took %v", kind, r.Duration)
			}
		})
	}
}

func TestAStreamIsCutByTheRule(t *testing.T) {
	a, addr := faulty(t, "post:cut=10", api.Config{Streaming: true})
	done := fgtest.Invoke(a, api.Event{})
	w := fgtest.Dial(t, addr)
	id := w.Poll().ID()
	stream := fgtest.Dial(t, addr)
	stream.OpenStream(id)
	stream.Chunk(strings.Repeat("x", 100))
	if r := stream.Receive(); !fgtest.IsReset(r.Err) {
		t.Error(r)
	}
	if r := w.Post("error", id, "{}"); r.Status != 200 {
		t.Error(r)
	}
	if r := testkit.Await(t, done, "the outcome"); !r.Cut || !r.Failed {
		t.Error(r)
	}
}

func TestFaultsCanBeAddedLater(t *testing.T) {
	a, addr := newAPI(t, api.Config{})
	if err := a.Inject(api.Faults{{Door: api.DoorPoll, Kind: "500"}}); err != nil {
		t.Fatal(err)
	}
	w := fgtest.Dial(t, addr)
	if r := w.Poll(); r.Status != 500 {
		t.Error(r)
	}
}
