package door_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform/fgtest"
)

// chance is a random source whose seed is logged, and may be set by SEED to see a failure again.
type chance struct{ *rand.Rand }

func newChance(t *testing.T) chance {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("SEED=%d", seed)
	return chance{rand.New(rand.NewPCG(seed, 0))}
}

func pick[T any](c chance, list ...T) T { return list[c.IntN(len(list))] }

// text is made of up to n of the pieces.
func (c chance) text(n int, pieces ...string) string {
	var b strings.Builder
	for range c.IntN(n + 1) {
		b.WriteString(pick(c, pieces...))
	}
	return b.String()
}

// member is a key with its values, of an event's object.
type member struct {
	key    string
	values []string
}

// grouped is how an object holds pairs.
func grouped(pairs [][2]string) []member {
	var list []member
	for _, p := range pairs {
		i := slices.IndexFunc(list, func(e member) bool { return e.key == p[0] })
		if i < 0 {
			list, i = append(list, member{key: p[0]}), len(list)
		}
		list[i].values = append(list[i].values, p[1])
	}
	return list
}

// parsed reads an object in its order. An array of less than two is an error.
func parsed(t *testing.T, object []byte) []member {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(object))
	var list []member
	_, err := dec.Token()
	for err == nil && dec.More() {
		var key json.Token
		var value any
		key, err = dec.Token()
		if err == nil {
			err = dec.Decode(&value)
		}
		e := member{key: fmt.Sprint(key)}
		switch v := value.(type) {
		case string:
			e.values = []string{v}
		case []any:
			for _, one := range v {
				e.values = append(e.values, one.(string))
			}
			if len(v) < 2 {
				t.Errorf("%q is an array: %s", key, object)
			}
		default:
			t.Errorf("%q is a %T", key, value)
		}
		list = append(list, e)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, object)
	}
	return list
}

// sample is a request as sent, and as it has to be in the event.
type sample struct {
	wire         string
	method, path string
	query        []member
	headers      []member
	body         string
}

// sample makes a request for a connection that stays.
func (c chance) sample() sample {
	s := sample{method: pick(c, "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "TRACE", "X-"+c.text(5, "a", "!", "~", "1"))}
	path := "/" + c.text(8, "/", "a", "B", ".", "..", "%", "?", "#", " ", "+", "ü", "😀", "\x00", "\r\n", ":", "://", ";", "&", "=", "@", "[", "\\", "\"", "<", "%41")
	target := "/" + c.escape(path[1:], "%?", false)
	s.path = path
	var pairs [][2]string
	if c.IntN(3) > 0 {
		target += "?"
		for range c.IntN(6) {
			words := []string{"a", "b", "a", "/", "?", "#", " ", "+", "%", "ü", "\x00", ";", "&", "=", "'", "[]", "://"}
			key, value := c.text(2, words...), c.text(4, words...)
			pair := c.escape(key, "%&=+", true) + "=" + c.escape(value, "%&+", true)
			if value == "" && key != "" && c.IntN(2) == 0 {
				pair = c.escape(key, "%&=+", true)
			}
			target += c.text(2, "&") + pair + "&"
			pairs = append(pairs, [2]string{key, value})
		}
	}
	s.query = grouped(pairs)
	head, fields := c.headers()
	s.body = c.text(30, "x", "\xff", "\r\n", "{", "0\r\n\r\n", strings.Repeat("long", 30))
	s.body = strings.TrimLeft(s.body, "{") // see mirror
	framing, body := c.framing(s.body)
	length := [2]string{"content-length", strconv.Itoa(len(s.body))}
	switch {
	case framing == "":
	case c.IntN(2) == 0:
		head, fields = slices.Insert(head, 0, framing), slices.Insert(fields, 0, length)
	default:
		head, fields = append(head, framing), append(fields, length)
	}
	s.wire = s.method + " " + target + " HTTP/1.1\r\n" + strings.Join(head, "") + "\r\n" + body
	s.headers = grouped(fields)
	return s
}

// escape percent-encodes what has to be, and what it likes.
func (c chance) escape(s, special string, form bool) string {
	var b strings.Builder
	for _, r := range s {
		switch must := r <= ' ' || r == 0x7f || strings.ContainsRune(special, r); {
		case form && r == ' ' && c.IntN(2) == 0:
			b.WriteByte('+')
		case must || c.IntN(4) == 0:
			for _, x := range []byte(string(r)) {
				fmt.Fprintf(&b, pick(c, "%%%02x", "%%%02X"), x)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// headers are lines, and the fields that have to arrive.
func (c chance) headers() (lines []string, fields [][2]string) {
	named := pick(c, "X-Named", "a", "cookie", "")
	add := func(name, value string) {
		lower := strings.ToLower(name)
		shown := pick(c, name, lower, strings.ToUpper(name))
		lines = append(lines, shown+":"+pick(c, "", " ", "\t ")+strings.Join(strings.Fields(value), pick(c, " ", " ", "\r\n  "))+pick(c, "", " ")+"\r\n")
		hop := []string{"connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "expect"}
		if !slices.Contains(hop, lower) && (named == "" || lower != strings.ToLower(named)) {
			fields = append(fields, [2]string{lower, strings.Join(strings.Fields(value), " ")})
		}
	}
	add("Host", pick(c, "h", "H.example:80", "[::1]:1"))
	for range c.IntN(12) {
		name := pick(c, "A", "B", "X-Named", "Cookie", "Cookie", "User-Agent", "Content-Type", "Accept-Encoding", "Authorization", "Referer", "Range", "If-Match",
			"Date", "Content-Encoding", "Server", "Set-Cookie", "Keep-Alive", "Proxy-Connection", "TE", "Upgrade", "Expect", "X_"+c.text(4, "y", ".", "^", "0"))
		add(name, c.text(8, "a", "b=c", "; ", "\"", "\\", ",", "ü", "%41", " ", "<&>", ":", "=", "gzip", "😀"))
	}
	if named != "" {
		add("Connection", pick(c, named, "x, "+named, named+" , keep-alive"))
	}
	return lines, fields
}

// framing is the header that says how long the body is, if one does, and the body's form under it.
func (c chance) framing(body string) (line, coded string) {
	if body == "" && c.IntN(2) == 0 {
		return "", ""
	}
	if c.IntN(2) == 0 {
		return pick(c, "Content-Length", "content-length") + ": " + pick(c, "", "00") + strconv.Itoa(len(body)) + "\r\n", body
	}
	for rest := body; rest != ""; {
		n := 1 + c.IntN(len(rest))
		coded += fmt.Sprintf(pick(c, "%x", "%X", "0%x")+pick(c, "", ";ext=\"y\"", " ")+"\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	return pick(c, "Transfer-Encoding", "transfer-encoding") + ": chunked\r\n", coded + "0\r\n" + pick(c, "", "X-Trailer: t\r\n") + "\r\n"
}

func TestAnyRequestIsInItsEvent(t *testing.T) {
	d, _ := openMirror(t)
	c := newChance(t)
	w := fgtest.Dial(t, d.Addr())
	for range 100 {
		_ = w.SetDeadline(time.Now().Add(testkit.Patience))
		batch := make([]sample, 1+c.IntN(3))
		for i := range batch {
			batch[i] = c.sample()
			w.Send(batch[i].wire)
		}
		for _, s := range batch {
			r := w.AnswerTo(s.method)
			if r.Err != nil || r.Status != 200 {
				t.Fatalf("%q: %d %s, %v", s.wire, r.Status, r.Body, r.Err)
			}
			ev := eventOf(t, r)
			if got := (sample{s.wire, ev.Method, ev.Path, parsed(t, ev.Query), parsed(t, []byte(ev.clientHeaders())), string(ev.Body)}); !reflect.DeepEqual(got, s) {
				t.Fatalf("\nsent %+q\ngot  %+q\nwant %+q", s.wire, got, s)
			}
		}
	}
}

// page is an answer: as the function gives it, and as the client has to get it.
type page struct {
	method, envelope string
	status           int
	header           http.Header
	body             string
}

func (c chance) page(t *testing.T) page {
	p := page{method: pick(c, "GET", "HEAD", "POST"), status: pick(c, 200, 200, 201, 204, 205, 206, 302, 304, 400, 404, 500, 599, 600, 999), header: http.Header{}}
	headers := map[string]any{}
	for range c.IntN(6) {
		name := pick(c, "A", "x-b", "Set-Cookie", "Content-Type", "Location", "Server", "Etag", "Content-Encoding", "Date", "Vary", "X_"+c.text(3, "a", "!"), "Content-Length",
			"Connection", "Keep-Alive", "Transfer-Encoding", "Trailer", "X-Hop")
		var values []string
		for range 1 + c.IntN(3)*c.IntN(2) {
			values = append(values, strings.TrimSpace("v"+c.text(6, "a", " ", "ü", "\"", "\t", ";", ",", "=", "\\", "<", ":")))
		}
		switch name {
		case "Content-Type", "Server", "Date":
			values = values[:1]
		case "Content-Length":
			values = []string{"1234"}
		case "Connection":
			values = []string{"X-Hop"}
		}
		for key := range headers { // one spelling of each
			if strings.EqualFold(key, name) {
				delete(headers, key)
			}
		}
		headers[name] = values
		if len(values) == 1 && c.IntN(2) == 0 {
			headers[name] = values[0]
		}
		p.header[http.CanonicalHeaderKey(name)] = values
	}
	if p.header["Connection"] != nil {
		delete(p.header, "X-Hop")
	}
	for _, hop := range []string{"Connection", "Keep-Alive", "Transfer-Encoding", "Trailer"} {
		delete(p.header, hop)
	}
	if list := p.header["Content-Encoding"]; list != nil {
		p.header["Content-Encoding"] = []string{strings.Join(list, ", ")}
	}
	p.body = c.text(20, "x", "\xff", "\r\n", "\x00", strings.Repeat("long", 300))
	p.envelope = p.wrap(t, headers)
	p.expectLength()
	return p
}

func (p *page) wrap(t *testing.T, headers map[string]any) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"statusCode": p.status, "headers": headers, "isBase64Encoded": true, "body": base64.StdEncoding.EncodeToString([]byte(p.body))})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// expectLength changes body and Content-Length to what arrives.
func (p *page) expectLength() {
	length := []string{strconv.Itoa(len(p.body))}
	switch {
	case p.status == 204:
		length = nil
	case p.status == 304, p.method == "HEAD" && (p.body == "" || p.header["Content-Length"] != nil):
		length = p.header["Content-Length"]
	}
	delete(p.header, "Content-Length")
	if length != nil {
		p.header["Content-Length"] = length
	}
	if p.method == "HEAD" || p.status == 204 || p.status == 304 {
		p.body = ""
	}
}

func TestAnyEnvelopeBecomesItsAnswer(t *testing.T) {
	d, _ := openMirror(t)
	c := newChance(t)
	w := fgtest.Dial(t, d.Addr())
	for range 100 {
		_ = w.SetDeadline(time.Now().Add(testkit.Patience))
		batch := make([]page, 1+c.IntN(3))
		for i := range batch {
			batch[i] = c.page(t)
			w.Send(fmt.Sprintf("%s / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", batch[i].method, len(batch[i].envelope), batch[i].envelope))
		}
		for _, p := range batch {
			r := w.AnswerTo(p.method)
			for _, name := range []string{"Date", "X-Request-Id", "X-Cff-Request-Id"} {
				if len(r.Header[name]) != 1 {
					t.Errorf("%s: %q", name, r.Header[name])
				} else if p.header[name] == nil {
					delete(r.Header, name)
				}
			}
			if r.Err != nil || r.Status != p.status || string(r.Body) != p.body || !reflect.DeepEqual(r.Header, p.header) {
				t.Fatalf("\n%s %s\ngot  %d %q %q %v\nwant %d %q %q", p.method, p.envelope, r.Status, r.Header, r.Body, r.Err, p.status, p.header, p.body)
			}
		}
	}
}
