package apig

import (
	"bytes"
	"unicode/utf8"

	"fgbootstrap/internal/jsonscan"
)

// binaryBytes is how much of a body is looked at for a zero byte, which text has not.
const binaryBytes = 512

// ContentType returns the Content-Type of a body, or of one that begins with it, that has none. Text is
// JSON or plain, never HTML, SVG or XML: whoever has words of his own echoed would have a script of
// his own run. The type of other bytes is in a table.
func ContentType(body []byte) string {
	switch {
	case !utf8.Valid(body) || bytes.IndexByte(body[:min(len(body), binaryBytes)], 0) >= 0:
		return signature(body)
	case jsonscan.Valid(body):
		return "application/json"
	default:
		return "text/plain; charset=utf-8"
	}
}

// signatures are the first bytes of files; a ? stands for any byte. None is told by two bytes alone.
var signatures = []struct{ begins, kind string }{
	{"\x89PNG\r\n\x1a\n", "image/png"},
	{"\xff\xd8\xff", "image/jpeg"},
	{"GIF87a", "image/gif"},
	{"GIF89a", "image/gif"},
	{"RIFF????WEBP", "image/webp"},
	{"RIFF????WAVE", "audio/wav"},
	{"????ftypavif", "image/avif"},
	{"????ftypavis", "image/avif"},
	{"????ftyphei", "image/heic"},
	{"????ftyphev", "image/heic"},
	{"????ftypmif1", "image/heif"},
	{"????ftypmsf1", "image/heif"},
	{"????ftypM4A", "audio/mp4"},
	{"????ftypqt  ", "video/quicktime"},
	{"????ftyp", "video/mp4"},
	{"II*\x00", "image/tiff"},
	{"MM\x00*", "image/tiff"},
	{"\x00\x00\x01\x00", "image/x-icon"},
	{"%PDF-", "application/pdf"},
	{"\x1f\x8b\x08", "application/gzip"},
	{"PK\x03\x04", "application/zip"},
	{"PK\x05\x06", "application/zip"},
	{"\x28\xb5\x2f\xfd", "application/zstd"},
	{"\xfd7zXZ\x00", "application/x-xz"},
	{"OggS\x00", "application/ogg"},
	{"fLaC", "audio/flac"},
	{"ID3", "audio/mpeg"},
	{"\x1a\x45\xdf\xa3", "video/webm"},
	{"wOFF", "font/woff"},
	{"wOF2", "font/woff2"},
	{"\x00asm", "application/wasm"},
	{"SQLite format 3\x00", "application/vnd.sqlite3"},
}

func signature(body []byte) string {
	for _, row := range signatures {
		if hasSignature(body, row.begins) {
			return row.kind
		}
	}
	return "application/octet-stream"
}

func hasSignature(body []byte, begins string) bool {
	if len(body) < len(begins) {
		return false
	}
	for i := range len(begins) {
		if begins[i] != '?' && body[i] != begins[i] {
			return false
		}
	}
	return true
}

// looksLikeHTML reports whether a text is probably meant as a page: it begins with a tag.
func looksLikeHTML(text []byte) bool {
	text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n\f")
	if len(text) < 2 || text[0] != '<' {
		return false
	}
	text = bytes.ToLower(text[1:min(len(text), 20)])
	for _, tag := range htmlStarts {
		rest, found := bytes.CutPrefix(text, []byte(tag))
		if found && (tag == "!--" || len(rest) > 0 && bytes.IndexByte([]byte(" \t\r\n\f>"), rest[0]) >= 0) {
			return true
		}
	}
	return false
}

// htmlStarts are the tags by which browsers know HTML (the WHATWG's MIME sniffing table).
var htmlStarts = []string{
	"!doctype html", "html", "head", "script", "iframe", "h1", "div", "font", "table",
	"a", "style", "title", "b", "body", "br", "p", "!--", "meta",
}
