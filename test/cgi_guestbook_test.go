package test

import (
	"net/url"
	"strings"
	"testing"
)

func TestTheGuestBookTakesAFormAndShowsNoTagsOfItsVisitors(t *testing.T) {
	t.Parallel()
	c := deploy(t, settings{"BOOTSTRAP_PIPE_INPUT": "cgi", "TMPDIR": t.TempDir()}, file("handler", readFile(t, "examples/cgi-sh/handler"), 0o755))
	s := openSite(c)
	form := url.Values{"name": {"Zoë & Co"}, "words": {"<script>alert(1)</script> 100% \\1 &amp;"}}.Encode()
	response, _ := s.visit("POST", "/?from=mail", form, "Content-Type", "application/x-www-form-urlencoded")
	if response.StatusCode != 303 || response.Header.Get("Location") != "/" {
		t.Fatalf("got %s, %v", response.Status, response.Header)
	}
	response, page := s.visit("GET", "/", "")
	const want = `<dt>Zoë &amp; Co<dd>&lt;script>alert(1)&lt;/script> 100% \1 &amp;amp;` + "\n"
	if response.StatusCode != 200 || !strings.Contains(page, want) || response.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("got %s, %s", response.Status, page)
	}
	if response, page := s.visit("HEAD", "/", ""); response.StatusCode != 200 || page != "" {
		t.Errorf("HEAD: %s, %q", response.Status, page)
	}
	if response, _ := s.visit("POST", "/invoke", "{}"); response.StatusCode != 403 {
		t.Errorf("a visitor empties the book: %s", response.Status)
	}
	if response, _ := s.visit("DELETE", "/", ""); response.StatusCode != 405 || response.Header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("DELETE: %s", response.Status)
	}
	if got := c.answer(`{"trigger_type":"TIMER"}`); got != "The book is empty.\n" {
		t.Errorf("got %q", got)
	}
	if _, page := s.visit("GET", "/", ""); strings.Contains(page, "<dt>") {
		t.Errorf("got %s", page)
	}
}
