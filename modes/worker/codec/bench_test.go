package codec_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"fgbootstrap/modes/worker/codec"
)

// answers are what a worker says to an event, by protocol.
var answers = map[string]string{
	"lines":      `%s`,
	"jsonrpc":    `{"jsonrpc":"2.0","id":"the-id","result":%s}`,
	"actionloop": `%s`,
}

// BenchmarkCodec is what an event costs from its JSON to the worker's line, and from the
// worker's line to the response.
func BenchmarkCodec(b *testing.B) {
	for _, p := range codec.All() {
		for _, size := range []int{1 << 10, 6 << 20} {
			event := fmt.Sprintf(`{"text":"%s"}`, strings.Repeat("x", size))
			b.Run(fmt.Sprintf("%s/write/%d", p.Name, size), func(b *testing.B) { benchmarkWrite(b, speak(b, p.Name, nil), event) })
			b.Run(fmt.Sprintf("%s/read/%d", p.Name, size), func(b *testing.B) {
				benchmarkRead(b, speak(b, p.Name, nil), fmt.Sprintf(answers[p.Name], event), event)
			})
		}
	}
}

func benchmarkWrite(b *testing.B, c codec.Codec, event string) {
	inv := invocation(event)
	b.ReportAllocs()
	b.SetBytes(int64(len(event)))
	for b.Loop() {
		if err := c.WriteEvent(io.Discard, inv); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkRead(b *testing.B, c codec.Codec, answer, event string) {
	line := []byte(answer) // none of these is changed by being read
	b.ReportAllocs()
	b.SetBytes(int64(len(event)))
	for b.Loop() {
		m, err := c.Read(line)
		if err != nil || m.Kind != codec.Answer || len(m.Body) != len(event) {
			b.Fatalf("got %d, %d bytes, %v", m.Kind, len(m.Body), err)
		}
	}
}
