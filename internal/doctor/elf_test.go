//go:build linux

package doctor_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// otherMachine is one that this is not.
func otherMachine() string {
	if runtime.GOARCH == "arm64" {
		return "amd64"
	}
	return "arm64"
}

// fine are the fields of a program that runs here.
func fine() elfFields {
	return elfFields{kind: 2, machine: machines[runtime.GOARCH], size: 56, count: 2, table: 64, code: exits[runtime.GOARCH]}
}

// static is the smallest program there is: it exits with code 0.
func static() []byte { return fine().file() }

// executableFile makes one named program.
func executableFile(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAHostileELFHeaderCostsNothing(t *testing.T) {
	change := func(set func(*elfFields)) elfFields {
		e := fine()
		set(&e)
		return e
	}
	for name, test := range map[string]struct {
		fields elfFields
		size   int64 // grown to, with a hole
	}{
		"many large entries":        {change(func(e *elfFields) { e.size, e.count = 65535, 65535 }), 8 << 30},
		"many entries":              {change(func(e *elfFields) { e.count = 65535 }), 8 << 30},
		"entries of no size":        {change(func(e *elfFields) { e.size, e.count = 0, 65535 }), 0},
		"a table beyond the end":    {change(func(e *elfFields) { e.table = 1 << 40 }), 0},
		"a table before the start":  {change(func(e *elfFields) { e.table = 1<<64 - 56 }), 0},
		"a table at the last byte":  {change(func(e *elfFields) { e.table = 1<<63 - 1 }), 0},
		"a loader of a gigabyte":    {change(func(e *elfFields) { e.loader = "/" + strings.Repeat("x", 1<<20) }), 1 << 30},
		"no entries":                {change(func(e *elfFields) { e.count = 0 }), 0},
		"a loader that is no place": {change(func(e *elfFields) { e.loader = "\n\xff" }), 0},
	} {
		path := executableFile(t, test.fields.file())
		if test.size > 0 {
			if err := os.Truncate(path, test.size); err != nil {
				t.Fatal(err)
			}
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		check(path, "")
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 256<<10 {
			t.Errorf("%s: %d bytes of memory", name, used)
		}
	}
}

func FuzzAnyFileCanBeExamined(f *testing.F) {
	musl, cut := fine(), fine()
	musl.loader, cut.count = "/lib/ld-musl-x86_64.so.1", 40
	for _, seed := range [][]byte{
		nil, static(), static()[:50], musl.file(), cut.file(),
		[]byte("#!/bin/sh\r\n"), []byte("#!"), []byte("#!\n"), []byte("#! \t\r\n"), []byte("\xef\xbb\xbf#!/bin/sh"),
		[]byte("#!/usr/bin/env -S A=b python3 -u\n"), []byte("#!/usr/bin/env"), []byte("#!/nowhere \x00"),
		[]byte("MZ"), []byte("\xcf\xfa\xed\xfe"), []byte("\x7fELF"),
	} {
		f.Add(seed)
	}
	path := executableFile(f, nil)
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		finding := check(path, "/bin")
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%d bytes of memory", used)
		}
		if finding != "" && !strings.HasPrefix(finding, path) {
			t.Errorf("the finding %q does not name the file", finding)
		}
	})
}
