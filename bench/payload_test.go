package main

import "testing"

// sed is a worker that makes its answers of an APIG event's body, \1, or of the
// whole event, &.
func sed(replacement string) candidate {
	script := `s/.*"body":"\([^"]*\)".*/` + replacement + `/`
	return candidate{command: []string{"poller_worker", "sed", "-u", script}, inFlight: 1}
}

func TestTheDriverTakesEnvelopesInAnyOrder(t *testing.T) {
	for _, envelope := range []string{
		`{"statusCode":200,"headers":{"A":"b"},"isBase64Encoded":true,"body":"\1"}`,
		`{"body":"\1","isBase64Encoded":true,"headers":{},"more":[1,2],"statusCode":200}`,
		`{ "headers": {}, "isBase64Encoded": true, "body":"\1", "statusCode": 200 }`,
	} {
		if r, err := once(t, load{kind: binary, events: 20, bytes: 100}, sed(envelope)); err != nil {
			t.Errorf("%s: got %+v, %v", envelope, r, err)
		}
	}
}

func TestTheDriverNoticesEnvelopesThatAreWrong(t *testing.T) {
	for name, envelope := range map[string]string{
		"the event itself":       `&`,
		"another status":         `{"statusCode":500,"headers":{},"isBase64Encoded":true,"body":"\1"}`,
		"no status":              `{"headers":{},"isBase64Encoded":true,"body":"\1"}`,
		"a status that is text":  `{"statusCode":"200","headers":{},"isBase64Encoded":true,"body":"\1"}`,
		"base64 taken for text":  `{"statusCode":200,"headers":{},"isBase64Encoded":false,"body":"\1"}`,
		"not said whether it is": `{"statusCode":200,"headers":{},"body":"\1"}`,
		"no headers":             `{"statusCode":200,"isBase64Encoded":true,"body":"\1"}`,
		"no body":                `{"statusCode":200,"headers":{},"isBase64Encoded":true}`,
		"an empty body":          `{"statusCode":200,"headers":{},"isBase64Encoded":true,"body":""}`,
		"a body that goes on":    `{"statusCode":200,"headers":{},"isBase64Encoded":true,"body":"\1AAAA"}`,
		"a body that begins so":  `{"statusCode":200,"headers":{},"isBase64Encoded":true,"body":"AAAA\1"}`,
		"something behind it":    `{"statusCode":200,"headers":{},"isBase64Encoded":true,"body":"\1"}]`,
		"an end cut off":         `{"statusCode":200,"headers":{},"isBase64Encoded":true,"body":"\1"`,
	} {
		t.Run(name, func(t *testing.T) {
			wrong(t, load{kind: binary, events: 20, bytes: 100}, sed(envelope), 20)
		})
	}
	t.Run("text in base64", func(t *testing.T) {
		envelope := `{"statusCode":200,"headers":{},"isBase64Encoded":true,"body":"\1"}`
		wrong(t, load{kind: text, events: 20, bytes: 100}, sed(envelope), 20)
	})
	t.Run("another's answer", func(t *testing.T) {
		const script = `while read -r line; do line=${line#*:\"}; : "${first:=${line%%\"*}}"; ` +
			`echo '{"statusCode":200,"headers":{},"isBase64Encoded":true,"body":"'"$first"'"}'; done`
		c := candidate{command: []string{"poller_worker", "sh", "-c", script}, inFlight: 1}
		wrong(t, load{kind: binary, events: 20, bytes: 100}, c, 19) // the first is its own
	})
}

func wrong(t *testing.T, l load, c candidate, want int) {
	t.Helper()
	r, err := once(t, l, c)
	if err == nil || r.Wrong != want || r.Failed != 0 {
		t.Errorf("got %+v, %v", r, err)
	}
}
