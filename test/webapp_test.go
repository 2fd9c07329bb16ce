package test

import (
	"bufio"
	"bytes"
	"io"
	"math/rand"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"fgbootstrap/internal/testkit"
)

// What a browser does with a web application has to work behind the gateway, also
// where the API has a path of its own.
func TestABrowserFindsTheWebApplicationAsItIs(t *testing.T) {
	testkit.Need(t, "python3")
	for name, prefix := range map[string]string{"at the root": "", "below a prefix": "/api/board"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			variables := []string{"TMPDIR=" + t.TempDir()}
			if prefix != "" {
				variables = append(variables, "BOOTSTRAP_HTTP_STRIP_PREFIX="+prefix)
			}
			address := fgdevRun(t, "http-webapp", variables...)
			b := newBrowser(t, address+prefix+"/")
			t.Run("the page", b.seesThePage)
			t.Run("a form", b.leavesANote)
			t.Run("an upload", b.leavesAFile)
			t.Run("refusals", b.isRefused)
		})
	}
}

// fgdevRun runs an example as its README says, and returns the address of the gateway.
func fgdevRun(t *testing.T, example string, variables ...string) string {
	t.Helper()
	bootstrap() // lies beside fgdev, which takes it from there
	args := []string{"run", filepath.Join(root, "examples", example), "--listen", "127.0.0.1:0", "--timeout", "20s"}
	for _, v := range variables {
		args = append(args, "-c", v)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "fgdev"), args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = testkit.Patience
	var log testkit.Log
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the test's context has ended just before
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("fgdev run ended with code %d", code)
		}
		if t.Failed() {
			t.Logf("the log:\n%s", log.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	address := regexp.MustCompile(`http://[^/\s]+`).FindString(line)
	if address == "" {
		t.Fatalf("fgdev run printed %q, %v", line, err)
	}
	return address
}

// browser is one with an open page, where its links and forms start.
type browser struct {
	*http.Client
	page *url.URL
}

func newBrowser(t *testing.T, page string) *browser {
	t.Helper()
	address, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{&http.Client{Transport: transport, Jar: jar, Timeout: testkit.Patience}, address}
}

// open follows a link of the page, or sends a form to it if there is a body.
func (b *browser) open(t *testing.T, method, link, contentType string, body io.Reader) (*http.Response, string) {
	t.Helper()
	target, err := b.page.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, target.String(), body)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := b.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(content)
}

func (b *browser) get(t *testing.T, link string) (*http.Response, string) {
	t.Helper()
	return b.open(t, http.MethodGet, link, "", nil)
}

// backAtThePage wants a form to have led there by a redirect, and the page to hold the texts.
func (b *browser) backAtThePage(t *testing.T, response *http.Response, content string, texts ...string) {
	t.Helper()
	if response.StatusCode != 200 || response.Request.Method != http.MethodGet || response.Request.URL.String() != b.page.String() {
		t.Fatalf("the form led to %s %s: %s", response.Request.Method, response.Request.URL, response.Status)
	}
	if r := response.Request.Response; r == nil || r.StatusCode != http.StatusSeeOther {
		t.Errorf("not by a 303: %+v", r)
	}
	for _, text := range texts {
		if !strings.Contains(content, text) {
			t.Errorf("there is no %q in\n%s", text, content)
		}
	}
}

func (b *browser) seesThePage(t *testing.T) {
	response, content := b.get(t, "")
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(content, "Be the first") {
		t.Errorf("%+v\n%s", response, content)
	}
	if response, content := b.get(t, "style.css"); response.Header.Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(content, ".said") {
		t.Errorf("%+v\n%s", response, content)
	}
	response, content = b.open(t, http.MethodHead, "", "", nil)
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "text/html; charset=utf-8" || content != "" {
		t.Errorf("HEAD: %+v\n%s", response, content)
	}
}

func (b *browser) leavesANote(t *testing.T) {
	form := url.Values{"name": {`Zoë <i>"Z"</i>`}, "text": {"first & <b>second</b>\r\nthird +%"}}
	response, content := b.open(t, http.MethodPost, "notes", "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	const name = "Zoë &lt;i&gt;&quot;Z&quot;&lt;/i&gt;"
	b.backAtThePage(t, response, content, "first &amp; &lt;b&gt;second&lt;/b&gt;\r\nthird +%", "<b>"+name+"</b>",
		"Your note is on the board.", `value="`+name+`"`) // which two cookies say
	if _, content := b.get(t, ""); strings.Contains(content, "Your note is on the board.") || !strings.Contains(content, `value="`+name+`"`) {
		t.Errorf("the one cookie should have gone, the other stayed:\n%s", content)
	}
}

func (b *browser) leavesAFile(t *testing.T) {
	noise := rand.New(rand.NewSource(1))
	random := make([]byte, 1_000_000)
	_, _ = noise.Read(random)
	picture := append([]byte("\x89PNG\r\n\x1a\n"), random[:1000]...)
	for _, file := range []struct {
		name, kind string
		content    []byte
	}{
		{"random Ü.bin", "application/octet-stream", random},
		{"a mail.eml", "application/octet-stream", []byte("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nhi\r\n--x--\r\n")},
		{"text.txt", "application/octet-stream", []byte("ends with\n\r\n--")},
		{"empty", "application/octet-stream", []byte{}},
		{"picture.png", "image/png", picture},
	} {
		body, contentType := upload(t, file.name, file.content)
		response, content := b.open(t, http.MethodPost, "files", contentType, body)
		b.backAtThePage(t, response, content, file.name+" is on the board.")
		link := regexp.MustCompile(`<article>.*?"(files/\d+)"`).FindStringSubmatch(content) // the first is the newest
		if link == nil {
			t.Fatalf("there is no link to the file in\n%s", content)
		}
		response, content = b.get(t, link[1])
		if !bytes.Equal([]byte(content), file.content) {
			t.Errorf("%s: %d bytes went up, and %d others came down", file.name, len(file.content), len(content))
		}
		_, disposition, err := mime.ParseMediaType(response.Header.Get("Content-Disposition"))
		if got := response.Header.Get("Content-Type"); got != file.kind || err != nil || disposition["filename"] != file.name {
			t.Errorf("%s came down as %s, %v, %v", file.name, got, disposition, err)
		}
	}
}

// upload is a form with a file.
func upload(t *testing.T, filename string, content []byte) (body io.Reader, contentType string) {
	t.Helper()
	var buffer bytes.Buffer
	form := multipart.NewWriter(&buffer)
	if err := form.WriteField("name", "Bob"); err != nil {
		t.Fatal(err)
	}
	file, err := form.CreateFormFile("file", filename)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return &buffer, form.FormDataContentType()
}

func (b *browser) isRefused(t *testing.T) {
	tooMuch, contentType := upload(t, "big", make([]byte, 4<<20))
	for _, row := range []struct {
		method, link, contentType string
		body                      io.Reader
		status                    int
	}{
		{http.MethodPost, "files", contentType, tooMuch, 413},
		{http.MethodPost, "notes", "application/x-www-form-urlencoded", strings.NewReader("text="), 400},
		{http.MethodPost, "invoke", "application/json", strings.NewReader(sample(t, "timer.json")), 403},
		{http.MethodGet, "files/4711", "", nil, 404},
		{http.MethodGet, "..%2Fapp.py", "", nil, 404},
		{http.MethodDelete, "files/1", "", nil, 501},
	} {
		if response, content := b.open(t, row.method, row.link, row.contentType, row.body); response.StatusCode != row.status {
			t.Errorf("%s %s: %s %s", row.method, row.link, response.Status, content)
		}
	}
}
