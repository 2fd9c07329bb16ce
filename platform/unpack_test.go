package platform_test

import (
	"archive/zip"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
)

type entry struct {
	name, content string
	mode          fs.FileMode
	flags         uint16
}

func makeZIP(t *testing.T, entries ...entry) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "code.zip")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Flags: e.flags}
		h.SetMode(e.mode)
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.content)); err != nil && e.content != "" {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAZIPIsUnpackedWithItsModes(t *testing.T) {
	name := makeZIP(t, entry{name: "bootstrap", content: "#!", mode: 0o755}, entry{name: "deep/er/data", content: "d", mode: 0o640},
		entry{name: "empty/", mode: fs.ModeDir | 0o755}, entry{name: "deep/link", content: "../bootstrap", mode: fs.ModeSymlink | 0o777})
	code, err := platform.OpenCode(name)
	if err != nil {
		t.Fatal(err)
	}
	for file, mode := range map[string]fs.FileMode{"bootstrap": 0o755, "deep/er/data": 0o640, "empty": fs.ModeDir | 0o755, "deep/link": 0o755} {
		if info, err := os.Stat(filepath.Join(code.Dir, file)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
	if err := code.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Dir(code.Dir)); err == nil {
		t.Error("the temporary folder is still there")
	}
}

func TestAnEntryThatLeavesTheFolderIsRefused(t *testing.T) {
	link := fs.ModeSymlink | 0o777
	for name, entries := range map[string][]entry{
		"../evil":   {{name: "../evil", content: "x", mode: 0o644}},
		"a/../../b": {{name: "a/../../b", content: "x", mode: 0o644}},
		"/etc/evil": {{name: "/etc/evil", content: "x", mode: 0o644}},
		`..\\evil`:  {{name: `..\evil`, content: "x", mode: 0o644}},
		"absolute":  {{name: "absolute", content: "/etc/passwd", mode: link}},
		"up":        {{name: "up", content: "../..", mode: link}},
		"through":   {{name: "a/b/c/", mode: fs.ModeDir | 0o755}, {name: "a/b/c/in", content: "../../../a", mode: link}, {name: "through", content: "a/b/c/in/../../..", mode: link}},
	} {
		_, err := platform.OpenCode(makeZIP(t, entries...))
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABrokenZIPIsExplained(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), "x.zip")
	testkit.WriteFile(t, garbage, "no zip", 0o600)
	for name, want := range map[string]string{
		garbage:  "neither a folder nor a readable ZIP file",
		"nosuch": "no such file",
		makeZIP(t, entry{name: "secret", content: "x", mode: 0o644, flags: 1}):                               `"secret": it is encrypted`,
		makeZIP(t, entry{name: "fifo", mode: fs.ModeNamedPipe | 0o644}):                                      `"fifo"`,
		makeZIP(t, entry{name: "a", content: "x", mode: 0o644}, entry{name: "a", content: "y", mode: 0o644}): `"a": the ZIP has it twice`,
	} {
		if _, err := platform.OpenCode(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
