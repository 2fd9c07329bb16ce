package httpproxy

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"unicode/utf8"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/apig"
)

// BenchmarkMapping is what an event costs from its JSON to the request's body and from
// the answer's body to the envelope, beside the way of encoding/json.
func BenchmarkMapping(b *testing.B) {
	for _, size := range []int{1 << 10, 4_400_000} {
		body := bytes.Repeat([]byte{0xff, 0xd8, 1, 2}, size/4)
		event := fmt.Appendf(nil, `{"httpMethod":"POST","path":"/a b","queryStringParameters":{"a":["1","2"]},"requestContext":{"stage":"RELEASE"},`+
			`"headers":{"host":"example.test","accept":"*/*","content-type":"image/jpeg","x-real-ip":"203.0.113.7"},"isBase64Encoded":true,"body":%q}`,
			base64.StdEncoding.EncodeToString(body))
		head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", len(body))
		answer := append([]byte(head), body...)
		b.Run(fmt.Sprintf("ours/%d", size), func(b *testing.B) { benchmarkOurs(b, event, answer) })
		b.Run(fmt.Sprintf("encoding-json/%d", size), func(b *testing.B) { benchmarkEncodingJSON(b, event, body) })
	}
}

func benchmarkOurs(b *testing.B, event, answer []byte) {
	response, err := adapter.NewResponse(adapter.ResponseOptions{Limit: 8 << 20})
	if err != nil {
		b.Fatal(err)
	}
	defer response.Free()
	var request apig.Request
	a := newAnswer()
	b.ReportAllocs()
	for b.Loop() {
		call, _ := apig.Read(event)
		if err := request.Read(call, apig.Reading{IsOurs: func(string) bool { return false }}); err != nil {
			b.Fatal(err)
		}
		if _, err := request.Body.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
		response.Reset(nil)
		if err := a.await(&conn{in: bytes.NewReader(answer)}); err != nil {
			b.Fatal(err)
		}
		if err := a.head("GET"); err != nil {
			b.Fatal(err)
		}
		if err := a.envelop(response); err != nil {
			b.Fatal(err)
		}
		_ = a.http.CloseBodyStream()
	}
}

func benchmarkEncodingJSON(b *testing.B, event, answer []byte) {
	b.ReportAllocs()
	for b.Loop() {
		var call struct {
			Method          string         `json:"httpMethod"`
			Path            string         `json:"path"`
			Query           map[string]any `json:"queryStringParameters"`
			Headers         map[string]any `json:"headers"`
			Body            string         `json:"body"`
			IsBase64Encoded bool           `json:"isBase64Encoded"`
		}
		if err := json.Unmarshal(event, &call); err != nil {
			b.Fatal(err)
		}
		if _, err := base64.StdEncoding.DecodeString(call.Body); err != nil {
			b.Fatal(err)
		}
		text, isBase64 := string(answer), !utf8.Valid(answer)
		if isBase64 {
			text = base64.StdEncoding.EncodeToString(answer)
		}
		if _, err := json.Marshal(map[string]any{
			"statusCode": 200, "headers": map[string]any{"Content-Type": "image/jpeg"}, "isBase64Encoded": isBase64, "body": text,
		}); err != nil {
			b.Fatal(err)
		}
	}
}
