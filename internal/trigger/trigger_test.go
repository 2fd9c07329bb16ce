package trigger_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgbootstrap/internal/trigger"
)

func TestTheTriggerOfEachSampleIsKnown(t *testing.T) {
	for file, want := range map[string]string{
		"examples/events/apig.json": "apig", "examples/events/apig_base64.json": "apig", "examples/events/apig_lists.json": "apig",
		"examples/events/apig_page.json": "apig", "examples/events/apig_prefix.json": "apig",
		"examples/events/timer.json": "timer", "examples/events/timer_text.json": "timer", "examples/events/obs.json": "obs", "examples/events/smn.json": "smn",
		"examples/events/dis.json": "dis", "examples/events/kafka.json": "kafka", "examples/events/rocketmq.json": "rocketmq", "examples/events/lts.json": "lts",
		"examples/events/cts.json": "cts", "examples/events/dds.json": "dds", "examples/events/blank.json": "other",
		"test/testdata/events/cts_bare.json": "cts", "test/testdata/events/cts_no_content.json": "cts", "test/testdata/events/destination.json": "other",
		"test/testdata/events/kafka_text.json": "kafka", "test/testdata/events/smn_one.json": "smn",
	} {
		event, err := os.ReadFile(filepath.Join("..", "..", file))
		if err != nil {
			t.Fatal(err)
		}
		if got := trigger.Of(event); got != want {
			t.Errorf("%s: got %s, want %s", file, got, want)
		}
	}
}

func TestWhatIsNoTriggersEventIsOther(t *testing.T) {
	for _, event := range []string{
		"", "{}", "[]", "text", "null", `{"trigger_type":"MINE"}`, `{"trigger_type":7}`, `{"trigger_type":null}`, `{"Records":[]}`, `{"Records":[{"a":{"s3":1}}]}`,
		`{"Records":{"s3":1}}`, `{"Records":[{},{"s3":1}]}`, `{"trigger_type":"TIMER"`, `{"httpMethod":"GET","path":"/"}`, strings.Repeat(`{"a":`, 50),
	} {
		if got := trigger.Of([]byte(event)); got != trigger.Other {
			t.Errorf("%s: got %s", event, got)
		}
	}
}
