package httpproxy_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/modes/httpproxy"
)

func addReasonPrograms() {
	programs["explains and exits"] = func() {
		fmt.Fprintln(os.Stderr, "DatabaseError: no such host db.internal")
		serve(listen(), func(l *link, r *http.Request) bool {
			switch r.URL.Path {
			case "/fine":
				fmt.Fprintln(os.Stderr, "order 4711 of somebody")
				l.answer("fine")
				return true
			case "/drop":
				return false
			}
			os.Exit(3)
			return false
		})
	}
	programs["explains and exits at a connection"] = func() {
		listener := listen()
		fmt.Fprintln(os.Stderr, "DatabaseError: no such host db.internal")
		conn, err := listener.Accept() // asks whether it is ready, and may get the first event
		if err != nil {
			os.Exit(4)
		}
		go func() {
			_, _ = conn.Read(make([]byte, 1))
			os.Exit(3)
		}()
		_, _ = listener.Accept()
		os.Exit(3)
	}
}

// What a server said before it had any event is about nobody's: whoever meets its end may
// read why.
func TestAServerThatSaysWhyBeforeItsFirstEventAndDiesInItIsQuoted(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"explains and exits", "explains and exits at a connection"} {
		h := open(t, program, nil)
		for _, event := range []string{call("GET", "/any", ""), call("POST", "/any", "body"), `{"some":"event"}`} {
			told := h.fails(event, testkit.Patience, "Runtime.ExitError", "exited with code 3", "DatabaseError: no such host db.internal")
			if len(told.Stack) == 0 {
				t.Errorf("%s: the stack is empty", program)
			}
		}
	}
}

func TestAServerThatSaysWhyBeforeItsFirstEventAndDropsItIsQuoted(t *testing.T) {
	t.Parallel()
	h := open(t, "explains and exits", nil)
	told := h.fails(call("POST", "/drop", ""), testkit.Patience, "Runtime.ProtocolError", "did not answer POST /drop")
	if got := strings.Join(told.Stack, "\n"); !strings.Contains(got, "no such host db.internal") {
		t.Errorf("got %q", got)
	}
}

func TestALineOfBeforeTheFirstEventHasNoID(t *testing.T) {
	t.Parallel()
	h := open(t, "explains and exits", nil)
	h.answer(call("GET", "/fine", ""))
	testkit.Eventually(t, "both lines are in the log", func() bool {
		return h.logs.FilterMessageSnippet("no such host").Len() > 0 && h.logs.FilterMessageSnippet("order 4711").Len() > 0
	})
	for _, line := range h.logs.FilterMessageSnippet("no such host").All() {
		if id, given := line.ContextMap()["requestId"]; given {
			t.Errorf("it has the id %v", id)
		}
	}
}

// After an event, what the server said may be about that one, also where it said it before.
func TestWhatAServerSaidBeforeAnEventIsNotForTheNextCaller(t *testing.T) {
	t.Parallel()
	for _, ready := range []string{"", "/fine"} {
		h := open(t, "explains and exits", func(c *httpproxy.Config) { c.ReadyPath = ready })
		h.answer(call("GET", "/fine", ""))
		time.Sleep(10 * time.Millisecond)
		told := h.fails(call("GET", "/exit", ""), testkit.Patience, "Runtime.ExitError", "exited with code 3")
		if text := told.Message + strings.Join(told.Stack, "\n"); strings.Contains(text, "4711") {
			t.Errorf("ready path %q: got %s", ready, text)
		}
	}
}
