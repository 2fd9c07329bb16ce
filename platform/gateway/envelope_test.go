package gateway_test

import (
	"encoding/json"
	"testing"

	"fgbootstrap/platform/gateway"
)

func TestUnwrapAcceptsEnvelopesOnly(t *testing.T) {
	for in, status := range map[string]int{
		`{"statusCode":200}`: 200, `{"statusCode":404,"body":"x","headers":{}}`: 404, `{"statusCode":200,"more":1}`: 200,
		`{}`: 0, `[]`: 0, `"x"`: 0, ``: 0, `{"statusCode":0}`: 0, `{"statusCode":100}`: 0, `{"statusCode":199}`: 0, `{"statusCode":999}`: 999, `{"statusCode":1000}`: 0, `{"statusCode":"200"}`: 0, `{"statusCode":200.5}`: 0,
		`{"statusCode":200,"body":{}}`: 0, `{"statusCode":200,"headers":{"a":1}}`: 0, `{"statusCode":200,"headers":[]}`: 0,
		`{"statusCode":200,"body":"%","isBase64Encoded":true}`: 0, `{"statusCode":200,"isBase64Encoded":"yes"}`: 0,
	} {
		a, err := gateway.Unwrap([]byte(in))
		if a.Status != status || (err == nil) != (status != 0) {
			t.Errorf("%s: %d, %v", in, a.Status, err)
		}
	}
}

func FuzzUnwrap(f *testing.F) {
	f.Add([]byte(`{"statusCode":200,"headers":{"a":["b"]},"body":"eA==","isBase64Encoded":true}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		if a, err := gateway.Unwrap(in); err == nil && (a.Status < 200 || a.Status > 999 || !json.Valid(in)) {
			t.Errorf("%q became %+v", in, a)
		}
	})
}
