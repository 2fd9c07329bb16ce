package main

import (
	"path/filepath"
	"strings"
	"testing"

	"fgbootstrap/internal/testkit"
)

// events are those of a run, as gotestsum writes them.
const events = `{"Action":"start","Package":"p"}
{"Action":"build-output","ImportPath":"p","Output":"# p\n"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:7: a message before: it is not the reason\n"}
{"Action":"output","Package":"p","Test":"TestB/one","Output":"    b_test.go:70: node is not installed\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:9: python3 is not installed\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"        a second line\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestA","Elapsed":0}
{"Action":"skip","Package":"p","Test":"TestB/one","Elapsed":0}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:3: it passes\n"}
{"Action":"pass","Package":"p","Test":"TestB","Elapsed":0}
{"Action":"output","Package":"q","Test":"TestA","Output":"    a_test.go:9: python3 is not installed\n"}
{"Action":"skip","Package":"q","Test":"TestA","Elapsed":0}
{"Action":"output","Package":"q","Test":"TestC","Output":"    c_test.go:9: \n"}
{"Action":"skip","Package":"q","Test":"TestC","Elapsed":0}
{"Action":"output","Package":"r","Output":"?   \tr\t[no test files]\n"}
{"Action":"skip","Package":"r","Elapsed":0}
`

const counted = `2 tests skipped: python3 is not installed
1 test skipped: node is not installed
1 test skipped: they don't say why
`

// runShell runs a script in the place of gotestsum, in a folder with a blank in its name.
func runShell(t *testing.T, events, script string) (printed string, code int, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a blank", "events.json")
	testkit.WriteFile(t, file, events, 0o644)
	var out strings.Builder
	code, err = run(&out, file, []string{"/bin/sh", "-c", script})
	return out.String(), code, err
}

func TestSkipsAreCountedAboveTheSummary(t *testing.T) {
	got, code, err := runShell(t, events, `echo "✓  p (1s)"; echo; echo "DONE 5 tests, 4 skipped in 1.000s"`)
	if want := "✓  p (1s)\n\n" + counted + "DONE 5 tests, 4 skipped in 1.000s\n"; got != want || code != 0 || err != nil {
		t.Errorf("got\n%scode %d, %v, want\n%s", got, code, err, want)
	}
}

func TestALineThatLooksLikeTheSummaryStaysInItsPlace(t *testing.T) {
	for script, want := range map[string]string{
		`echo DONE 1; echo DONE 2; echo more; echo DONE 3`: "DONE 1\nDONE 2\nmore\n" + counted + "DONE 3\n",
		`echo DONE 1; printf 'no line end'`:                "DONE 1\nno line end" + counted,
		``:                                                 counted,
	} {
		if got, code, err := runShell(t, events, script); got != want || code != 0 || err != nil {
			t.Errorf("%s: got\n%scode %d, %v", script, got, code, err)
		}
	}
}

func TestTheRunnersExitCodeIsKept(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 1": 1, "exit 7": 7, "kill -KILL $$": 1} {
		if got, code, err := runShell(t, events, script); code != want || got != counted {
			t.Errorf("%s: code %d, %v, printed\n%s", script, code, err, got)
		}
	}
}

func TestWithoutEventsTheRunFails(t *testing.T) {
	for name, row := range map[string]struct {
		events, script string
		code           int
	}{
		"no JSON":                   {"no JSON", "echo DONE", 1},
		"no JSON, a run that fails": {"no JSON", "exit 7", 7},
	} {
		if _, code, err := runShell(t, row.events, row.script); code != row.code || err == nil {
			t.Errorf("%s: code %d, %v", name, code, err)
		}
	}
	var out strings.Builder
	if code, err := run(&out, filepath.Join(t.TempDir(), "none"), []string{"/bin/sh", "-c", "echo DONE 1 test"}); code != 1 || err == nil {
		t.Errorf("without the file: code %d, %v", code, err)
	} else if got := out.String(); got != "DONE 1 test\n" {
		t.Errorf("printed %q", got)
	}
	if code, err := run(&out, "", []string{"/no/such/runner"}); code != 1 || err == nil {
		t.Errorf("without a runner: code %d, %v", code, err)
	}
}
