package secret_test

import (
	"encoding/json"
	"testing"

	"fgbootstrap/internal/secret"
)

func TestMaskingLeavesAnObjectOne(t *testing.T) {
	keys := secret.NewKeyring(secret.NewMask("hunter2-xyz", "12345678", `say "hi" now`, "nbcdefg", "message", `"a":"b","c"`, "level", "requestId", "123.5e10"))
	for line, want := range map[string]string{
		`{"a":"b"}`: `{"a":"b"}`,
		`{"a":"my hunter2-xyz!","hunter2-xyz":[{"hunter2-xyz":"x"},1]}`: `{"a":"my ****!","****":[{"****":"x"},1]}`,
		`{"a":12345678,"b":[12345678.5,-12345678,123.5e10],"c":1}`:      `{"a":"****","b":["****","****","****"],"c":1}`,
		`{"a":"say \"hi\" now","b":"\u0068unter2-xyz"}`:                 `{"a":"****","b":"****"}`,
		`{"a":"\nbcdefg x"}`: `{"a":"****"}`, // half of an escape
		// The names of a line's form stay, and only where they are that.
		`{"message":"a message","level":"level","requestId":"requestId","x":{"message":1}}`: `{"message":"a ****","level":"level","requestId":"****","x":{"****":1}}`,
		// A secret that reaches over several values.
		`{"a":"b","c":"d"}`: `{****:"d"}`,
		// What is no object is masked as text.
		`[12345678]`:                     `[****]`,
		`{"a":12345678`:                  `{"a":****`,
		`a: hunter2-xyz`:                 `a: ****`,
		` {"a" : "hunter2-xyz"} `:        ` {"a" : "****"} `,
		`{"a":"aHVudGVyMi14eXo=","b":0}`: `{"a":"****","b":0}`,
	} {
		if got := string(keys.Object([]byte(line))); got != want {
			t.Errorf("%s:\n got %s\nwant %s", line, got, want)
		}
	}
}

func FuzzAMaskedObjectIsAnObjectWithoutTheSecret(f *testing.F) {
	keys := secret.NewKeyring(secret.NewMask("hunter2-xyz", "12345678", `q"uot\e`))
	for _, text := range []string{`{"a":"hunter2-xyz"}`, `{"q\"uot\\e":12345678}`, `{"a":"\\hunter2-xyz","b":[1e12345678]}`, `{"a":"q\u0022uot\\e"}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := keys.Object([]byte(text))
		if again := keys.Bytes(got); string(again) != string(got) {
			t.Errorf("%q: %q still has a secret", text, got)
		}
		if json.Valid([]byte(text)) && text[0] == '{' && !json.Valid(got) && string(got) != string(keys.Bytes([]byte(text))) {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
