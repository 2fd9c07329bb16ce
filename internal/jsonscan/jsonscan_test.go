package jsonscan

import (
	"bytes"
	"encoding/json"
	"testing"
)

// kind is what a JSON value is by its first byte.
func kind(value []byte) byte {
	switch c := value[0]; {
	case c == '-' || c >= '0' && c <= '9':
		return '0'
	case c == 'f':
		return 't'
	default:
		return c
	}
}

func FuzzObjectSeesWhatEncodingJSONSees(f *testing.F) {
	for _, seed := range []string{
		``, `{`, `{}`, `{} `, ` { } `, `{"a":1}`, `{"a":"b\"c\\","d":[1,{"e":"]"}],"f":{"g":{}},"h":null,"i":true,"j":-1.5e3}`,
		`{"a":1,}`, `{"a" 1}`, `{"a":}`, `{,}`, `{"a":1}}`, `{"a":"`, `{"a":"\`, `{"a":[`, `{"a":{]}`, `{1:2}`, `{"\"":1}`, `{"":""}`,
		`{"statusCode":200,"statusCode":"x"}`, "{\"a\":1\t,\r\n\"b\":2}", "\ufeff{}", `[]`, `"{}"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		type member struct {
			key  string
			kind byte
		}
		var got []member
		whole := Object(text, func(key, value []byte) {
			if len(value) == 0 {
				t.Fatal("an empty value")
			}
			got = append(got, member{string(key), kind(value)})
		})
		var object map[string]json.RawMessage
		if json.Unmarshal(text, &object) != nil || object == nil {
			return // no panic is all that is asked
		}
		if !whole {
			t.Fatalf("%q is an object", text)
		}
		last := make(map[string]byte)
		for _, m := range got {
			var key string
			if err := json.Unmarshal([]byte(`"`+m.key+`"`), &key); err != nil {
				t.Fatalf("key %q: %v", m.key, err)
			}
			last[key] = m.kind
		}
		if len(last) != len(object) {
			t.Fatalf("%q: got %q", text, got)
		}
		for key, value := range object {
			if last[key] != kind(bytes.TrimSpace(value)) {
				t.Fatalf("%q: %q is %s, got %q", text, key, value, last[key])
			}
		}
	})
}

func FuzzArraySeesWhatEncodingJSONSees(f *testing.F) {
	for _, seed := range []string{`[]`, `[ ]`, `[1,"a",[2,"]"],{"b":[]},null,true]`, `[1,]`, `[,1]`, `[1 2]`, `[`, `["`, `[1]]`, ` [1] `, `{}`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got []byte
		whole := Array(text, func(value []byte) { got = append(got, kind(value)) })
		var array []json.RawMessage
		if json.Unmarshal(text, &array) != nil || array == nil {
			return // no panic is all that is asked
		}
		var want []byte
		for _, value := range array {
			want = append(want, kind(value))
		}
		if !whole || !bytes.Equal(got, want) {
			t.Errorf("%q: got %q, %v, want %q", text, got, whole, want)
		}
	})
}
