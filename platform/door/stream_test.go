package door_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"fgbootstrap/platform"
	"fgbootstrap/platform/door"
	"fgbootstrap/platform/fgtest"
)

// streamingDoor is a door to a function that streams, whose bootstrap is the test.
func streamingDoor(t *testing.T) (*door.Door, *platform.Platform) {
	t.Helper()
	p, _ := fgtest.Function(t, "idle", func(_ *platform.Function, o *platform.Options) { o.API.Streaming = true })
	return doorOf(t, p), p
}

// visitor is a client of the door whose function is at work on the answer.
type visitor struct {
	t                *testing.T
	client, function *fgtest.Wire
	id               string
}

func visit(t *testing.T, d *door.Door, p *platform.Platform, request string) visitor {
	t.Helper()
	v := visitor{t: t, client: fgtest.Dial(t, d.Addr()), function: fgtest.Dial(t, p.Addr())}
	v.client.Send(request)
	v.id = v.function.Poll().ID()
	v.function.OpenStream(v.id)
	return v
}

// answer reads the head of the answer.
func (v visitor) answer() *http.Response {
	v.t.Helper()
	resp, err := http.ReadResponse(v.client.In, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp
}

// sends has the function send a piece and wants the client to have these bytes before anything else is sent.
func (v visitor) sends(body io.Reader, piece, arrives string) {
	v.t.Helper()
	v.function.Chunk(piece)
	buf := make([]byte, len(arrives))
	if _, err := io.ReadFull(body, buf); err != nil || string(buf) != arrives {
		v.t.Fatalf("got %q, %v, want %q", buf, err, arrives)
	}
}

// ends has the function end its stream and wants the answer to end, too.
func (v visitor) ends(body io.Reader) {
	v.t.Helper()
	v.function.EndStream()
	if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
		v.t.Errorf("at the end: got %q, %v", rest, err)
	}
	if r := v.function.Receive(); r.Status != 200 {
		v.t.Error(r)
	}
}

const (
	rawCall = "POST /_fg/invoke HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"
	webCall = "GET /page HTTP/1.1\r\nHost: h\r\n\r\n"
)

func TestTheRawDoorHandsAStreamOnAsItArrives(t *testing.T) {
	d, p := streamingDoor(t)
	v := visit(t, d, p, rawCall)
	v.function.Chunk("first")
	resp := v.answer()
	if resp.StatusCode != 200 || resp.Header.Get("X-Cff-Request-Id") != v.id {
		t.Error(resp)
	}
	v.sends(resp.Body, " second", "first second")
	v.sends(resp.Body, " third", " third")
	v.ends(resp.Body)
	v = visit(t, d, p, rawCall)
	v.function.EndStream() // a stream of nothing
	if resp := v.answer(); resp.StatusCode != 200 || resp.ContentLength != 0 {
		t.Error(resp)
	}
}

func TestWhatTheGatewayDoesNotKnowInAStreamedEnvelopeIsWarnedOf(t *testing.T) {
	p, log := fgtest.Function(t, "idle", func(_ *platform.Function, o *platform.Options) { o.API.Streaming = true })
	d := doorOf(t, p)
	v := visit(t, d, p, webCall)
	v.function.Chunk(`{"statusCode":200,"cookies":["a=b"],"multiValueHeaders":{"A":["b"]},"isBase64Encoded":true,"body":"eA=="}`)
	v.function.EndStream()
	if body, err := io.ReadAll(v.answer().Body); string(body) != "x" || err != nil {
		t.Errorf("got %q, %v", body, err)
	}
	for _, name := range []string{"multiValueHeaders", "cookies"} {
		if !strings.Contains(log.String(), "warning: the result of request '"+v.id+"' has "+name+", which the API gateway does not know") {
			t.Errorf("%s is not warned of", name)
		}
	}
}

func TestTheGatewayHandsTheBodyOfAStreamedEnvelopeOnAsItArrives(t *testing.T) {
	d, p := streamingDoor(t)
	for _, open := range []string{
		`{"statusCode":201,"headers":{"Content-Type":"text/event-stream","Set-Cookie":["a=1","b=2"]},"isBase64Encoded":true,"body":"`,
		" {\n\"isBase64Encoded\" : true, \"more\": [1], \"headers\": {\"content-type\": \"text/event-stream\", \"set-cookie\":[\"a=1\",\"b=2\"]},\r\n\"statusCode\":201, \"body\" :\t\"",
	} {
		v := visit(t, d, p, webCall)
		for _, c := range open {
			v.function.Chunk(string(c)) // cut anywhere
		}
		v.function.Chunk("ZGF0")
		resp := v.answer()
		if resp.StatusCode != 201 || resp.Header.Get("Content-Type") != "text/event-stream" || len(resp.Header["Set-Cookie"]) != 2 {
			t.Error(resp)
		}
		v.sends(resp.Body, "YTog", "data: ")
		v.function.Chunk("MQ") // of which no byte can be told yet
		v.sends(resp.Body, "oK", "1\n\n")
		v.sends(resp.Body, `\/\/8\/`, "\xff\xff?")
		v.function.Chunk(`/w=="`)
		v.function.Chunk(` , "later": {} }`)
		got := make([]byte, 1)
		if _, err := io.ReadFull(resp.Body, got); err != nil || got[0] != 0xff {
			t.Errorf("got %q, %v", got, err)
		}
		v.ends(resp.Body)
	}
}

func TestTheGatewayHandsStreamedTextOnAsItArrives(t *testing.T) {
	d, p := streamingDoor(t)
	v := visit(t, d, p, webCall)
	v.function.Chunk(`{"statusCode":200,"headers":{"Content-Type":"text/event-stream"},"isBase64Encoded":false,"body":"d`)
	resp := v.answer()
	v.sends(resp.Body, `ata: 1\n\n`, "data: 1\n\n")
	v.sends(resp.Body, "€", "€")
	v.function.Chunk(`\`)
	v.sends(resp.Body, `n`, "\n")
	v.function.Chunk(`\uD83`)
	v.function.Chunk(`d\u`)
	v.sends(resp.Body, `de00x`, "😀x")
	v.sends(resp.Body, `\"\/\u00e9\u0000\ud800x`, "\"/é\x00\ufffdx")
	v.sends(resp.Body, `\ud800\u0041\ud800\ud800\udc00.`, "\ufffdA\ufffd\U00010000.")
	v.function.Chunk(`"`)
	v.function.Chunk(` , "later": {} }`)
	v.ends(resp.Body)
}

func TestAStreamedEnvelopeThatIsNotInOrderIsUnwrappedAtItsEnd(t *testing.T) {
	d, p := streamingDoor(t)
	for envelope, want := range map[string]string{
		`{"body":"hi","statusCode":200}`:                                    "hi",
		`{"statusCode":200,"body":"hi","isBase64Encoded":false}`:            "hi",
		`{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`:           "hi",
		`{"statusCode":200,"isBase64Encoded":true,"headers":{"a":"b"}}`:     "",
		`{"statusCode":7,"isBase64Encoded":true,"body":"aGk="}`:             "FSS.1206",
		`{"isBase64Encoded":true,"body":"aGk="}`:                            "FSS.1206",
		`{"statusCode":200,"isBase64Encoded":true,"headers":1,"body":"aGk=`: "FSS.1206",
		`not JSON`: "FSS.1206",
	} {
		v := visit(t, d, p, webCall)
		v.function.Chunk(envelope[:2])
		v.function.Chunk(envelope[2:])
		v.function.EndStream()
		resp := v.answer()
		body, err := io.ReadAll(resp.Body)
		if err != nil || want == "FSS.1206" && !strings.Contains(string(body), want) || want != "FSS.1206" && string(body) != want {
			t.Errorf("%s: got %q, %v", envelope, body, err)
		}
	}
}

func TestAnAnswerBreaksOffWhereItsStreamDoes(t *testing.T) {
	d, p := streamingDoor(t)
	const open = `{"statusCode":200,"isBase64Encoded":true,"body":`
	const text = `{"statusCode":200,"isBase64Encoded":false,"body":`
	fails := func(v visitor) {
		if _, err := v.client.In.Peek(1); err != nil { // a reset takes away what has not been read
			t.Error(err)
		}
		v.function.Abort()
		if r := fgtest.Dial(t, p.Addr()).Post("error", v.id, `{"errorMessage":"it failed"}`); r.Status != 200 {
			t.Error(r)
		}
	}
	for name, c := range map[string]struct {
		request, first string
		breaks         func(visitor) // nil: the function's stream ends well
	}{
		"raw, cut":           {rawCall, "some", fails},
		"gateway, cut":       {webCall, open + `"aGk=`, fails},
		"no base64":          {webCall, open + `"aGk=%%%%`, nil},
		"no string":          {webCall, open + `17}`, nil},
		"a bad escape":       {webCall, text + `"a\x"}`, nil},
		"bad digits":         {webCall, text + `"a\u12g4"}`, nil},
		"no end of the text": {webCall, text + `"a`, nil},
		"half an escape":     {webCall, text + `"a\u12`, nil},
		"no end of it all":   {webCall, text + `"a"`, nil},
		"an escape":          {webCall, open + `"aGk\u003d"}`, nil},
		"no end":             {webCall, open + `"aGk="`, nil},
		"in the string":      {webCall, open + `"aGk=`, nil},
		"something after it": {webCall, open + `"aGk="}}`, nil},
	} {
		v := visit(t, d, p, c.request)
		v.function.Chunk(c.first)
		if c.breaks == nil {
			c.breaks = func(v visitor) { v.function.EndStream() }
		}
		c.breaks(v)
		resp, err := http.ReadResponse(v.client.In, nil)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: the answer passes for whole: %v", name, err)
		}
	}
}

// The function can't know of its client, and what it does must not depend on him.
func TestAClientThatLeavesDoesNotEndAStream(t *testing.T) {
	d, p := streamingDoor(t)
	v := visit(t, d, p, rawCall)
	v.function.Chunk("some")
	v.answer()
	v.client.Abort()
	for range 100 {
		v.function.Chunk(strings.Repeat("x", 100_000))
	}
	v.function.EndStream()
	if r := v.function.Receive(); r.Status != 200 {
		t.Error(r)
	}
	v = visit(t, d, p, "HEAD /page HTTP/1.1\r\nHost: h\r\n\r\n") // who wants no body
	v.function.Chunk(`{"statusCode":200,"isBase64Encoded":true,"body":"aGk=`)
	v.function.Chunk(`"}`)
	v.function.EndStream()
	if r := v.function.Receive(); r.Status != 200 {
		t.Error(r)
	}
}

func TestAClientThatDoesNotReadDoesNotHoldUpTheEnd(t *testing.T) {
	d, p := streamingDoor(t)
	v := visit(t, d, p, rawCall)
	for {
		_ = v.function.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		if _, err := io.WriteString(v.function, "100000\r\n"+strings.Repeat("x", 1<<20)+"\r\n"); err != nil {
			break // everything between us is full
		}
	}
	if err := errors.Join(p.Close(), d.Close()); err != nil {
		t.Error(err)
	}
}
