package test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// TestTheTranscriptsOfTheWorkerProtocolsAreTrue plays each ```transcript block of
// docs/worker-protocol.md, which says what its lines mean, with the bootstrap on one
// side and scripted workers on the other.
func TestTheTranscriptsOfTheWorkerProtocolsAreTrue(t *testing.T) {
	t.Parallel()
	for _, script := range transcripts(t) {
		t.Run(fmt.Sprintf("line %d %s", script.line, script.protocol), func(t *testing.T) {
			t.Parallel()
			if err := script.play(t); err != nil {
				t.Error(err)
			}
		})
	}
}

// A transcript in which any line is wrong must fail.
func TestAWrongTranscriptFails(t *testing.T) {
	right := []string{
		"start",
		`event id-1 {"a":1}`,
		`> {"a":1}`,
		`< {"b":2}`,
		`result id-1 {"b":2}`,
		`event id-2 {"a":2}`,
		`> {"a":2}`,
		`exit 3`,
		`error id-2 Runtime.ExitError: The program exited with code 3.`,
		`start`,
	}
	play := func(lines []string) error {
		return transcript{protocol: "lines", variables: settings{"BOOTSTRAP_SHUTDOWN_GRACE": "100ms"}, lines: lines}.play(t)
	}
	if err := play(right); err != nil {
		t.Fatal(err)
	}
	for i, line := range right {
		wrong := append([]string(nil), right...)
		wrong[i] = strings.NewReplacer("1", "7", "2", "7", "3", "7", "start", "end").Replace(line)
		if play(wrong) == nil {
			t.Errorf("with %s for %s nothing is wrong", wrong[i], line)
		}
	}
	if play(right[:4]) == nil {
		t.Error("with an event that has no end nothing is wrong")
	}
}

// transcript is one of the document's.
type transcript struct {
	line      int // where it begins
	protocol  string
	variables settings
	lines     []string
}

func transcripts(t *testing.T) (all []transcript) {
	fence := regexp.MustCompile("(?ms)^```transcript (\\w+)\n(.*?)\n```$")
	setting := regexp.MustCompile(`^([A-Z_]+)=(.*)`)
	text := readFile(t, "docs/worker-protocol.md")
	for _, m := range fence.FindAllStringSubmatchIndex(text, -1) {
		one := transcript{line: 1 + strings.Count(text[:m[0]], "\n"), protocol: text[m[2]:m[3]], variables: settings{}}
		for _, line := range strings.Split(text[m[4]:m[5]], "\n") {
			if set := setting.FindStringSubmatch(line); set != nil {
				one.variables[set[1]] = set[2]
			} else {
				one.lines = append(one.lines, line)
			}
		}
		all = append(all, one)
	}
	if begun := strings.Count(text, "```transcript"); begun == 0 || begun != len(all) {
		t.Fatalf("of %d transcripts %d can be read", begun, len(all))
	}
	return all
}
