package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// skips counts skipped tests by the reason that they gave.
type skips map[string]int

// event is what is of interest in a line of go test -json.
type event struct{ Action, Package, Test, Output string }

// logged is a line by which testing prints a message, such as the reason of a skip.
var logged = regexp.MustCompile(`^ *[^ :]+\.go:[0-9]+: (.*)\n$`)

// readSkips reads the events of a run. The last message of a skipped test is its reason.
func readSkips(in io.Reader) (skips, error) {
	type test struct{ pkg, name string }
	said := map[test]string{}
	found := skips{}
	for events := json.NewDecoder(in); ; {
		var e event
		if err := events.Decode(&e); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, err
		}
		if e.Test == "" { // a package without tests is skipped, too
			continue
		}
		this := test{e.Package, e.Test}
		switch e.Action {
		case "output":
			if m := logged.FindStringSubmatch(e.Output); m != nil {
				said[this] = m[1]
			}
		case "skip":
			found[cmp.Or(strings.TrimSpace(said[this]), "they don't say why")]++
			delete(said, this)
		case "pass", "fail":
			delete(said, this)
		}
	}
}

// write prints a line for each reason, the most frequent first.
func (s skips) write(out io.Writer) error {
	reasons := slices.SortedFunc(maps.Keys(s), func(a, b string) int {
		return cmp.Or(cmp.Compare(s[b], s[a]), cmp.Compare(a, b))
	})
	for _, reason := range reasons {
		tests := "tests"
		if s[reason] == 1 {
			tests = "test"
		}
		if _, err := fmt.Fprintf(out, "%d %s skipped: %s\n", s[reason], tests, reason); err != nil {
			return err
		}
	}
	return nil
}
