package apig

import (
	"bytes"
	"io"
	"mime"
	"strconv"
	"strings"
	"unicode/utf8"

	"fgbootstrap/internal/jsonscan"
)

// Field is a header of a request or an answer.
type Field struct{ Name, Value []byte }

// Answer is an HTTP answer for the gateway's client, without its body. Its methods write the
// envelope of it and a body. They change nothing in it, so it may be shared.
type Answer struct {
	Status int
	Fields []Field
	// Type is the Content-Type if Fields have none. "" is what the body looks like, see
	// ContentType; no browser may guess another one then.
	Type string
	// NoBody leaves the body out: an answer to HEAD, 204 or 304 has none.
	NoBody bool
}

// OK returns the answer that a program's bare result becomes; contentType is its type, "" if it has
// to be told by its bytes.
func OK(contentType string) Answer { return Answer{Status: 200, Type: contentType} }

// AppendHead appends the beginning of an envelope, up to the last of the fields. Fields with one name
// become an array, where the first of them stands.
func (a Answer) AppendHead(dst []byte) []byte {
	dst = append(dst, `{"statusCode":`...)
	dst = strconv.AppendInt(dst, int64(a.Status), 10)
	dst = append(dst, `,"headers":{`...)
	first := true
	for i, f := range a.Fields {
		if find(a.Fields[:i], f.Name) >= 0 { // written with the first one
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = appendString(dst, f.Name)
		dst = append(dst, ':')
		dst = appendValues(dst, f, a.Fields[i+1:])
	}
	return dst
}

// begin appends the beginning of the envelope of this body, or of one that begins with it.
func (a Answer) begin(dst, body []byte) []byte {
	if find(a.Fields, []byte("Content-Type")) >= 0 || a.NoBody && a.Type == "" {
		return a.AppendHead(dst)
	}
	kind := a.Type
	if kind == "" {
		kind = ContentType(body)
	}
	a.Fields = append(a.Fields[:len(a.Fields):len(a.Fields)], Field{[]byte("Content-Type"), []byte(kind)})
	if a.Type == "" {
		a.Fields = append(a.Fields, Field{[]byte("X-Content-Type-Options"), []byte("nosniff")})
	}
	return a.AppendHead(dst)
}

// Append appends to dst the envelope of a body, which has at most limit bytes: as text, or in base64
// if binary is set and the type does not say that it is UTF-8, the body is not text, or text would grow dst past limit. Text stops then, and
// base64 takes a third more, so the total never exceeds twice the limit plus the envelope itself.
func (a Answer) Append(dst, body []byte, binary bool, limit int) []byte {
	dst = a.begin(dst, body)
	if a.NoBody {
		return append(append(dst, TextBody...), End...)
	}
	if kind, may := a.textType(); may && (!binary || IsUTF8(kind)) && utf8.Valid(body) {
		text := jsonscan.AppendText(append(dst, TextBody...), body, limit)
		if len(text)+len(End) <= limit {
			return append(text, End...)
		}
	}
	dst = append(dst, Base64Body...)
	dst = jsonscan.AppendBase64(dst, body)
	return append(dst, End...)
}

// Size returns a function that returns the most bytes that a body of n bytes takes in an envelope of Stream in
// base64. As text it is the least, since that depends on what has to be escaped.
func (a Answer) Size() func(n int64) int64 {
	// Of the types that a guess can give, that of an empty body is the longest.
	longest := int64(len(a.begin(nil, nil)) + len(Base64Body) + len(End))
	switch {
	case a.NoBody:
		return func(int64) int64 { return longest }
	case a.streamsText():
		return func(n int64) int64 { return n }
	}
	return func(n int64) int64 { return longest + (n+2)/3*4 }
}

// Stream begins an envelope for a body that begins with first. What is written to it goes to w at
// once: in base64, but for the last two bytes, which may have to wait for a third; or as text if the
// type says that it is UTF-8, but for a character that is not whole, and with U+FFFD for what is no UTF-8. Close
// ends the envelope.
func (a Answer) Stream(w io.Writer, first []byte) (io.WriteCloser, error) {
	out := a.begin(nil, jsonscan.WholeRunes(first))
	switch {
	case a.NoBody:
		return &noBody{w: w, out: append(out, TextBody...)}, nil
	case a.streamsText():
		return NewTextStream(w, out), nil
	}
	return &stream{w: w, out: append(out, Base64Body...)}, nil
}

// Doubts is a sentence, for the log, about a body that its client will probably not see as it was meant;
// "" for most.
func (a Answer) Doubts(body []byte) string {
	if len(a.value("Content-Type", a.Type)) == 0 && !a.NoBody && looksLikeHTML(body) {
		return asText
	}
	return ""
}

// streamsText reports whether the body is UTF-8 by the definition of its type.
func (a Answer) streamsText() bool {
	kind, may := a.textType()
	return may && IsUTF8(kind)
}

func (a Answer) textType() (kind string, may bool) {
	return TextType(a.value("Content-Type", a.Type), a.value("Content-Encoding", ""))
}

func (a Answer) value(name, otherwise string) []byte {
	if i := find(a.Fields, []byte(name)); i >= 0 {
		return a.Fields[i].Value
	}
	return []byte(otherwise)
}

// find returns the place of the first field of that name, or -1.
func find(fields []Field, name []byte) int {
	for i, f := range fields {
		if len(f.Name) == len(name) && bytes.EqualFold(f.Name, name) {
			return i
		}
	}
	return -1
}

// TextType returns a body's media type, "" if it has none or an invalid one, and whether nothing in
// its headers says that it is no UTF-8.
func TextType(contentType, contentEncoding []byte) (kind string, may bool) {
	if len(contentEncoding) > 0 && !bytes.EqualFold(contentEncoding, []byte("identity")) {
		return "", false
	}
	if len(contentType) == 0 {
		return "", true
	}
	kind, parameters, _ := mime.ParseMediaType(string(contentType)) // an invalid one has no charset
	switch strings.ToLower(parameters["charset"]) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return kind, true
	}
	return kind, false
}

// IsUTF8 reports whether bodies of a media type are UTF-8 by its definition.
func IsUTF8(kind string) bool {
	return kind == "text/event-stream" || strings.HasPrefix(kind, "application/") && (strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "jsonl"))
}
