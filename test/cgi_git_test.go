package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
)

// git's own server is a CGI program: it reads compressed bodies, answers in binary and exits with 1 after a
// whole answer.
func TestGitClonesAndPushesOverItsOwnCGIProgram(t *testing.T) {
	t.Parallel()
	git := testkit.Need(t, "git")
	folder, err := exec.Command(git, "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := filepath.Join(strings.TrimSpace(string(folder)), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		t.Skip("git has no git-http-backend here")
	}
	home := t.TempDir()
	do := func(args ...string) string {
		t.Helper()
		out, err := run(t, home, []string{"HOME=" + home, "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1"}, git,
			append([]string{"-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main"}, args...)...)
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return out
	}
	repositories := filepath.Join(home, "served")
	do("init", "--bare", repositories+"/book.git")
	do("-C", repositories+"/book.git", "config", "http.receivepack", "true")
	c := deploy(t, settings{
		"BOOTSTRAP_COMMAND": command(backend), "BOOTSTRAP_PIPE_INPUT": "cgi", "BOOTSTRAP_HTTP_STRIP_PREFIX": "/git", "BOOTSTRAP_STREAMING": "on",
		"GIT_PROJECT_ROOT": repositories, "GIT_HTTP_EXPORT_ALL": "1", "HOME": home,
	}, streaming, timeout(time.Minute))
	served := openSite(c).address
	address := served + "/git/book.git"

	do("init", "first")
	content := make([]byte, 3<<20)
	p := newPattern()
	for n := 0; n < len(content); {
		n += copy(content[n:], p.next(int64(len(content)-n)))
	}
	if err := os.WriteFile(filepath.Join(home, "first", "data"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	do("-C", "first", "add", "data")
	do("-C", "first", "commit", "-q", "-m", "one")
	do("-C", "first", "push", "-q", address, "main")
	do("clone", "-q", address, "second")
	if got, err := os.ReadFile(filepath.Join(home, "second", "data")); err != nil || string(got) != string(content) {
		t.Errorf("%d bytes were cloned, %v", len(got), err)
	}
	for range 60 { // so many that the client compresses what it has
		do("-C", "first", "commit", "-q", "--allow-empty", "-m", "more")
	}
	do("-C", "first", "push", "-q", address, "main")
	for range 60 {
		do("-C", "second", "commit", "-q", "--allow-empty", "-m", "others")
	}
	do("-C", "second", "fetch", "-q", "origin")
	if got, want := do("-C", "second", "rev-parse", "origin/main"), do("-C", "first", "rev-parse", "main"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	out, err := run(t, home, []string{"HOME=" + home}, git, "clone", "-q", served+"/git/none.git", "third")
	if err == nil || !strings.Contains(out, "not found") {
		t.Errorf("a repository that is not there: %v, %s", err, out)
	}
}
