package jsonscan

import (
	"encoding/json"
	"strings"
	"testing"
)

var texts = []string{
	``, ` `, `{}`, ` { } `, `[]`, `[1,]`, `{"a":1}`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1}{"b":2}`, `{"a":1 "b":2}`, `{1:2}`, `{"a":[{"b":null}]}`,
	`"`, `"a`, `"\`, `"\"`, `"\x"`, `"\u12"`, `"\u12G4"`, `"\uD800"`, "\"\x1f\"", "\"\x7f\u2028\xff\"", "\"a\nb\"", `"\b\f\n\r\t\/\\\""`,
	`0`, `-0`, `-`, `01`, `1.`, `.5`, `1.5e`, `1.5e+`, `1E-7`, `1e999`, `123456789012345678901234567890`, `+1`, `0x1`, `1 2`, `NaN`, `Infinity`, `-Infinity`,
	`true`, `tru`, `truee`, `null`, `nul`, `false`, "\ufeff{}", `[`, `]`, `[[]`, `{"a":1]`, `[1}`, "{\r\n\t\"a\"\r:\n1\v}", `//`,
	strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001), strings.Repeat("[", 70_000),
}

func FuzzValidIsTheStandardLibrarys(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := Valid([]byte(text)), json.Valid([]byte(text)); got != want {
			t.Errorf("%.200q: got %v, want %v", text, got, want)
		}
		if !json.Valid([]byte(text)) {
			return
		}
		var joined []byte
		rest := Scalars([]byte(text), func(before, raw []byte, _ int, _ bool) { joined = append(append(joined, before...), raw...) })
		if joined = append(joined, rest...); string(joined) != text {
			t.Errorf("%.200q falls apart: %.200q", text, joined)
		}
	})
}

func TestScalarsTellKeysFromValuesAndHowDeepTheyStand(t *testing.T) {
	var got []string
	rest := Scalars([]byte(`{"a" : 1, "b":[ "c" ,{"d":null}] } `), func(before, raw []byte, depth int, key bool) {
		text := string(before) + "|" + string(raw) + "|" + strings.Repeat("+", depth)
		if key {
			text += "key"
		}
		got = append(got, text)
	})
	want := strings.Join([]string{`{|"a"|+key`, ` : |1|+`, `, |"b"|+key`, `:[ |"c"|++`, ` ,{|"d"|+++key`, `:|null|+++`}, "\n")
	if strings.Join(got, "\n") != want || string(rest) != `}] } ` {
		t.Errorf("got %s and %q", strings.Join(got, "\n"), rest)
	}
}

func BenchmarkValid(b *testing.B) {
	text := []byte(`{"level":30,"time":1793600000000,"pid":17,"hostname":"box","reqId":"a-1","msg":"request completed","responseTime":1.25,"res":{"statusCode":200}}`)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if !Valid(text) {
			b.Fatal()
		}
	}
}
