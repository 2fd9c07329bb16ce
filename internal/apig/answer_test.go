package apig_test

import (
	"bytes"
	"strings"
	"testing"

	"fgbootstrap/internal/apig"
)

func TestBytesHaveTheTypeThatTheirFirstOnesSay(t *testing.T) {
	const rest = "\x00\x00\x00\x01 and more \xff"
	for begins, want := range map[string]string{
		"\x89PNG\r\n\x1a\n": "image/png", "\xff\xd8\xff\xe0": "image/jpeg", "GIF89a": "image/gif", "GIF87a": "image/gif",
		"RIFF\x01\x02\x03\x04WEBP": "image/webp", "RIFF\x01\x02\x03\x04WAVE": "audio/wav", "RIFF\x01\x02\x03\x04AVI ": "application/octet-stream",
		"\x00\x00\x00\x20ftypisom": "video/mp4", "\x00\x00\x00\x20ftypavif": "image/avif", "\x00\x00\x00\x20ftypheic": "image/heic", "\x00\x00\x00\x20ftypM4A ": "audio/mp4",
		"II*\x00": "image/tiff", "MM\x00*": "image/tiff", "\x00\x00\x01\x00": "image/x-icon", "%PDF-1.7": "application/pdf",
		"\x1f\x8b\x08": "application/gzip", "\x1f\x8b\x00": "application/octet-stream", "PK\x03\x04": "application/zip", "PK": "application/octet-stream",
		"BM": "application/octet-stream", "MZ": "application/octet-stream",
		"\x28\xb5\x2f\xfd": "application/zstd", "\xfd7zXZ\x00": "application/x-xz", "OggS\x00": "application/ogg", "fLaC": "audio/flac", "ID3\x03": "audio/mpeg",
		"\x1a\x45\xdf\xa3": "video/webm", "wOFF": "font/woff", "wOF2": "font/woff2", "\x00asm": "application/wasm", "SQLite format 3\x00": "application/vnd.sqlite3",
		"<!doctype html>": "application/octet-stream", "<svg>": "application/octet-stream", "": "application/octet-stream",
	} {
		if got := apig.ContentType([]byte(begins + rest)); got != want {
			t.Errorf("%q is %s, want %s", begins, got, want)
		}
	}
}

func TestTextIsJSONOrPlainAndNothingElse(t *testing.T) {
	const plain = "text/plain; charset=utf-8"
	for body, want := range map[string]string{
		"": plain, "%PDF-1.4 in words": plain, "GIF89a, it says": plain, "PK\x03\x04": plain, "<!doctype html><script>": plain, "<svg onload=alert(1)>": plain, "<?xml version='1.0'?>": plain,
		`{"a":1}`: "application/json", `[]`: "application/json", `{"a":1`: plain,
		strings.Repeat("x", 511) + "\x00": "application/octet-stream", strings.Repeat("x", 512) + "\x00": plain,
	} {
		if got := apig.ContentType([]byte(body)); got != want {
			t.Errorf("%.20q is %s, want %s", body, got, want)
		}
	}
}

func TestAnAnswerChangesNothingOfItself(t *testing.T) {
	a := apig.Answer{Status: 200, Fields: []apig.Field{
		{Name: []byte("A"), Value: []byte("1")}, {Name: []byte("a"), Value: []byte("2")}, {Name: []byte("B"), Value: []byte("\xe9\"")}, {Name: []byte("A"), Value: []byte("3")},
	}}
	const want = `{"statusCode":200,"headers":{"A":["1","2","3"],"B":"é\"","Content-Type":"text/plain; charset=utf-8",` +
		`"X-Content-Type-Options":"nosniff"},"isBase64Encoded":false,"body":"x"}`
	for range 2 {
		if got := a.Append(nil, []byte("x"), false, 1000); string(got) != want {
			t.Errorf("got %s", got)
		}
		var out bytes.Buffer
		w, err := a.Stream(&out, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Replace(want, `false,"body":"x"`, `true,"body":"eA=="`, 1); out.String() != got || int64(out.Len()) > a.Size()(1) {
			t.Errorf("got %s", &out)
		}
	}
}
