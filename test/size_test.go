package test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgbootstrap/platform"
)

const gatewayGet = `{"httpMethod":"GET","path":"/","requestContext":{"requestId":"r"},"headers":{},"body":"","isBase64Encoded":true}`

// What is valid UTF-8 goes to the gateway as text, where a zero takes six bytes. What then does not
// fit goes as base64.
func TestAResultThatFitsInBase64OnlyIsNotRefused(t *testing.T) {
	t.Parallel()
	const printed = "printed"
	for name, result := range map[string][]byte{
		"2.8 MB of a tar":      bytes.Repeat(append([]byte("a/file.txt\x000000644\x00"), make([]byte, 400)...), 6700),
		"a black BMP":          append([]byte("BM\x36\x10\x0e\x00"), make([]byte, 1_200_000)...),
		"2 MB of zeros":        make([]byte, 2_000_000),
		"4.5 MB of dense JSON": []byte("[" + strings.Repeat(`"a","b",`, 562_500) + `""]`),
	} {
		for mode, s := range map[string]settings{
			"pipe":   sh("cat " + printed),
			"worker": sh("while read event; do cat "+printed+"; echo; done").with("BOOTSTRAP_MODE", "worker"),
		} {
			t.Run(mode+", "+name, func(t *testing.T) {
				t.Parallel()
				if mode == "worker" && bytes.IndexByte(result, '\n') >= 0 {
					t.Fatal("it is several lines")
				}
				c := deploy(t, s, memory(1024), func(f *platform.Function, _ *platform.Options) {
					if err := os.WriteFile(filepath.Join(f.Dir, printed), result, 0o644); err != nil {
						t.Fatal(err)
					}
				})
				c.invoke(`{}`)
				before := status(t, c.bootstrap(), "VmRSS:")
				r := c.invoke(gatewayGet)
				c.waitFor("its memory to be given back", func() bool { return status(t, c.bootstrap(), "VmRSS:") < before+10<<10 })
				var envelope struct {
					IsBase64Encoded bool
					Body            string
				}
				if err := json.Unmarshal(r.Payload, &envelope); err != nil || r.Failed {
					t.Fatalf("%v: %.300s", err, r.Payload)
				}
				got, err := base64.StdEncoding.DecodeString(envelope.Body)
				if err != nil || !bytes.Equal(got, result) {
					t.Errorf("got %d bytes, %v", len(got), err)
				}
			})
		}
	}
}

func TestTheErrorOfAResultThatBase64MakesTooLargeSaysSo(t *testing.T) {
	t.Parallel()
	c := deploy(t, sh(`head -c 5000000 /dev/zero | tr '\0' '\377'`), memory(1024))
	r := c.invoke(gatewayGet)
	for _, want := range []string{"FunctionResponseTooLarge", "response of 5000000 bytes", "base64, which takes a third more"} {
		if !r.Failed || !strings.Contains(string(r.Payload), want) {
			t.Errorf("want %q: %.500s", want, r.Payload)
		}
	}
}
