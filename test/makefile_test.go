package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fgbootstrap/internal/testkit"
)

func TestTheMakefileSaysWhichGoIsNeeded(t *testing.T) {
	_, rest, _ := strings.Cut(readFile(t, "go.mod"), "\ngo ")
	needed, _, _ := strings.Cut(rest, "\n")
	for here, said := range map[string]string{
		"":                                 "there is no go on the PATH.",
		"go version go1.9 linux/amd64":     "here is go version go1.9 linux/amd64.",
		"go version go1.25.10 linux/arm64": "here is go version go1.25.10 linux/arm64.",
		"go version go" + needed + " linux/amd64":                                       "",
		"go version go1.100.0 X:some linux/amd64":                                       "",
		"go version devel go1.99-0123456789 Sat Nov 28 09:00:00 2026 +0000 linux/amd64": "",
	} {
		if said != "" {
			said = "This needs Go " + needed + " or later, and " + said + "\n"
		}
		make := exec.Command(testkit.Need(t, "make"), "-C", root, "enough-go")
		make.Env = []string{"PATH=" + pathWithGo(t, here)}
		var stderr strings.Builder
		make.Stderr = &stderr
		err := make.Run()
		sentence, _, _ := strings.Cut(stderr.String(), "make: ")
		if sentence != said || (err == nil) != (said == "") {
			t.Errorf("with %q: %v, and it says %q", here, err, stderr.String())
		}
	}
}

// pathWithGo is a PATH with what the Makefile uses and a go that says that it is this version; or none.
func pathWithGo(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"sh", "sed", "sort", "head"} {
		if err := os.Symlink(testkit.Need(t, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if version != "" {
		// GOTOOLCHAIN is looked at because an old Go would download another one without it.
		script := "#!/bin/sh\n[ \"$*/$GOTOOLCHAIN\" = version/local ] && echo '" + version + "'\n"
		testkit.WriteFile(t, filepath.Join(dir, "go"), script, 0o755)
	}
	return dir
}
