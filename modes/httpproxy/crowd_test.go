package httpproxy_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/modes/httpproxy"
)

// moody answers with the id that it is asked for, in a header and in the body, and does
// with the connection what comes to its mind.
func moody(l *link, r *http.Request) bool {
	id := r.Header.Get("X-Id")
	fmt.Fprintln(os.Stderr, "card of", id)
	head := "HTTP/1.1 200 OK\r\nX-Id: " + id + "\r\n"
	body := id + strings.Repeat(".", rand.IntN(3000)) + id
	whole := fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
	mood := rand.IntN(1000)
	switch {
	case mood < 2:
		os.Exit(7)
	case mood < 30:
		return false
	case mood < 60: // before the body has been read
		l.say("%s", whole)
		return false
	case mood < 90:
		l.say("%s", whole[:rand.IntN(len(whole))])
		return false
	case mood < 120:
		l.say("%sConnection: close\r\n\r\n%s", head, body)
		return false
	case mood < 150: // another answer that nobody has asked for
		l.say("%s", whole+whole)
	case mood < 200:
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
		l.say("%s", whole)
	case mood < 400:
		l.say("%sTransfer-Encoding: chunked\r\n\r\n", head)
		for rest := body; rest != ""; {
			n := 1 + rand.IntN(len(rest))
			l.say("%x\r\n%s\r\n", n, rest[:n])
			rest = rest[n:]
		}
		if mood < 220 {
			return false
		}
		l.say("0\r\n\r\n")
	case mood < 500:
		cut := rand.IntN(len(whole))
		l.say("%s", whole[:cut])
		time.Sleep(time.Millisecond)
		l.say("%s", whole[cut:])
	default:
		l.say("%s", whole)
	}
	return mood%10 > 0
}

var anID = regexp.MustCompile(`id-\d{5}-`)

func TestNobodyGetsTheAnswerOfAnother(t *testing.T) {
	t.Parallel()
	h := open(t, "moody", atATime(16))
	var next, answered, failed atomic.Int64
	var pollers sync.WaitGroup
	for range 16 {
		pollers.Go(func() {
			for n := next.Add(1); n <= 5000; n = next.Add(1) {
				id := fmt.Sprintf("id-%05d-", n)
				method := []string{"GET", "POST"}[n%2]
				body := strings.Repeat("x", rand.IntN(2)*rand.IntN(100<<10))
				got, err := h.invoke(id, call(method, "/", body, headers(object{"x-id": id})), testkit.Patience)
				text := got
				var told *adapter.Error
				switch {
				case errors.As(err, &told):
					failed.Add(1)
					text = told.Message + strings.Join(told.Stack, " ")
				case err != nil:
					t.Errorf("%s: %v", id, err)
				default:
					answered.Add(1)
					if e, err := readEnvelope(got); err != nil || e.Headers["X-Id"] != id || !strings.HasPrefix(e.Body, id) || !strings.HasSuffix(e.Body, id) {
						t.Errorf("%s: got %v, %v", id, e, err)
					}
				}
				for _, other := range anID.FindAllString(text, -1) {
					if other != id {
						t.Errorf("%s gets what is about %s: %s", id, other, text)
					}
				}
			}
		})
	}
	pollers.Wait()
	t.Logf("%d answered, %d failed", answered.Load(), failed.Load())
	if answered.Load() < 2500 {
		t.Errorf("only %d are answered", answered.Load())
	}
}

func TestAReasonThatIsToldToOthersHasNothingOfAnEvent(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", nil)
	for n := range 8 { // the last of them are refused
		id := fmt.Sprintf("id-%05d-", n)
		_, err := h.invoke(id, script("POST", step{Stderr: "card of " + id}, step{Exit: code(7)}), testkit.Patience)
		var told *adapter.Error
		if !errors.As(err, &told) {
			t.Fatalf("got %v", err)
		}
		text := told.Message + strings.Join(told.Stack, " ")
		for _, other := range anID.FindAllString(text, -1) {
			if other != id {
				t.Errorf("%s reads %s", id, text)
			}
		}
		if n == 0 && !strings.Contains(text, "card of") {
			t.Errorf("its own caller does not learn what was said: %s", text)
		}
	}
}

func TestAnEventThatAServerDidNotLiveToReadLearnsNothingOfItsEnd(t *testing.T) {
	t.Parallel()
	for range 20 {
		h := open(t, "scripted server", atATime(16))
		var all sync.WaitGroup
		for n := range 16 {
			all.Go(func() {
				id := fmt.Sprintf("id-%05d-", n)
				_, err := h.invoke(id, script("POST", step{Stderr: "card of " + id}, step{Exit: code(7)}), testkit.Patience)
				var told *adapter.Error
				if !errors.As(err, &told) {
					t.Errorf("got %v", err)
					return
				}
				for _, other := range anID.FindAllString(told.Message+strings.Join(told.Stack, " "), -1) {
					if other != id {
						t.Errorf("%s gets what is about %s: %s", id, other, told.Message)
					}
				}
			})
		}
		all.Wait()
	}
}

func TestAnErrorOfAnEventThatWasNotAloneHasNoLinesOfStderr(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", atATime(2))
	var neighbour sync.WaitGroup
	neighbour.Go(func() {
		_, _ = h.invoke("other", script("GET", step{Stderr: "card of another"}, step{Hang: true}), time.Second)
	})
	testkit.Eventually(t, "the neighbour is there", func() bool { return h.logs.FilterMessageSnippet("another").Len() > 0 })
	for _, event := range []string{script("GET", step{Hang: true}), script("GET", step{Close: true}), script("POST", step{Exit: code(7)})} {
		_, err := h.invoke("mine", event, 300*time.Millisecond)
		var told *adapter.Error
		if !errors.As(err, &told) {
			t.Fatalf("got %v", err)
		}
		if text := told.Message + strings.Join(told.Stack, ""); strings.Contains(text, "card of another") {
			t.Errorf("got %s", text)
		}
	}
	neighbour.Wait()
}

func TestSecretsAreInNoErrorAndNoLine(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", func(c *httpproxy.Config) {
		c.Fails = func(status int) bool { return status >= 500 }
	})
	const planted = "a planted secret, token-of-an-event"
	const hidden = "****, ****"
	for _, answer := range []string{
		planted + "\r\n",
		"HTTP/1.1 200 OK\r\nbroken " + planted + "\r\n\r\n",
		"HTTP/1.1 500 Broken\r\nContent-Length: 35\r\n\r\n" + planted,
		"HTTP/1.1 500 Broken\r\nContent-Type: application/json\r\nContent-Length: 54\r\n\r\n" + `{"errorMessage":"` + planted + `"}`,
	} {
		_, err := h.invoke("id", saysAndCloses(answer), testkit.Patience)
		var told *adapter.Error
		if !errors.As(err, &told) {
			t.Fatalf("%q: got %v", answer, err)
		}
		if text := told.Message + strings.Join(told.Stack, ""); strings.Contains(text, "planted") || strings.Contains(text, "token-of") || !strings.Contains(text, hidden) {
			t.Errorf("got %s", text)
		}
	}
	h.answer(script("GET", step{Stderr: planted, Write: ok}))
	testkit.Eventually(t, "the line is there", func() bool { return h.logs.FilterMessage(hidden).Len() == 1 })
}
