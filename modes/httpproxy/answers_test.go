package httpproxy_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/testkit"
	"fgbootstrap/modes/httpproxy"
)

func TestAnswersOfAllKindsReachTheCaller(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", nil)
	long := bytesOf(200 << 10)
	for name, c := range map[string]struct {
		event  string
		status int
		body   string
	}{
		"with a length":           {says("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"), 200, "body"},
		"of no bytes":             {says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), 200, ""},
		"without a reason":        {says("HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n"), 404, ""},
		"of 999":                  {says("HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n"), 999, ""},
		"and Connection: close":   {saysAndCloses("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody"), 200, "body"},
		"and Connection: Close":   {saysAndCloses("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 4\r\n\r\nbody"), 200, "body"},
		"chunked":                 {says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2;ext=1\r\ndy\r\n0\r\n\r\n"), 200, "body"},
		"chunked, with a trailer": {says("HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n"), 200, "body"},
		"chunked and closed at once": {saysAndCloses("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"),
			200, "body"},
		"chunked, of HTTP/1.0":         {saysAndCloses("HTTP/1.0 200 OK\r\n\r\nbody"), 200, "body"},
		"of HTTP/1.0 that keeps":       {says("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbody"), 200, "body"},
		"to the end of the connection": {saysAndCloses("HTTP/1.1 200 OK\r\n\r\nbody"), 200, "body"},
		"long, to the end":             {saysAndCloses("HTTP/1.1 200 OK\r\n\r\n" + long), 200, long},
		"long, of bytes":               {says(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: %d\r\n\r\n%s", len(long), long)), 200, long},
		"in pieces":                    {script("GET", pieces("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")...), 200, "body"},
		"chunked, in pieces":           {script("GET", pieces("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n")...), 200, "body"},
		"after 100 Continue":           {says("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"), 200, "body"},
		"after 103 Early Hints":        {says("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"), 200, "body"},
		"after both, in pieces":        {script("GET", pieces("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")...), 200, "body"},
		"HEAD":                         {script("HEAD", step{Write: "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"}), 200, ""},
		"HEAD, chunked":                {script("HEAD", step{Write: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"}), 200, ""},
		"HEAD, of no length":           {script("HEAD", step{Write: "HTTP/1.1 200 OK\r\n\r\n"}), 200, ""},
		"204":                          {says("HTTP/1.1 204 No Content\r\n\r\n"), 204, ""},
		"304 with a length":            {says("HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n"), 304, ""},
		"204 that is chunked":          {says("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"), 204, ""},
		"a redirection, not followed":  {says("HTTP/1.1 302 Found\r\nLocation: /pid\r\nContent-Length: 0\r\n\r\n"), 302, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := h.invoke("id", c.event, testkit.Patience)
			if err != nil {
				t.Fatal(err)
			}
			e, err := readEnvelope(got)
			if err != nil || e.StatusCode != c.status || e.Body != c.body {
				t.Errorf("got %d, %.100q, %v", e.StatusCode, e.Body, err)
			}
			// Whatever it was, the next event is not touched by it.
			if got := h.answer(says("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext")); got.Body != "next" {
				t.Errorf("the next: got %q", got.Body)
			}
		})
	}
}

// pieces writes a text byte by byte, as far as that matters.
func pieces(text string) (steps []step) {
	for _, c := range text {
		steps = append(steps, step{Write: string(c), Pause: 1})
	}
	return steps
}

func TestWhatIsNoWholeAnswerIsAnErrorThatSaysSo(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", nil)
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, c := range map[string]struct{ event, message string }{
		"chunked, cut in a chunk":            {saysAndCloses(chunked + "9\r\nbody"), "in the middle of its answer to GET /script"},
		"chunked, cut between two":           {saysAndCloses(chunked + "4\r\nbody\r\n"), "in the middle"},
		"chunked, cut before the first":      {saysAndCloses(chunked), "in the middle"},
		"chunked, cut in a size":             {saysAndCloses(chunked + "4\r\nbody\r\n1"), "in the middle"},
		"chunked, cut in the last":           {saysAndCloses(chunked + "4\r\nbody\r\n0\r\n"), "in the middle"},
		"chunked, of nonsense":               {saysAndCloses(chunked + "zz\r\nbody\r\n"), "can't be read to its end: empty hex number"},
		"shorter than it says":               {saysAndCloses("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody"), "in the middle"},
		"long and shorter than it says":      {saysAndCloses("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + bytesOf(200000)), "in the middle"},
		"long bytes, shorter than it says":   {saysAndCloses("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 300000\r\n\r\n" + bytesOf(200000)), "in the middle"},
		"of no length, with a reset":         {script("GET", step{Write: "HTTP/1.1 200 OK\r\n\r\nbody", Pause: 100}, step{Reset: true}), "in the middle"},
		"nothing":                            {script("GET", step{Close: true}), "did not answer GET /script"},
		"nothing, with a reset":              {script("GET", step{Reset: true}), "did not answer GET /script"},
		"101":                                {says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), "switched to another protocol (status 101)"},
		"nonsense":                           {says("SSH-2.0-OpenSSH_9.9\r\n"), "is not HTTP: it begins with «SSH-2.0-OpenSSH_9.9"},
		"nonsense bytes":                     {says("\x00\xff\x01\n\n"), "is not HTTP"},
		"half a line":                        {saysAndCloses("HTTP/1.1 20"), "it begins with «HTTP/1.1 20»"},
		"half a line, in pieces":             {script("GET", append(pieces("HTTP/1.1 20"), step{Close: true})...), "it begins with «HTTP/1.1 20»"},
		"half a head":                        {saysAndCloses("HTTP/1.1 200 OK\r\nContent-Len"), "The head of the server's answer is broken"},
		"no status":                          {says("HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n"), "The head of the server's answer is broken"},
		"a status of two digits":             {says("HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"), "The head of the server's answer is broken"},
		"a status of 099":                    {says("HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n"), "The head of the server's answer is broken"},
		"a status of four digits":            {says("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"), "The head of the server's answer is broken"},
		"a head over 64 KB":                  {says("HTTP/1.1 200 OK\r\nX-A: " + bytesOf(66<<10) + "\r\nContent-Length: 0\r\n\r\n"), "longer than 64 KB"},
		"a head that never ends":             {script("GET", step{Write: "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: b\r\n", 10000)}, step{Hang: true}), "longer than 64 KB"},
		"NUL in a header":                    {says("HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 0\r\n\r\n"), "The head of the server's answer is broken"},
		"a header without a name":            {says("HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 0\r\n\r\n"), "The head of the server's answer is broken"},
		"two lengths":                        {says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok"), "The head of the server's answer is broken"},
		"a length that is none":              {says("HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok"), "The head of the server's answer is broken"},
		"a negative length":                  {says("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok"), "The head of the server's answer is broken"},
		"announcements without end":          {says(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 1000)), "keeps announcing an answer (1xx)"},
		"an alert of TLS":                    {saysAndCloses("\x15\x03\x01\x00\x02\x02\x46"), "speaks HTTPS"},
		"an alert of TLS that is left open":  {says("\x15\x03\x01\x00\x02\x02\n"), "speaks HTTPS"},
		"an alert of TLS, in pieces":         {script("GET", append(pieces("\x15\x03\x01\x00\x02\x02\x46"), step{Close: true})...), "speaks HTTPS"},
		"an answer of some other line first": {says("hello\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "is not HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := h.invoke("id", c.event, 5*time.Second)
			var told *adapter.Error
			if !errors.As(err, &told) || told.Type != "Runtime.ProtocolError" || !strings.Contains(told.Message, c.message) {
				t.Errorf("got %.200q, %v", got, err)
			}
			if got := h.answer(says("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext")); got.Body != "next" {
				t.Errorf("the next: got %q", got.Body)
			}
		})
	}
	pid := h.pid()
	if n := h.logs.FilterMessageSnippet("restarting").Len(); n > 0 {
		t.Errorf("the server %s was restarted for what it said", pid)
	}
}

func TestAnswerHeadersReachTheCallerAsTheyAre(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", nil)
	for name, c := range map[string]struct {
		fields string
		want   map[string]any
	}{
		"one":             {"X-A: b", map[string]any{"X-A": "b"}},
		"several cookies": {"Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nSet-Cookie: a=3; Path=/x", map[string]any{"Set-Cookie": []any{"a=1; Path=/", "b=2", "a=3; Path=/x"}}},
		"one cookie":      {"Set-Cookie: a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT", map[string]any{"Set-Cookie": "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT"}},
		"repeated":        {"Link: <a>\r\nX-A: 1\r\nlink: <b>", map[string]any{"Link": []any{"<a>", "<b>"}, "X-A": "1"}},
		"Latin-1":         {"X-A: caf\xe9", map[string]any{"X-A": "café"}},
		"UTF-8":           {"X-A: café €", map[string]any{"X-A": "café €"}},
		"quotes":          {`X-A: "a\b"`, map[string]any{"X-A": `"a\b"`}},
		"empty":           {"X-A:", map[string]any{"X-A": ""}},
		"a tab":           {"X-A: a\tb", map[string]any{"X-A": "a\tb"}},
		"hop by hop":      {"Keep-Alive: timeout=5\r\nConnection: keep-alive\r\nProxy-Connection: x\r\nX-A: 1", map[string]any{"X-A": "1"}},
		"of the library":  {"Server: mine\r\nDate: today\r\nContent-Encoding: identity\r\nContent-Type: a/b", map[string]any{"Server": "mine", "Date": "today", "Content-Encoding": "identity", "Content-Type": "a/b"}},
	} {
		t.Run(name, func(t *testing.T) {
			// JSON can't carry a byte alone, so the scripted server gets it from its path.
			got := h.answer(call("GET", "/fields", "", object{"queryStringParameters": object{"hex": fmt.Sprintf("%x", c.fields)}}))
			delete(got.Headers, "Content-Length")
			if !reflect.DeepEqual(got.Headers, c.want) {
				t.Errorf("got %v", got.Headers)
			}
		})
	}
	t.Run("ten thousand", func(t *testing.T) {
		var fields strings.Builder
		for n := range 4000 {
			fmt.Fprintf(&fields, "%x:%x\r\n", n, n)
		}
		for n := range 3000 {
			fmt.Fprintf(&fields, "x:%d\r\n", n%10)
		}
		got := h.answer(says("HTTP/1.1 200 OK\r\n" + fields.String() + "Content-Length: 0\r\n\r\n"))
		if many, _ := got.Headers["X"].([]any); len(got.Headers) != 4002 || len(many) != 3000 {
			t.Errorf("got %d headers, %d of the same name", len(got.Headers), len(many))
		}
	})
}

func TestTextGoesAsTextAndAnythingElseAsBase64(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", nil)
	for name, c := range map[string]struct {
		fields, body string
		text         bool
	}{
		"text":                         {"Content-Type: text/plain", "Grüße", true},
		"text that says so":            {"Content-Type: text/html; charset=UTF-8", "Grüße", true},
		"text that says so in quotes":  {`Content-Type: text/html; charset="utf-8"; x=y`, "Grüße", true},
		"text that says something odd": {"Content-Type: text/html; charset=iso-8859-1", "abc", false},
		"text without a type":          {"X-A: b", "abc", true},
		"compressed, though it is text": {
			"Content-Encoding: gzip", "abc", false},
		"bytes":                             {"Content-Type: text/plain", "a\xffb", false},
		"bytes at the end":                  {"Content-Type: text/plain", bytesOf(60<<10) + "\xff", false},
		"bytes after 200 KB":                {"Content-Type: text/plain", bytesOf(200<<10) + "\xff", false},
		"bytes at first":                    {"Content-Type: text/plain", "\xff" + bytesOf(200<<10), false},
		"a rune over the border of 48 KB":   {"X-A: b", bytesOf(48<<10-1) + "€" + bytesOf(48<<10), true},
		"half a rune at the border":         {"X-A: b", bytesOf(48<<10-1) + "\xe2", false},
		"a rune over every border of 48 KB": {"X-A: b", "a" + strings.Repeat("€", 100<<10), true},
		"48 KB":                             {"X-A: b", bytesOf(48 << 10), true},
		"a byte more":                       {"X-A: b", bytesOf(48<<10 + 1), true},
		"control characters, quotes, slashes": {
			"X-A: b", "\x00\x01\"\\/\u2028\x7f\r\n\t", true},
	} {
		t.Run(name, func(t *testing.T) {
			event := call("GET", "/fields", "", object{"queryStringParameters": object{"hex": fmt.Sprintf("%x", c.fields), "body": fmt.Sprintf("%x", c.body)}})
			got := h.answer(event)
			if got.Body != c.body || got.IsBase64Encoded == c.text {
				t.Errorf("got %d bytes, base64 %v", len(got.Body), got.IsBase64Encoded)
			}
		})
	}
}

func TestAnAnswerOverTheLimitIsRefusedAndHurtsNobody(t *testing.T) {
	t.Parallel()
	for name, streaming := range map[string]bool{"held": false, "streamed": true} {
		t.Run(name, func(t *testing.T) {
			h := open(t, "scripted server", nil)
			h.limit, h.streaming = 300<<10, streaming
			pid := h.pid()
			body := bytesOf(400 << 10)
			for name, event := range map[string]string{
				"declared text":    says(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)),
				"undeclared text":  saysAndCloses("HTTP/1.1 200 OK\r\n\r\n" + body),
				"chunked text":     says(fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)),
				"declared bytes":   says(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: %d\r\n\r\n%s", len(body), body)),
				"undeclared bytes": saysAndCloses("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n" + body),
				"a lie":            says("HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n" + body),
				"a lie of bytes":   says("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 999999999999999\r\n\r\n" + body),
				"base64 that is":   says(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: %d\r\n\r\n%s", 290<<10, body[:290<<10])),
				"quotes that are":  saysAndCloses("HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat(`"`, 240<<10)),
				"without an end":   script("GET", step{Write: "HTTP/1.1 200 OK\r\n\r\n" + body}, step{Hang: true}),
			} {
				size := ""
				switch name {
				case "declared text", "declared bytes":
					size = "409600 bytes, more than the 307200"
				case "base64 that is":
					if !streaming {
						size = "base64, which takes a third more"
					}
				case "a lie", "a lie of bytes":
					size = "999999999999999 bytes, more than the 307200"
				}
				h.fails(event, testkit.Patience, "FunctionResponseTooLarge", "BOOTSTRAP_MAX_RESPONSE", size)
				if got := h.pid(); got != pid {
					t.Fatalf("%s: the server was restarted", name)
				}
			}
		})
	}
}

// Quotes take two bytes in a JSON string and zeros six.
func TestTextThatFitsInBase64OnlyIsNotRefused(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", nil)
	h.limit = 300 << 10
	for name, body := range map[string]string{
		"quotes":            strings.Repeat(`"`, 200<<10),
		"zeros":             strings.Repeat("\x00", 200<<10),
		"zeros in one read": strings.Repeat("\x00", 80<<10),
		"quotes at the end": bytesOf(140<<10) + strings.Repeat(`"`, 84<<10),
	} {
		if got := h.answer(saysAndCloses("HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n" + body)); !got.IsBase64Encoded || got.Body != body || got.Headers["X-A"] != "b" {
			t.Errorf("%s: got %d bytes, base64 %t, %v", name, len(got.Body), got.IsBase64Encoded, got.Headers)
		}
	}
	if got := h.answer(saysAndCloses("HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat(`"`, 140<<10))); got.IsBase64Encoded {
		t.Error("what fits as text goes as base64")
	}
}

// The library that reads heads insists on CR LF.
func TestNoAnswerIsRefusedForLinesThatEndInLineFeedsAlone(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", nil)
	for name, answer := range map[string]string{
		"all of them":               "HTTP/1.1 200 OK\nX-A: b\nContent-Length: 4\n\nbody",
		"the last two":              "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 4\n\nbody",
		"the first":                 "HTTP/1.1 200 OK\nX-A: b\r\nContent-Length: 4\r\n\r\nbody",
		"the end alone":             "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 4\r\n\nbody",
		"those of an announcement":  "HTTP/1.1 103 Early Hints\nLink: </a>\n\nHTTP/1.1 200 OK\nX-A: b\nContent-Length: 4\n\nbody",
		"after blank lines":         "\n\r\nHTTP/1.1 200 OK\nX-A: b\nContent-Length: 4\n\nbody",
		"with a header folded":      "HTTP/1.1 200 OK\nX-A:\n b\nContent-Length: 4\n\nbody",
		"and the body has an empty": "HTTP/1.1 200 OK\nX-A: b\nContent-Length: 4\n\n\r\n\r\n",
		"of chunks":                 "HTTP/1.1 200 OK\nX-A: b\nTransfer-Encoding: chunked\n\n4\r\nbody\r\n0\r\n\r\n",
	} {
		want := "body"
		if strings.HasSuffix(name, "empty") {
			want = "\r\n\r\n"
		}
		for _, event := range []string{says(answer), saysAndCloses(answer), script("GET", append(pieces(answer), step{Close: true})...)} {
			if got := h.answer(event); got.Body != want || got.Headers["X-A"] != "b" {
				t.Errorf("%s: got %v", name, got)
			}
		}
	}
	h = open(t, "answers in LF", func(c *httpproxy.Config) { c.ReadyPath = "/health" })
	if got := h.answer(call("GET", "/", "")); got.Body != "up\n" {
		t.Errorf("got %q", got.Body)
	}
}

func TestAnAnswerIsNotRefusedForAHeaderNameThatHTTPDoesNotAllow(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"X A", "X(A)", "X-Ü", "X/A", `X"A`, "X\x01A", "X@A", "[X]"} {
		h := open(t, "scripted server", nil)
		for _, end := range []string{"\r\n", "\n"} {
			for range 2 {
				got := h.answer(says(strings.Join([]string{"HTTP/1.1 200 OK", name + ": b", "X-C: d", "Content-Length: 4", "", "body"}, end)))
				if got.Body != "body" || got.Headers["X-C"] != "d" || len(got.Headers) != 2 {
					t.Errorf("%q: got %v", name, got)
				}
			}
		}
		if n := h.logs.FilterMessageSnippet("whose name HTTP does not allow").Len(); n != 1 {
			t.Errorf("%q: the log says so %d times", name, n)
		}
	}
}

func TestATransferCodingThatCantBeUndoneIsNamed(t *testing.T) {
	t.Parallel()
	h := open(t, "scripted server", nil)
	for _, value := range []string{"gzip, chunked", "gzip", "deflate", "identity", "x-own"} {
		for _, end := range []string{"\r\n", "\n"} {
			answer := strings.Join([]string{"HTTP/1.1 200 OK", "transfer-encoding: " + value, "", ""}, end)
			h.fails(says(answer), testkit.Patience, "Runtime.ProtocolError", "Transfer-Encoding «"+value+"»", "Content-Encoding")
		}
	}
}

// A server that closes the connection before it has read all of a request resets it by that.
func TestAnEarlyRefusalIsNotLostToAReset(t *testing.T) {
	t.Parallel()
	h := open(t, "refuses early", nil)
	large := bytesOf(70 << 10)
	for status, event := range map[int]string{
		431: call("GET", "/431", "", headers(object{"x-large": large})),
		413: call("POST", "/413", bytesOf(3<<20)),
		400: call("POST", "/400", "a small body"),
		302: call("PUT", "/302", large),
		503: call("GET", "/503", ""),
	} {
		for range 20 {
			if got := h.answer(event); got.StatusCode != status {
				t.Errorf("want %d, got %d %q", status, got.StatusCode, got.Body)
			}
		}
	}
	// Of a page of success a part may be missing.
	h.fails(call("GET", "/200", "", headers(object{"x-large": large})), testkit.Patience, "Runtime.ProtocolError", "in the middle of its answer")
}
